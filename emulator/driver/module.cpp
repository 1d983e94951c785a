// Modules: an image is the source program that nvrtcGetCUBIN returned. Loading compiles it for the current mode, as a driver compiles PTX.
#include "module.h"
#include "driver.h"
#include "../check/source_lines.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include "../nvrtc/kernel_build.h"
#include <cerrno>
#include <csetjmp>
#include <cstring>
#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <map>

namespace csunet {

__thread bool describing;
static thread_local jmp_buf describe_return;
static thread_local unsigned described_threads;

void described(unsigned threads) {
    described_threads = threads;
    longjmp(describe_return, 1);
}

// A kernel's launch bounds: its entry, inserted by the compile step, reports them and returns.
static unsigned launch_bounds(const Kernel& kernel) {
    size_t bytes = 0;
    for (int size : kernel.sizes) bytes = std::max(bytes, size_t(size));
    std::vector<unsigned char> zeros(bytes + 16);
    std::vector<void*> arguments(kernel.sizes.size(), zeros.data());
    describing = true;
    if (setjmp(describe_return) == 0) kernel.call(kernel.function, arguments.data());
    describing = false;
    return described_threads;
}

// Static constructors of a library register its kernels while dlopen runs on this thread.
static thread_local Module* loading;

void register_kernel(const KernelEntry& entry) {
    auto* kernel = new Kernel;
    kernel->name = entry.name;
    kernel->lowered = entry.lowered;
    kernel->function = entry.function;
    kernel->call = entry.call;
    kernel->sizes.assign(entry.sizes, entry.sizes + entry.parameters);
    kernel->module = loading;
    loading->kernels.push_back(kernel);
}

static std::mutex load_mutex;
static auto& loaded_paths = *new std::map<std::string, Module*>;     // live modules, never destroyed

static int no_copy(const std::string& library) {
    fprintf(stderr, "csunet emulator: %s cannot be copied beside it (%s)\n", library.c_str(), strerror(errno));
    return InvalidImage;
}

static int load(void** module, const void* image) {
    if (!module || !image) return InvalidValue;
    KernelProgram program;
    if (!parse_image(image, program)) return InvalidImage;
    bool hooked = settings().mode == Mode::Hook;
    BuildResult built = build_program(program, hooked);
    if (!built.compiler_found) return JitCompilerNotFound;
    if (built.library.empty()) {
        fprintf(stderr, "csunet emulator: %s", built.log.c_str());
        return InvalidImage;
    }
    std::lock_guard guard(load_mutex);
    // A second live module of the same image needs its own variables: dlopen provides them only for a file with another name.
    std::string path = loaded_paths.count(built.library) ? copy_library(built.library) : built.library;
    if (path.empty()) return no_copy(built.library);
    auto* fresh = new Module;
    fresh->path = path;
    loading = fresh;
    fresh->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
    loading = nullptr;
    if (!fresh->library || fresh->kernels.empty()) {
        // Loaded before and still mapped: constructors do not run again.
        if (fresh->library) {
            path = copy_library(built.library);
            if (path.empty()) {
                delete fresh;
                return no_copy(built.library);
            }
            fresh->path = path;
            loading = fresh;
            fresh->library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
            loading = nullptr;
        }
        if (!fresh->library) {
            fprintf(stderr, "csunet emulator: %s\n", dlerror());
            delete fresh;
            return InvalidImage;
        }
    }
    loaded_paths[path] = fresh;
    uintptr_t start, end;
    if (!fresh->kernels.empty() && find_image(reinterpret_cast<uintptr_t>(fresh->kernels[0]->function), start, end))
        add_kernel_image(start, end);
    for (Kernel* kernel : fresh->kernels) {
        kernel->hooked = hooked;
        if (built.entries_planted) kernel->max_threads = launch_bounds(*kernel);
        kernel->handle = handles().kernels.add(kernel);
    }
    *module = handles().modules.add(fresh);
    return Success;
}

}

using namespace csunet;

CSUNET_API int cuModuleLoadData(void** module, const void* image) {
    if (int status = ready_outside_capture()) return status;
    return load(module, image);
}
CSUNET_API int cuModuleLoadDataEx(void** module, const void* image, unsigned options, int* names, void** values) {
    if (options && (!names || !values)) return InvalidValue;
    int status = cuModuleLoadData(module, image);
    // CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES and CU_JIT_INFO_LOG_BUFFER_SIZE_BYTES become the bytes written.
    for (unsigned i = 0; i < options; i++)
        if (names[i] == 4 || names[i] == 6) values[i] = nullptr;
    return status;
}
CSUNET_API int cuModuleLoadFatBinary(void** module, const void* image) { return cuModuleLoadData(module, image); }
// The code stays mapped: lines can still be looked up, and a late graph does not jump to unmapped memory.
CSUNET_API int cuModuleUnload(void* module) {
    if (int status = ready_outside_capture()) return status;
    Module* found = handles().modules.remove(module);
    if (!found) return InvalidHandle;
    std::lock_guard guard(load_mutex);
    found->alive = false;
    loaded_paths.erase(found->path);
    for (Kernel* kernel : found->kernels) handles().kernels.remove(kernel->handle);
    for (Buffer* global : found->globals) free_buffer(global);
    return Success;
}
CSUNET_API int cuModuleGetFunction(void** function, void* module, const char* name) {
    if (int status = ready()) return status;
    Module* found = handles().modules.find(module);
    if (!found) return InvalidHandle;
    if (!function || !name) return InvalidValue;
    for (Kernel* kernel : found->kernels)
        if (kernel->lowered == name || kernel->name == name) {
            *function = kernel->handle;
            return Success;
        }
    return NotFound;
}
CSUNET_API int cuModuleGetGlobal_v2(uint64_t* pointer, size_t* bytes, void* module, const char* name) {
    if (int status = ready()) return status;
    Module* found = handles().modules.find(module);
    if (!found) return InvalidHandle;
    if (!name || (!pointer && !bytes)) return InvalidValue;
    void* address = dlsym(found->library, name);
    Dl_info info{};
    ElfW(Sym)* symbol = nullptr;
    if (!address || !dladdr1(address, &info, reinterpret_cast<void**>(&symbol), RTLD_DL_SYMENT) || !symbol) return NotFound;
    if (ELF64_ST_TYPE(symbol->st_info) != STT_OBJECT) return NotFound;
    Buffer* buffer = register_global(address, symbol->st_size);
    found->globals.push_back(buffer);
    if (pointer) *pointer = buffer->start;
    if (bytes) *bytes = buffer->size;
    return Success;
}
CSUNET_API int cuModuleGetGlobal(uint64_t* pointer, size_t* bytes, void* module, const char* name) {
    return cuModuleGetGlobal_v2(pointer, bytes, module, name);
}
CSUNET_API int cuModuleGetLoadingMode(int* mode) {
    if (!mode) return InvalidValue;
    *mode = 1;
    return Success;
}
