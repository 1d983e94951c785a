// Names and texts of the statuses, and the look-up of functions by name.
#include "driver.h"
#include <cstring>
#include <dlfcn.h>

namespace csunet {

static const struct { int status; const char *name, *text; } statuses[] = {
    {0, "CUDA_SUCCESS", "no error"},
    {1, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {3, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {4, "CUDA_ERROR_DEINITIALIZED", "driver shutting down"},
    {100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {101, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {200, "CUDA_ERROR_INVALID_IMAGE", "device kernel image is invalid"},
    {201, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {209, "CUDA_ERROR_NO_BINARY_FOR_GPU", "no kernel image is available for execution on the device"},
    {218, "CUDA_ERROR_INVALID_PTX", "a PTX JIT compilation failed"},
    {221, "CUDA_ERROR_JIT_COMPILER_NOT_FOUND", "PTX JIT compiler library not found (for the emulator: g++, install the package g++)"},
    {301, "CUDA_ERROR_FILE_NOT_FOUND", "file not found"},
    {400, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {401, "CUDA_ERROR_ILLEGAL_STATE", "the operation cannot be performed in the present state"},
    {500, "CUDA_ERROR_NOT_FOUND", "named symbol not found"},
    {600, "CUDA_ERROR_NOT_READY", "device not ready"},
    {700, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {701, "CUDA_ERROR_LAUNCH_OUT_OF_RESOURCES", "too many resources requested for launch"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {708, "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE", "cannot set while device is active in this process"},
    {709, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {710, "CUDA_ERROR_ASSERT", "device-side assert triggered"},
    {716, "CUDA_ERROR_MISALIGNED_ADDRESS", "misaligned address"},
    {719, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {800, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {801, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {900, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED", "operation not permitted when stream is capturing"},
    {901, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED", "operation failed due to a previous error during capture"},
    {902, "CUDA_ERROR_STREAM_CAPTURE_MERGE", "operation would result in a merge of separate capture sequences"},
    {903, "CUDA_ERROR_STREAM_CAPTURE_UNMATCHED", "capture was not ended in the same stream as it began"},
    {904, "CUDA_ERROR_STREAM_CAPTURE_UNJOINED", "capturing stream has unjoined work"},
    {905, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION", "dependency created on uncaptured work in another stream"},
    {906, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT", "operation would make the legacy stream depend on a capturing blocking stream"},
    {907, "CUDA_ERROR_CAPTURED_EVENT", "operation not permitted on an event last recorded in a capturing stream"},
    {908, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD", "attempt to terminate a thread-local capture sequence from another thread"},
    {910, "CUDA_ERROR_GRAPH_EXEC_UPDATE_FAILURE", "the graph update was not performed because its changes violated constraints"},
    {999, "CUDA_ERROR_UNKNOWN", "unknown error"},
};

const char* status_name(int status) {
    for (auto& s : statuses)
        if (s.status == status) return s.name;
    return nullptr;
}
const char* status_text(int status) {
    for (auto& s : statuses)
        if (s.status == status) return s.text;
    return nullptr;
}

}

using namespace csunet;

CSUNET_API int cuGetErrorName(int status, const char** name) {
    if (!name) return InvalidValue;
    *name = status_name(status);
    return *name ? int(Success) : int(InvalidValue);
}
CSUNET_API int cuGetErrorString(int status, const char** text) {
    if (!text) return InvalidValue;
    *text = status_text(status);
    return *text ? int(Success) : int(InvalidValue);
}

// The newest version of the function in a driver of the requested version. Suffixes mark new signatures.
static void* find_function(const char* name, int version) {
    void* self = nullptr;
    Dl_info info{};
    if (dladdr(reinterpret_cast<void*>(&cuGetErrorName), &info)) self = dlopen(info.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
    if (!self) return nullptr;
    std::string base = name;
    void* found = nullptr;
    if (base == "cuGraphInstantiate" && version >= 12000) found = dlsym(self, "cuGraphInstantiateWithFlags");
    else if (base == "cuGraphExecUpdate" && version < 12000) found = dlsym(self, "cuGraphExecUpdate");
    if (!found) found = dlsym(self, (base + "_v2").c_str());
    if (!found) found = dlsym(self, name);
    dlclose(self);
    return found;
}
CSUNET_API int cuGetProcAddress_v2(const char* name, void** function, int version, uint64_t, int* result) {
    if (!name || !function) return InvalidValue;
    *function = find_function(name, version);
    // CUdriverProcAddressQueryResult: found 0, unknown name 1
    if (result) *result = *function ? 0 : 1;
    return *function ? int(Success) : int(NotFound);
}
CSUNET_API int cuGetProcAddress(const char* name, void** function, int version, uint64_t flags) {
    return cuGetProcAddress_v2(name, function, version, flags, nullptr);
}
