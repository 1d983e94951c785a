// Device and pinned memory, copies and fills, the stream-ordered pool, pointer attributes.
#include "driver.h"
#include "../check/findings.h"
#include "../check/hook_state.h"
#include "../check/source_lines.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include <cstring>

namespace csunet {

int check_device_range(uint64_t address, size_t bytes) {
    Buffer* buffer = find_buffer(address);
    return buffer && buffer->live && buffer->contains(address, bytes) ? int(Success) : int(InvalidValue);
}

// The write nearest to an unwritten granule: the kernel and line that skipped it. Null if no kernel wrote to the buffer.
static const Touch* nearest_write(const Buffer& buffer, size_t granule) {
    const Cell* cells = buffer.cells;
    for (size_t distance = 1; cells && distance < buffer.granules(); distance++) {
        if (granule >= distance && cells[granule - distance].write.run) return &cells[granule - distance].write;
        if (granule + distance < buffer.granules() && cells[granule + distance].write.run) return &cells[granule + distance].write;
    }
    return nullptr;
}

// In hook mode: memory copied to the host must have been written.
static void check_written(uint64_t address, size_t bytes) {
    Buffer* buffer = find_buffer(address);
    uint8_t* written = buffer ? buffer->written.load() : nullptr;
    if (!written) return;
    size_t first = (address - buffer->start) / 2, end = (address - buffer->start + bytes + 1) / 2, missing = 0, where = 0;
    for (size_t i = first; i < end; i++)
        if (!written[i] && !missing++) where = i;
    if (!missing) return;
    Finding finding;
    finding.kind = "unwritten";
    finding.kernel = "(copy to the host)";
    finding.text = "buffer " + std::to_string(buffer->number) + " (" + std::to_string(buffer->size) + " bytes): "
        + std::to_string(2 * missing)
        + " unwritten bytes, the first at offset " + std::to_string(2 * where);
    if (const Touch* neighbour = nearest_write(*buffer, where)) {
        finding.kernel = kernel_of_run(neighbour->run);
        finding.at = line_of(site_address(neighbour->site));
        finding.text = "copied to the host: " + finding.text + "; this line wrote the nearest written ones";
    }
    add_finding(std::move(finding));
}

static void fill(uint64_t to, unsigned value, size_t width, size_t count) {
    auto* p = reinterpret_cast<unsigned char*>(to);
    if (!value) fill_zeros(to, width * count);
    else if (width == 1) memset(p, int(value & 0xff), count);
    else
        for (size_t i = 0; i < count; i++) memcpy(p + i * width, &value, width);
}

int execute_memory(const Work& work) {
    size_t bytes = work.kind == Work::Fill ? work.bytes * work.width : work.bytes;
    if (!bytes) return Success;
    bool to_device = work.kind != Work::CopyToHost && check_device_range(work.to, bytes) == Success;
    bool from_device = work.kind != Work::CopyToDevice && work.kind != Work::Fill && check_device_range(work.from, bytes) == Success;
    // A captured copy may refer to a buffer freed since: an illegal address on a GPU.
    if ((work.kind == Work::CopyToDevice || work.kind == Work::CopyOnDevice || work.kind == Work::Fill) && !to_device)
        return LaunchIllegalAddress;
    if ((work.kind == Work::CopyToHost || work.kind == Work::CopyOnDevice) && !from_device) return LaunchIllegalAddress;
    if (work.kind == Work::Fill) fill(work.to, work.value, work.width, work.bytes);
    else memmove(reinterpret_cast<void*>(work.to), reinterpret_cast<const void*>(work.from), bytes);
    if (to_device) mark_written(work.to, bytes);
    if (from_device && !to_device) check_written(work.from, bytes);
    return Success;
}

static auto& stream_ordered = *new std::unordered_set<uint64_t>;     // allocated from the pool; never destroyed
static std::mutex pool_mutex;
static uint64_t pool_threshold, pool_high;

static int allocate(uint64_t* pointer, size_t bytes) {
    if (!pointer || !bytes) return InvalidValue;
    Buffer* buffer = allocate_device(bytes);
    if (!buffer) return OutOfMemory;
    *pointer = buffer->start;
    return Success;
}
static int release(uint64_t pointer) {
    if (!pointer) return Success;
    Buffer* buffer = find_buffer(pointer);
    if (!buffer || !buffer->live || buffer->start != pointer || buffer->kind != MemoryKind::Device) return InvalidValue;
    free_buffer(buffer);
    return Success;
}

}

using namespace csunet;

CSUNET_API int cuCtxGetCurrent(void** context);

CSUNET_API int cuMemAlloc_v2(uint64_t* pointer, size_t bytes) {
    if (int status = ready_outside_capture()) return status;
    return allocate(pointer, bytes);
}
CSUNET_API int cuMemAlloc(uint64_t* pointer, size_t bytes) { return cuMemAlloc_v2(pointer, bytes); }
CSUNET_API int cuMemFree_v2(uint64_t pointer) {
    if (int status = ready_outside_capture()) return status;
    return release(pointer);
}
CSUNET_API int cuMemFree(uint64_t pointer) { return cuMemFree_v2(pointer); }

// Work runs when it is submitted, so stream order is call order.
CSUNET_API int cuMemAllocAsync(uint64_t* pointer, size_t bytes, void* stream) {
    if (int status = ready()) return status;
    Stream* s = find_stream(stream);
    if (!s) return InvalidHandle;
    if (s->capture) return CaptureUnsupported;          // memory nodes are not emulated
    int status = allocate(pointer, bytes);
    std::lock_guard guard(pool_mutex);
    if (!status) stream_ordered.insert(*pointer);
    pool_high = std::max(pool_high, uint64_t(memory_use().used));
    return status;
}
CSUNET_API int cuMemAllocFromPoolAsync(uint64_t* pointer, size_t bytes, void* pool, void* stream) {
    return pool ? cuMemAllocAsync(pointer, bytes, stream) : int(InvalidValue);
}
CSUNET_API int cuMemFreeAsync(uint64_t pointer, void* stream) {
    if (int status = ready()) return status;
    Stream* s = find_stream(stream);
    if (!s) return InvalidHandle;
    if (s->capture) return CaptureUnsupported;
    if (!pointer) return InvalidValue;
    std::lock_guard guard(pool_mutex);
    stream_ordered.erase(pointer);
    return release(pointer);
}

CSUNET_API int cuMemHostAlloc(void** pointer, size_t bytes, unsigned flags) {
    if (int status = ready_outside_capture()) return status;
    if (!pointer || !bytes || flags > 7) return InvalidValue;
    Buffer* buffer = allocate_pinned(bytes);
    if (!buffer) return OutOfMemory;
    *pointer = reinterpret_cast<void*>(buffer->start);
    return Success;
}
CSUNET_API int cuMemAllocHost_v2(void** pointer, size_t bytes) { return cuMemHostAlloc(pointer, bytes, 0); }
CSUNET_API int cuMemAllocHost(void** pointer, size_t bytes) { return cuMemHostAlloc(pointer, bytes, 0); }
CSUNET_API int cuMemFreeHost(void* pointer) {
    if (int status = ready_outside_capture()) return status;
    Buffer* buffer = find_buffer(reinterpret_cast<uintptr_t>(pointer));
    if (!buffer || buffer->kind != MemoryKind::Pinned || buffer->start != reinterpret_cast<uintptr_t>(pointer)) return InvalidValue;
    free_buffer(buffer);
    return Success;
}

static int copy(Work::Kind kind, uint64_t to, uint64_t from, size_t bytes, void* stream, bool async) {
    if (int status = async ? ready() : ready_outside_capture()) return status;
    Stream* s = find_stream(async ? stream : nullptr);
    if (!s) return InvalidHandle;
    if (!bytes) return Success;
    if (!to || !from) return InvalidValue;
    if ((kind == Work::CopyToDevice || kind == Work::CopyOnDevice) && check_device_range(to, bytes)) return InvalidValue;
    if ((kind == Work::CopyToHost || kind == Work::CopyOnDevice) && check_device_range(from, bytes)) return InvalidValue;
    if (kind == Work::CopyAny) {
        // Unified addressing: a range that starts in a buffer must end in it; any other address belongs to the host.
        for (uint64_t address : {to, from})
            if (find_buffer(address) && check_device_range(address, bytes)) return InvalidValue;
    }
    Work work;
    work.kind = kind;
    work.to = to;
    work.from = from;
    work.bytes = bytes;
    return submit(s, std::move(work));
}
static uint64_t word(const void* p) { return reinterpret_cast<uint64_t>(p); }

CSUNET_API int cuMemcpyHtoD_v2(uint64_t to, const void* from, size_t bytes) {
    return copy(Work::CopyToDevice, to, word(from), bytes, nullptr, false);
}
CSUNET_API int cuMemcpyDtoH_v2(void* to, uint64_t from, size_t bytes) {
    return copy(Work::CopyToHost, word(to), from, bytes, nullptr, false);
}
CSUNET_API int cuMemcpyDtoD_v2(uint64_t to, uint64_t from, size_t bytes) {
    return copy(Work::CopyOnDevice, to, from, bytes, nullptr, false);
}
CSUNET_API int cuMemcpy(uint64_t to, uint64_t from, size_t bytes) { return copy(Work::CopyAny, to, from, bytes, nullptr, false); }
CSUNET_API int cuMemcpyHtoDAsync_v2(uint64_t to, const void* from, size_t bytes, void* stream) {
    return copy(Work::CopyToDevice, to, word(from), bytes, stream, true);
}
CSUNET_API int cuMemcpyDtoHAsync_v2(void* to, uint64_t from, size_t bytes, void* stream) {
    return copy(Work::CopyToHost, word(to), from, bytes, stream, true);
}
CSUNET_API int cuMemcpyDtoDAsync_v2(uint64_t to, uint64_t from, size_t bytes, void* stream) {
    return copy(Work::CopyOnDevice, to, from, bytes, stream, true);
}
CSUNET_API int cuMemcpyAsync(uint64_t to, uint64_t from, size_t bytes, void* stream) {
    return copy(Work::CopyAny, to, from, bytes, stream, true);
}

static int set(uint64_t to, unsigned value, size_t width, size_t count, void* stream, bool async) {
    if (int status = async ? ready() : ready_outside_capture()) return status;
    Stream* s = find_stream(async ? stream : nullptr);
    if (!s) return InvalidHandle;
    if (!count) return Success;
    if (to % width || count > SIZE_MAX / width || check_device_range(to, count * width)) return InvalidValue;
    Work work;
    work.kind = Work::Fill;
    work.to = to;
    work.value = value;
    work.width = width;
    work.bytes = count;
    return submit(s, std::move(work));
}
CSUNET_API int cuMemsetD8_v2(uint64_t to, unsigned char value, size_t count) { return set(to, value, 1, count, nullptr, false); }
CSUNET_API int cuMemsetD16_v2(uint64_t to, unsigned short value, size_t count) { return set(to, value, 2, count, nullptr, false); }
CSUNET_API int cuMemsetD32_v2(uint64_t to, unsigned value, size_t count) { return set(to, value, 4, count, nullptr, false); }
CSUNET_API int cuMemsetD8Async(uint64_t to, unsigned char value, size_t count, void* stream) {
    return set(to, value, 1, count, stream, true);
}
CSUNET_API int cuMemsetD16Async(uint64_t to, unsigned short value, size_t count, void* stream) {
    return set(to, value, 2, count, stream, true);
}
CSUNET_API int cuMemsetD32Async(uint64_t to, unsigned value, size_t count, void* stream) { return set(to, value, 4, count, stream, true); }

CSUNET_API int cuMemGetInfo_v2(size_t* free, size_t* total) {
    if (int status = ready()) return status;
    if (!free || !total) return InvalidValue;
    MemoryUse use = memory_use();
    *total = use.total;
    *free = use.total > use.used ? use.total - use.used : 0;
    return Success;
}
CSUNET_API int cuMemGetInfo(size_t* free, size_t* total) { return cuMemGetInfo_v2(free, total); }
CSUNET_API int cuMemGetAddressRange_v2(uint64_t* base, size_t* size, uint64_t pointer) {
    if (int status = ready()) return status;
    Buffer* buffer = find_buffer(pointer);
    if (!buffer || !buffer->live || !buffer->contains(pointer, 1)) return NotFound;
    if (base) *base = buffer->start;
    if (size) *size = buffer->size;
    return Success;
}

CSUNET_API int cuPointerGetAttribute(void* data, int attribute, uint64_t pointer) {
    if (int status = ready()) return status;
    if (!data) return InvalidValue;
    Buffer* buffer = find_buffer(pointer);
    if (!buffer || !buffer->live || !buffer->contains(pointer, 1)) return InvalidValue;
    switch (attribute) {
        case 1: return cuCtxGetCurrent(static_cast<void**>(data));
        case 2: *static_cast<unsigned*>(data) = buffer->kind == MemoryKind::Pinned ? 1 : 2; return Success;
        case 3: *static_cast<uint64_t*>(data) = pointer; return Success;
        case 4:
            if (buffer->kind != MemoryKind::Pinned) return InvalidValue;
            *static_cast<uint64_t*>(data) = pointer;
            return Success;
        case 7: *static_cast<uint64_t*>(data) = buffer->number; return Success;
        case 8: *static_cast<unsigned*>(data) = 0; return Success;
        case 9: *static_cast<int*>(data) = 0; return Success;
        case 11: *static_cast<uint64_t*>(data) = buffer->start; return Success;
        case 12: *static_cast<size_t*>(data) = buffer->size; return Success;
        case 13: *static_cast<unsigned*>(data) = 1; return Success;
        default: return InvalidValue;
    }
}

// One pool, the device's default one.
static char default_pool;
CSUNET_API int cuDeviceGetDefaultMemPool(void** pool, int device) {
    if (!is_initialized()) return NotInitialized;
    if (device) return InvalidDevice;
    if (!pool) return InvalidValue;
    *pool = &default_pool;
    return Success;
}
CSUNET_API int cuDeviceGetMemPool(void** pool, int device) { return cuDeviceGetDefaultMemPool(pool, device); }
CSUNET_API int cuMemPoolTrimTo(void* pool, size_t) { return pool == &default_pool ? ready() : int(InvalidValue); }
CSUNET_API int cuMemPoolSetAttribute(void* pool, int attribute, void* value) {
    if (int status = ready()) return status;
    if (pool != &default_pool || !value || attribute < 1 || attribute > 8) return InvalidValue;
    if (attribute == 4) pool_threshold = *static_cast<uint64_t*>(value);
    if (attribute == 6 || attribute == 8) pool_high = 0;
    return Success;
}
CSUNET_API int cuMemPoolGetAttribute(void* pool, int attribute, void* value) {
    if (int status = ready()) return status;
    if (pool != &default_pool || !value || attribute < 1 || attribute > 8) return InvalidValue;
    if (attribute <= 3) {
        *static_cast<int*>(value) = 1;
        return Success;
    }
    // 4 threshold, 5 and 6 reserved memory now and its maximum, 7 and 8 used memory now and its maximum
    uint64_t used = memory_use().used;
    *static_cast<uint64_t*>(value) = attribute == 4 ? pool_threshold : attribute == 5 || attribute == 7 ? used : std::max(pool_high, used);
    return Success;
}
