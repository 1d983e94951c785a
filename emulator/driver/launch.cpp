// Kernel launches: the limits of the driver, the run in each mode, and the effect of a kernel's failure on the context.
#include "driver.h"
#include "module.h"
#include "../check/findings.h"
#include "../check/hook_state.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include <algorithm>
#include <cstring>

namespace csunet {

int check_launch(const Kernel& kernel, const Work& work) {
    const unsigned *grid = work.grid, *block = work.block;
    for (int i = 0; i < 3; i++)
        if (!grid[i] || !block[i]) return InvalidValue;
    uint64_t threads = uint64_t(block[0]) * block[1] * block[2];
    if (threads > MaxThreads || block[2] > 64 || grid[0] > 0x7fffffffu || grid[1] > 65535 || grid[2] > 65535) return InvalidValue;
    if (work.shared_bytes > kernel.max_dynamic_shared) return InvalidValue;
    if (uint64_t(work.shared_bytes) + kernel.static_shared > shared_limit_per_block()) return InvalidValue;
    if (threads > kernel.max_threads) return LaunchOutOfResources;
    return Success;
}

// The buffers that a launch can reach: every value in its arguments that is an address inside a buffer, also in structs passed by value.
static std::vector<Buffer*> reachable_buffers(const Work& work) {
    std::vector<Buffer*> buffers;
    for (const auto& argument : work.arguments)
        for (size_t at = 0; at + 8 <= argument.size(); at += 8) {
            uint64_t word;
            memcpy(&word, argument.data() + at, 8);
            Buffer* buffer = find_buffer(word);
            if (buffer && buffer->live && std::find(buffers.begin(), buffers.end(), buffer) == buffers.end()) buffers.push_back(buffer);
        }
    return buffers;
}

// The signature of a launch: everything that its counts depend on, except memory contents. Of an address, only its place in a sector
// counts.
static std::string signature(const Work& work) {
    std::string text(reinterpret_cast<const char*>(&work.kernel->handle), sizeof work.kernel->handle);
    for (const unsigned* numbers : {work.grid, work.block}) text.append(reinterpret_cast<const char*>(numbers), sizeof work.grid);
    text.append(reinterpret_cast<const char*>(&work.shared_bytes), sizeof work.shared_bytes);
    for (const auto& argument : work.arguments) {
        size_t at = 0;
        for (; at + 8 <= argument.size(); at += 8) {
            uint64_t word;
            memcpy(&word, argument.data() + at, 8);
            bool address = find_buffer(word);
            if (address) word %= 256;
            text += address ? 'a' : 'n';
            text.append(reinterpret_cast<const char*>(&word), 8);
        }
        text.append(argument.begin() + ptrdiff_t(at), argument.end());
    }
    return text;
}

static int run(const Work& work, Order order) {
    Kernel& kernel = *work.kernel;
    Launch launch;
    launch.name = kernel.name.c_str();
    launch.grid = {work.grid[0], work.grid[1], work.grid[2]};
    launch.threads = {work.block[0], work.block[1], work.block[2]};
    launch.shared_bytes = work.shared_bytes;
    launch.total_limit = shared_limit_per_block();
    launch.call = kernel.call;
    launch.function = kernel.function;
    std::vector<void*> arguments;
    for (const auto& argument : work.arguments) arguments.push_back(const_cast<unsigned char*>(argument.data()));
    launch.arguments = arguments.data();
    launch.order = order;
    launch.seed = settings().seed;
    launch.hooked = kernel.hooked && settings().mode == Mode::Hook;
    if (launch.hooked && settings().sample && settings().counts_once) {
        launch.signature = signature(work);
        if (profile_repeat(launch)) return Success;
    }
    int status = run_launch(launch);
    kernel.static_shared = std::max(kernel.static_shared, launch.static_shared.load());
    return status;
}

static std::vector<std::vector<char>> contents(const std::vector<Buffer*>& buffers) {
    std::vector<std::vector<char>> all;
    for (Buffer* buffer : buffers) {
        auto* start = reinterpret_cast<const char*>(buffer->start);
        all.emplace_back(start, start + buffer->size);
    }
    return all;
}
static void restore(const std::vector<Buffer*>& buffers, const std::vector<std::vector<char>>& from) {
    for (size_t i = 0; i < buffers.size(); i++) memcpy(reinterpret_cast<void*>(buffers[i]->start), from[i].data(), from[i].size());
}

// Runs in forward and backward order from the same memory contents. A correct kernel gives the same bytes; those of the forward run remain.
static int run_both_orders(const Work& work) {
    std::vector<Buffer*> buffers = reachable_buffers(work);
    auto before = contents(buffers);
    if (int status = run(work, Order::Forward)) return status;
    auto forward = contents(buffers);
    restore(buffers, before);
    if (int status = run(work, Order::Backward)) return status;
    for (size_t i = 0; i < buffers.size(); i++) {
        auto* backward = reinterpret_cast<const char*>(buffers[i]->start);
        if (!memcmp(backward, forward[i].data(), forward[i].size())) continue;
        size_t at = size_t(std::mismatch(forward[i].begin(), forward[i].end(), backward).first - forward[i].begin());
        Finding finding;
        finding.kind = "order";
        finding.kernel = work.kernel->name;
        finding.text = "the result depends on the order of the threads: buffer " + std::to_string(buffers[i]->number) + " ("
            + std::to_string(buffers[i]->size) + " bytes) differs from offset " + std::to_string(at);
        add_finding(std::move(finding));
    }
    restore(buffers, forward);
    return Success;
}

int execute_launch(const Work& work) {
    if (!work.kernel->module->alive) return LaunchIllegalAddress;       // a graph outlived its module
    size_t before = finding_count();
    bool hooked = work.kernel->hooked && settings().mode == Mode::Hook;
    int status = settings().mode == Mode::Orders ? run_both_orders(work) : run(work, Order(settings().order.load()));
    if (settings().mode == Mode::Hook && !hooked)
        for (Buffer* buffer : reachable_buffers(work)) mark_written(buffer->start, buffer->size);
    for (const std::string& text : check_guard_zones()) {
        Finding finding;
        finding.kind = "guard_zone";
        finding.kernel = work.kernel->name;
        finding.text = text;
        add_finding(std::move(finding));
        if (!status) status = LaunchIllegalAddress;
    }
    if (!status && settings().strict && finding_count() > before) status = LaunchFailed;
    return status;
}

// A kernel's failure is asynchronous on a GPU: the launch succeeds, and every later call returns the error. A launch beyond the limits of
// the device is rejected at once and has no further effect.
int execute(const Work& work) {
    int status = work.kind == Work::Launch ? execute_launch(work) : work.kind == Work::Host ? work.host()
        : work.kind == Work::Marker ? int(Success) : execute_memory(work);
    if (status == Success || status == LaunchOutOfResources) return status;
    if (Context* context = current_context()) context->error = status;
    return work.kind == Work::Launch || work.kind == Work::Host ? int(Success) : status;
}

}

using namespace csunet;

CSUNET_API int cuLaunchKernel(void* function, unsigned grid_x, unsigned grid_y, unsigned grid_z, unsigned block_x, unsigned block_y,
    unsigned block_z, unsigned shared_bytes, void* stream, void** parameters, void** extra) {
    if (int status = ready()) return status;
    Kernel* kernel = handles().kernels.find(function);
    Stream* s = find_stream(stream);
    if (!kernel || !s) return InvalidHandle;
    if (extra) return NotSupported;
    if (!parameters && !kernel->sizes.empty()) return InvalidValue;
    Work work;
    work.kind = Work::Launch;
    work.kernel = kernel;
    unsigned sizes[6] = {grid_x, grid_y, grid_z, block_x, block_y, block_z};
    memcpy(work.grid, sizes, sizeof work.grid);
    memcpy(work.block, sizes + 3, sizeof work.block);
    work.shared_bytes = shared_bytes;
    if (int status = check_launch(*kernel, work)) return status;
    for (size_t i = 0; i < kernel->sizes.size(); i++) {
        if (!parameters[i]) return InvalidValue;
        auto* value = static_cast<const unsigned char*>(parameters[i]);
        work.arguments.emplace_back(value, value + kernel->sizes[i]);
    }
    return submit(s, std::move(work));
}

CSUNET_API int cuLaunchCooperativeKernel(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**) {
    return NotSupported;                                // blocks run one after the other: a grid-wide barrier is impossible
}

// CUfunction_attribute
CSUNET_API int cuFuncGetAttribute(int* value, int attribute, void* function) {
    if (int status = ready()) return status;
    Kernel* kernel = handles().kernels.find(function);
    if (!kernel) return InvalidHandle;
    if (!value) return InvalidValue;
    switch (attribute) {
        case 0: *value = int(kernel->max_threads); return Success;
        case 1: *value = int(kernel->static_shared); return Success;
        case 2: case 3: *value = 0; return Success;     // constant, local
        case 4: *value = 32; return Success;            // registers: unknown here, see the NVRTC check
        case 5: case 6: *value = settings().architecture; return Success;
        case 7: *value = 0; return Success;
        case 8: *value = int(kernel->max_dynamic_shared); return Success;
        case 9: *value = kernel->shared_carveout; return Success;
        default: return InvalidValue;
    }
}
CSUNET_API int cuFuncSetAttribute(void* function, int attribute, int value) {
    if (int status = ready()) return status;
    Kernel* kernel = handles().kernels.find(function);
    if (!kernel) return InvalidHandle;
    if (attribute == 8) {
        if (value < 0 || unsigned(value) + kernel->static_shared > shared_limit_per_block()) return InvalidValue;
        kernel->max_dynamic_shared = unsigned(value);
        return Success;
    }
    if (attribute != 9 || value < -1 || value > 100) return InvalidValue;
    kernel->shared_carveout = value;
    return Success;
}
CSUNET_API int cuFuncSetCacheConfig(void* function, int) {
    if (int status = ready()) return status;
    return handles().kernels.find(function) ? int(Success) : int(InvalidHandle);
}

CSUNET_API int cuOccupancyMaxActiveBlocksPerMultiprocessor(int* blocks, void* function, int threads, size_t shared_bytes) {
    if (int status = ready()) return status;
    Kernel* kernel = handles().kernels.find(function);
    if (!kernel) return InvalidHandle;
    if (!blocks || threads <= 0) return InvalidValue;
    bool known;
    int by_threads = device_attribute(39, known) / ((threads + 31) / 32 * 32), most = device_attribute(106, known);
    auto by_shared = int(shared_per_multiprocessor() / (shared_bytes + kernel->static_shared + 1024));
    *blocks = unsigned(threads) > kernel->max_threads ? 0 : std::min({by_threads, most, by_shared});
    return Success;
}
CSUNET_API int cuOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int* blocks, void* function, int threads, size_t shared_bytes,
    unsigned) {
    return cuOccupancyMaxActiveBlocksPerMultiprocessor(blocks, function, threads, shared_bytes);
}
