// Allocation and look-up of the emulated device's memory.
#include "device_memory.h"
#include "state.h"
#include "settings.h"
#include "../check/race_check.h"
#include <algorithm>
#include <deque>
#include <link.h>
#include <map>
#include <sys/mman.h>

namespace csunet {

static constexpr size_t Page = 4096, Alignment = 256;
static constexpr size_t Reserved = 256ull << 30;        // address space only
static constexpr size_t QuarantineLimit = 64ull << 30;

struct Memory {
    std::mutex mutex;
    uintptr_t base = 0, next = 0;
    std::atomic<Buffer*>* pages = nullptr;              // page index -> buffer
    std::map<uintptr_t, size_t> reusable;               // ranges that left the quarantine
    std::deque<Buffer*> quarantine;
    size_t quarantined = 0, used = 0;
    std::map<uintptr_t, Buffer*> live;                  // by start
    std::map<uintptr_t, Buffer*> elsewhere;             // pinned memory and module variables
    size_t pinned = 0;
    uint64_t number = 0;
};

static Memory& memory() {
    static Memory* m = [] {
        auto* fresh = new Memory;
        void* range = mmap(nullptr, Reserved, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        void* table = mmap(nullptr, Reserved / Page * sizeof(void*), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
            -1, 0);
        if (range == MAP_FAILED || table == MAP_FAILED) return fresh;
        fresh->base = fresh->next = reinterpret_cast<uintptr_t>(range);
        fresh->pages = static_cast<std::atomic<Buffer*>*>(table);
        return fresh;
    }();
    return *m;
}

static void* map_zeros(size_t bytes) {
    void* p = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return p == MAP_FAILED ? nullptr : p;
}

// A range for `bytes` and one guard page; 0 when the address space is used up.
static uintptr_t take_range(Memory& m, size_t bytes) {
    if (m.next + bytes <= m.base + Reserved) {
        uintptr_t at = m.next;
        m.next += bytes;
        return at;
    }
    for (auto& [start, length] : m.reusable) {
        if (length < bytes) continue;
        uintptr_t at = start;
        size_t left = length - bytes;
        m.reusable.erase(start);
        if (left) m.reusable[at + bytes] = left;
        return at;
    }
    return 0;
}

Buffer* allocate_device(size_t bytes) {
    Memory& m = memory();
    size_t body = (bytes + Alignment - 1) / Alignment * Alignment;
    size_t accessible = (body + Alignment + Page - 1) / Page * Page;    // room for a guard zone in front
    auto* buffer = new Buffer;
    {
        std::lock_guard guard(m.mutex);
        uintptr_t range = m.base && m.used + bytes <= settings().memory_bytes ? take_range(m, accessible + Page) : 0;
        if (!range || mprotect(reinterpret_cast<void*>(range), accessible, PROT_READ | PROT_WRITE)) {
            delete buffer;
            return nullptr;
        }
        buffer->pages = range;
        buffer->page_bytes = accessible + Page;
        buffer->start = range + accessible - body;
        buffer->size = bytes;
        buffer->lazy = settings().mode == Mode::Hook && settings().sample > 0;
        buffer->number = ++m.number;
        m.used += bytes;
        m.live[buffer->start] = buffer;
        for (size_t i = 0; i < buffer->page_bytes / Page; i++) m.pages[(range - m.base) / Page + i] = buffer;
    }
    permit(reinterpret_cast<void*>(buffer->pages), accessible);
    if (buffer->lazy) {
        // No huge pages: a sampled block that touches one page must not allocate 2 MB.
        madvise(reinterpret_cast<void*>(buffer->pages), accessible, MADV_NOHUGEPAGE);
        return buffer;
    }
    fill_poison(reinterpret_cast<void*>(buffer->pages), accessible);
    forbid(reinterpret_cast<void*>(buffer->pages), accessible - body);
    forbid(reinterpret_cast<void*>(buffer->start + bytes), body - bytes + Page);
    if (settings().mode == Mode::Hook) buffer->written = static_cast<uint8_t*>(map_zeros(buffer->granules()));
    return buffer;
}

static Buffer* add_elsewhere(void* start, size_t bytes, MemoryKind kind) {
    Memory& m = memory();
    auto* buffer = new Buffer;
    buffer->start = reinterpret_cast<uintptr_t>(start);
    buffer->size = bytes;
    buffer->kind = kind;
    std::lock_guard guard(m.mutex);
    buffer->number = ++m.number;
    m.elsewhere[buffer->start] = buffer;
    if (kind == MemoryKind::Pinned) m.pinned++;
    return buffer;
}

Buffer* allocate_pinned(size_t bytes) {
    void* p = nullptr;
    if (posix_memalign(&p, Page, std::max(bytes, size_t(1)))) return nullptr;
    fill_poison(p, bytes);
    return add_elsewhere(p, bytes, MemoryKind::Pinned);
}

Buffer* register_global(void* start, size_t bytes) {
    Buffer* known = find_buffer(reinterpret_cast<uintptr_t>(start));
    return known ? known : add_elsewhere(start, bytes, MemoryKind::Global);
}

static void release_shadow(Buffer* buffer) {
    if (uint8_t* written = buffer->written.exchange(nullptr)) munmap(written, buffer->granules());
    if (Cell* cells = buffer->cells.exchange(nullptr)) munmap(cells, buffer->granules() * sizeof(Cell));
}

void free_buffer(Buffer* buffer) {
    Memory& m = memory();
    std::lock_guard guard(m.mutex);
    buffer->live = false;
    release_shadow(buffer);
    if (buffer->kind != MemoryKind::Device) {
        m.elsewhere.erase(buffer->start);
        if (buffer->kind == MemoryKind::Pinned) {
            m.pinned--;
            free(reinterpret_cast<void*>(buffer->start));
        }
        delete buffer;
        return;
    }
    auto* pages = reinterpret_cast<void*>(buffer->pages);
    forbid(pages, buffer->page_bytes);
    mprotect(pages, buffer->page_bytes, PROT_NONE);
    madvise(pages, buffer->page_bytes, MADV_DONTNEED);
    m.live.erase(buffer->start);
    m.used -= buffer->size;
    m.quarantine.push_back(buffer);
    m.quarantined += buffer->page_bytes;
    while (m.quarantined > QuarantineLimit) {
        Buffer* oldest = m.quarantine.front();
        m.quarantine.pop_front();
        m.quarantined -= oldest->page_bytes;
        for (size_t i = 0; i < oldest->page_bytes / Page; i++) m.pages[(oldest->pages - m.base) / Page + i] = nullptr;
        m.reusable[oldest->pages] = oldest->page_bytes;
        delete oldest;
    }
}

Buffer* find_buffer(uintptr_t address) {
    Memory& m = memory();
    if (address - m.base < Reserved) return m.pages ? m.pages[(address - m.base) / Page].load(std::memory_order_relaxed) : nullptr;
    std::lock_guard guard(m.mutex);
    auto it = m.elsewhere.upper_bound(address);
    if (it == m.elsewhere.begin()) return nullptr;
    Buffer* buffer = (--it)->second;
    return buffer->contains(address, 0) ? buffer : nullptr;
}

// Constant tables that the compiler generates from a kernel's initialisers are in the module's image.
bool find_image(uintptr_t address, uintptr_t& start, uintptr_t& end) {
    struct Search { uintptr_t address, start, end; } search{address, 0, 0};
    dl_iterate_phdr([](dl_phdr_info* info, size_t, void* data) {
        auto* s = static_cast<Search*>(data);
        if (!strstr(info->dlpi_name, "csunet_kernels")) return 0;
        for (int i = 0; i < info->dlpi_phnum; i++) {
            const auto& header = info->dlpi_phdr[i];
            uintptr_t from = info->dlpi_addr + header.p_vaddr;
            if (header.p_type == PT_LOAD && s->address >= from && s->address < from + header.p_memsz)
                s->start = from, s->end = from + header.p_memsz;
        }
        return int(s->end != 0);
    }, &search);
    start = search.start;
    end = search.end;
    return end != 0;
}

bool is_accessible(const void* p, size_t bytes) {
    auto address = reinterpret_cast<uintptr_t>(p);
    if (Buffer* buffer = find_buffer(address)) return buffer->live && buffer->contains(address, bytes);
    uintptr_t start, end;
    return find_image(address, start, end) && bytes <= end - address;
}

std::string describe_address(uintptr_t address) {
    Memory& m = memory();
    char text[200];
    if (address < Page) {
        snprintf(text, sizeof text, "address %#lx: a null pointer", static_cast<unsigned long>(address));
        return text;
    }
    Buffer* buffer = find_buffer(address);
    if (!buffer && address - m.base < Reserved) {
        std::lock_guard guard(m.mutex);
        auto it = m.live.upper_bound(address);
        if (it != m.live.begin()) buffer = (--it)->second;
    }
    if (!buffer) {
        snprintf(text, sizeof text, "address %#lx: in no buffer", static_cast<unsigned long>(address));
        return text;
    }
    auto offset = static_cast<long long>(address - buffer->start), size = static_cast<long long>(buffer->size);
    auto number = static_cast<unsigned long long>(buffer->number);
    if (!buffer->live) snprintf(text, sizeof text, "offset %lld of buffer %llu (%lld bytes), which has been freed", offset, number, size);
    else if (offset < 0) snprintf(text, sizeof text, "%lld bytes before buffer %llu (%lld bytes)", -offset, number, size);
    else if (offset >= size)
        snprintf(text, sizeof text, "%lld bytes past the end of buffer %llu (%lld bytes)", offset - size, number, size);
    else snprintf(text, sizeof text, "offset %lld of buffer %llu (%lld bytes)", offset, number, size);
    return text;
}

void fill_zeros(uintptr_t address, size_t bytes) {
    Buffer* buffer = find_buffer(address);
    uintptr_t first = (address + Page - 1) / Page * Page, end = (address + bytes) / Page * Page;
    if (!buffer || !buffer->lazy || first >= end) {
        memset(reinterpret_cast<void*>(address), 0, bytes);
        return;
    }
    memset(reinterpret_cast<void*>(address), 0, first - address);
    madvise(reinterpret_cast<void*>(first), end - first, MADV_DONTNEED);
    memset(reinterpret_cast<void*>(end), 0, address + bytes - end);
}

void mark_written(uintptr_t address, size_t bytes) {
    Buffer* buffer = find_buffer(address);
    if (!buffer || !bytes) return;
    uint8_t* written = buffer->written;
    if (written && buffer->contains(address, bytes))
        memset(written + (address - buffer->start) / 2, 1, (address - buffer->start + bytes + 1) / 2 - (address - buffer->start) / 2);
}

std::vector<std::string> check_guard_zones() {
    if (Sanitized) return {};                           // the sanitizer has reported the write, and would report reading the zones
    Memory& m = memory();
    std::lock_guard guard(m.mutex);
    std::vector<std::string> texts;
    for (auto& [start, buffer] : m.live) {
        if (buffer->lazy) continue;
        auto* end = reinterpret_cast<char*>(start + buffer->size);
        auto* limit = reinterpret_cast<char*>(buffer->pages + buffer->page_bytes - Page);
        auto* front = reinterpret_cast<char*>(std::max(buffer->pages, start - Alignment));
        bool behind = !is_poison(end, limit), before = !is_poison(front, reinterpret_cast<char*>(start));
        if (!behind && !before) continue;
        texts.push_back(std::string("written ") + (behind ? "past the end of" : "in front of") + " buffer " + std::to_string(buffer->number)
            + " (" + std::to_string(buffer->size) + " bytes)");
        fill_poison(front, start - reinterpret_cast<uintptr_t>(front));
        // Poison repeats every four bytes from an aligned address, so restore an odd end byte by byte.
        for (char* p = end; p < limit; p++) *p = char(Poison >> (reinterpret_cast<uintptr_t>(p) % 4 * 8));
    }
    return texts;
}

MemoryUse memory_use() {
    Memory& m = memory();
    std::lock_guard guard(m.mutex);
    return {m.used, size_t(settings().memory_bytes), m.live.size(), m.pinned, m.number + 1};
}

std::vector<Buffer*> live_buffers() {
    Memory& m = memory();
    std::lock_guard guard(m.mutex);
    std::vector<Buffer*> buffers;
    for (auto& [start, buffer] : m.live) buffers.push_back(buffer);
    return buffers;
}

}
