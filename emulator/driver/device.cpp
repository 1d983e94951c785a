// Initialisation, the device and its attributes, contexts.
#include "driver.h"
#include "module.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include "../machine/state.h"
#include <cstring>

namespace csunet {

static std::atomic<bool> initialized{false};
static std::recursive_mutex context_mutex;
static Context primary;
static void* primary_handle;
// Never destroyed, like all lists of this library: destructors of a program's static objects may still call the driver.
static thread_local std::vector<void*>& context_stack = *new std::vector<void*>;

uintptr_t next_handle_range() {
    static uintptr_t ranges = 0;
    return 0x10000000000 * ++ranges + 0x1000;
}
AllHandles& handles() {
    static auto* all = new AllHandles;
    return *all;
}

bool is_initialized() { return initialized; }

static void* primary_context() {
    std::lock_guard guard(context_mutex);
    if (!primary_handle) {
        primary.primary = true;
        primary_handle = handles().contexts.add(&primary);
    }
    return primary_handle;
}

Context* current_context() { return context_stack.empty() ? nullptr : handles().contexts.find(context_stack.back()); }

int ready() {
    if (!initialized) return NotInitialized;
    if (context_stack.empty() || !context_stack.back()) return InvalidContext;
    Context* context = current_context();
    if (!context || !context->alive || (context->primary && !context->references)) return ContextIsDestroyed;
    return context->error;
}

int ready_outside_capture() {
    if (int status = ready()) return status;
    return capture_forbids() ? int(CaptureUnsupported) : int(Success);
}

unsigned shared_limit_per_block() {
    int architecture = settings().architecture;
    return (architecture >= 90 ? 227 : architecture == 80 || architecture == 87 ? 163 : 99) << 10;
}
unsigned shared_per_multiprocessor() { return shared_limit_per_block() + 1024; }

// The documented CUdevice_attribute numbers. Limits are those of the architecture; other values describe a small device.
int device_attribute(int attribute, bool& known) {
    known = true;
    int architecture = settings().architecture;
    switch (attribute) {
        case 1: return MaxThreads;                      // threads per block
        case 2: case 3: return MaxThreads;              // block x, y
        case 4: return 64;                              // block z
        case 5: return 0x7fffffff;                      // grid x
        case 6: case 7: return 65535;                   // grid y, z
        case 8: return 48 << 10;                        // shared memory per block
        case 9: return 64 << 10;                        // constant memory
        case 10: return 32;                             // warp size
        case 11: return 0x7fffffff;                     // pitch
        case 12: case 82: return 65536;                 // registers per block, per multiprocessor
        case 13: return 1000000;                        // clock, kHz
        case 14: return 512;                            // texture alignment
        case 15: return 1;                              // copies overlap
        case 16: return settings().multiprocessors;
        case 17: return 0;                              // kernel timeout
        case 18: return 0;                              // integrated
        case 19: return 1;                              // can map host memory
        case 20: return 0;                              // compute mode: default
        case 31: return 1;                              // concurrent kernels
        case 32: return 0;                              // ECC
        case 33: case 34: case 50: return 0;            // PCI bus, device, domain
        case 36: return 1000000;                        // memory clock, kHz
        case 37: return 256;                            // memory bus width
        case 38: return 4 << 20;                        // L2 bytes
        case 39: return architecture == 80 || architecture >= 90 ? 2048 : 1536;     // threads per multiprocessor
        case 40: return 2;                              // copy engines
        case 41: return 1;                              // unified addressing
        case 75: return architecture / 10;
        case 76: return architecture % 10;
        case 78: return 1;                              // stream priorities
        case 81: return int(shared_per_multiprocessor());
        case 83: return 1;                              // managed memory
        case 97: return int(shared_limit_per_block());  // opt-in shared memory per block
        case 106: return architecture == 80 || architecture >= 90 ? 32 : 16;        // blocks per multiprocessor
        case 111: return 1024;                          // reserved shared memory per block
        case 115: return 1;                             // memory pools
        default: known = false; return 0;
    }
}

}

using namespace csunet;

CSUNET_API int cuInit(unsigned flags) {
    if (flags) return InvalidValue;
    initialized = true;
    return Success;
}
CSUNET_API int cuDriverGetVersion(int* version) {
    if (!version) return InvalidValue;
    *version = 12040;
    return Success;
}

static int device_call(int device, const void* result) {
    if (!is_initialized()) return NotInitialized;
    if (device != 0) return InvalidDevice;
    return result ? int(Success) : int(InvalidValue);
}
CSUNET_API int cuDeviceGetCount(int* count) {
    if (int status = device_call(0, count)) return status;
    *count = 1;
    return Success;
}
CSUNET_API int cuDeviceGet(int* device, int ordinal) {
    if (int status = device_call(ordinal, device)) return status;
    *device = 0;
    return Success;
}
CSUNET_API int cuDeviceGetName(char* name, int length, int device) {
    if (int status = device_call(device, name)) return status;
    if (length <= 0) return InvalidValue;
    snprintf(name, size_t(length), "CsUnet emulated device (sm_%d)", settings().architecture.load());
    return Success;
}
CSUNET_API int cuDeviceGetUuid(unsigned char* uuid, int device) {
    if (int status = device_call(device, uuid)) return status;
    memcpy(uuid, "CsUnet.Emulator\0", 16);
    return Success;
}
CSUNET_API int cuDeviceGetUuid_v2(unsigned char* uuid, int device) { return cuDeviceGetUuid(uuid, device); }
CSUNET_API int cuDeviceTotalMem_v2(size_t* bytes, int device) {
    if (int status = device_call(device, bytes)) return status;
    *bytes = settings().memory_bytes;
    return Success;
}
CSUNET_API int cuDeviceTotalMem(size_t* bytes, int device) { return cuDeviceTotalMem_v2(bytes, device); }
CSUNET_API int cuDeviceGetAttribute(int* value, int attribute, int device) {
    if (int status = device_call(device, value)) return status;
    bool known;
    int result = device_attribute(attribute, known);
    // A known attribute that this device lacks is 0; an unknown number is an error.
    if (!known && (attribute < 1 || attribute > 150)) return InvalidValue;
    *value = result;
    return Success;
}
CSUNET_API int cuDeviceComputeCapability(int* major, int* minor, int device) {
    if (int status = device_call(device, major)) return status;
    if (!minor) return InvalidValue;
    *major = settings().architecture / 10;
    *minor = settings().architecture % 10;
    return Success;
}

CSUNET_API int cuDevicePrimaryCtxRetain(void** context, int device) {
    if (int status = device_call(device, context)) return status;
    std::lock_guard guard(context_mutex);
    *context = primary_context();
    primary.references++;
    return Success;
}
static void reset_primary() {
    primary.error = 0;
    primary.references = 0;
}
CSUNET_API int cuDevicePrimaryCtxRelease_v2(int device) {
    if (int status = device_call(device, &primary)) return status;
    std::lock_guard guard(context_mutex);
    if (!primary.references) return InvalidContext;
    if (--primary.references == 0) reset_primary();
    return Success;
}
CSUNET_API int cuDevicePrimaryCtxRelease(int device) { return cuDevicePrimaryCtxRelease_v2(device); }
CSUNET_API int cuDevicePrimaryCtxReset_v2(int device) {
    if (int status = device_call(device, &primary)) return status;
    std::lock_guard guard(context_mutex);
    unsigned references = primary.references;
    reset_primary();
    primary.references = references;
    for (Buffer* buffer : live_buffers()) free_buffer(buffer);
    return Success;
}
CSUNET_API int cuDevicePrimaryCtxReset(int device) { return cuDevicePrimaryCtxReset_v2(device); }
CSUNET_API int cuDevicePrimaryCtxGetState(int device, unsigned* flags, int* active) {
    if (int status = device_call(device, flags)) return status;
    if (!active) return InvalidValue;
    *flags = primary.flags;
    *active = primary.references > 0;
    return Success;
}
CSUNET_API int cuDevicePrimaryCtxSetFlags_v2(int device, unsigned flags) {
    if (int status = device_call(device, &primary)) return status;
    primary.flags = flags;
    return Success;
}
CSUNET_API int cuDevicePrimaryCtxSetFlags(int device, unsigned flags) { return cuDevicePrimaryCtxSetFlags_v2(device, flags); }

CSUNET_API int cuCtxCreate_v2(void** context, unsigned flags, int device) {
    if (int status = device_call(device, context)) return status;
    auto* fresh = new Context;
    fresh->flags = flags;
    fresh->references = 1;
    *context = handles().contexts.add(fresh);
    context_stack.push_back(*context);
    return Success;
}
CSUNET_API int cuCtxCreate(void** context, unsigned flags, int device) { return cuCtxCreate_v2(context, flags, device); }
// Keep the Context itself, marked dead: streams and events may still point to it.
CSUNET_API int cuCtxDestroy_v2(void* context) {
    if (!is_initialized()) return NotInitialized;
    Context* found = handles().contexts.find(context);
    if (!found || found->primary) return InvalidContext;
    handles().contexts.remove(context);
    found->alive = false;
    if (!context_stack.empty() && context_stack.back() == context) context_stack.pop_back();
    return Success;
}
CSUNET_API int cuCtxDestroy(void* context) { return cuCtxDestroy_v2(context); }
CSUNET_API int cuCtxSetCurrent(void* context) {
    if (!is_initialized()) return NotInitialized;
    if (context && !handles().contexts.find(context)) return InvalidContext;
    if (!context_stack.empty()) context_stack.pop_back();
    if (context) context_stack.push_back(context);
    return Success;
}
CSUNET_API int cuCtxGetCurrent(void** context) {
    if (!is_initialized()) return NotInitialized;
    if (!context) return InvalidValue;
    *context = context_stack.empty() ? nullptr : context_stack.back();
    return Success;
}
CSUNET_API int cuCtxPushCurrent_v2(void* context) {
    if (!is_initialized()) return NotInitialized;
    if (!handles().contexts.find(context)) return InvalidContext;
    context_stack.push_back(context);
    return Success;
}
CSUNET_API int cuCtxPushCurrent(void* context) { return cuCtxPushCurrent_v2(context); }
CSUNET_API int cuCtxPopCurrent_v2(void** context) {
    if (!is_initialized()) return NotInitialized;
    if (context_stack.empty()) return InvalidContext;
    if (context) *context = context_stack.back();
    context_stack.pop_back();
    return Success;
}
CSUNET_API int cuCtxPopCurrent(void** context) { return cuCtxPopCurrent_v2(context); }
CSUNET_API int cuCtxSynchronize() { return ready_outside_capture(); }
CSUNET_API int cuCtxGetDevice(int* device) {
    if (!is_initialized()) return NotInitialized;
    if (context_stack.empty()) return InvalidContext;
    if (!device) return InvalidValue;
    *device = 0;
    return Success;
}
CSUNET_API int cuCtxGetFlags(unsigned* flags) {
    if (int status = ready()) return status;
    if (!flags) return InvalidValue;
    *flags = current_context()->flags;
    return Success;
}
CSUNET_API int cuCtxGetApiVersion(void* context, unsigned* version) {
    if (context && !handles().contexts.find(context)) return InvalidContext;
    if (!version) return InvalidValue;
    *version = 12040;
    return Success;
}

// Stack size, printf buffer, heap, synchronisation depth, pending launches, L2 fetch granularity, persisting L2.
static size_t limits[7] = {1024, 1 << 20, 8 << 20, 2, 2048, 64, 0};
CSUNET_API int cuCtxGetLimit(size_t* value, int limit) {
    if (int status = ready()) return status;
    if (!value || limit < 0 || limit >= 7) return InvalidValue;
    *value = limits[limit];
    return Success;
}
CSUNET_API int cuCtxSetLimit(int limit, size_t value) {
    if (int status = ready()) return status;
    if (limit < 0 || limit >= 7) return InvalidValue;
    limits[limit] = value;
    return Success;
}
CSUNET_API int cuCtxGetStreamPriorityRange(int* least, int* greatest) {
    if (int status = ready()) return status;
    if (least) *least = 0;
    if (greatest) *greatest = -5;
    return Success;
}
