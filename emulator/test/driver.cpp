// The driver's interface: order, limits, statuses on misuse, capture and replay. And NVRTC's: errors, logs, names.
#include "client.h"
#include <thread>

static const char* const Source = R"(
#include "common.cuh"
__device__ float offset[2] = {1.0f, 2.0f};
struct Pair { float factor; float* target; };
extern "C" __global__ void scale(float* y, const float* x, float factor, int n) {
    int i = blockIdx.x * blockDim.x + threadIdx.x;
    if (i < n) y[i] = x[i] * factor + offset[0];
}
__global__ void by_struct(Pair pair, int n) {
    if (threadIdx.x < n) pair.target[threadIdx.x] *= pair.factor;
}
template <int N> __global__ void __launch_bounds__(N) index(int3* out) {
    if (threadIdx.x == 1 && threadIdx.y == 2)
        out[blockIdx.x + gridDim.x * blockIdx.y] = int3{int(blockIdx.x), int(blockIdx.y), int(blockDim.y)};
}
EXPORT_KERNEL(by_struct, (by_struct));
EXPORT_KERNEL(index_96, (index<96>));
)";

static auto launch_function() {
    return symbol<int(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**,
        void**)>("cuLaunchKernel");
}
static int copy_in(uint64_t to, const void* from, size_t bytes) {
    return symbol<int(uint64_t, const void*, size_t)>("cuMemcpyHtoD_v2")(to, from, bytes);
}
static int copy_out(void* to, uint64_t from, size_t bytes) {
    return symbol<int(void*, uint64_t, size_t)>("cuMemcpyDtoH_v2")(to, from, bytes);
}
static int release(uint64_t p) { return symbol<int(uint64_t)>("cuMemFree_v2")(p); }

static void test_memory() {
    uint64_t p = 0, q = 0;
    auto allocate = symbol<int(uint64_t*, size_t)>("cuMemAlloc_v2");
    expect_status(allocate(&p, 0), 1, "cuMemAlloc of 0 bytes");
    expect_status(allocate(&p, 1ull << 40), 2, "cuMemAlloc of a terabyte");
    require(allocate(&p, 1000), "cuMemAlloc");
    require(allocate(&q, 1000), "cuMemAlloc");
    expect(p % 256 == 0, "device memory is aligned to 256 bytes");
    std::vector<float> values(250), back(250);
    require(copy_out(back.data(), p, 1000), "cuMemcpyDtoH");
    expect(std::isnan(back[0]) && std::isnan(back[249]), "fresh memory is NaN");
    for (int i = 0; i < 250; i++) values[size_t(i)] = float(i);
    require(copy_in(p, values.data(), 1000), "cuMemcpyHtoD");
    expect_status(copy_in(p, values.data(), 1001), 1, "copy beyond the end");
    expect_status(copy_in(p + 4, values.data(), 1000), 1, "copy beyond the end, from the middle");
    expect_status(copy_out(nullptr, p, 4), 1, "copy to null");
    require(symbol<int(uint64_t, uint64_t, size_t)>("cuMemcpyDtoD_v2")(q, p, 1000), "cuMemcpyDtoD");
    require(symbol<int(uint64_t, unsigned, size_t)>("cuMemsetD32_v2")(q, 0x40000000, 10), "cuMemsetD32");
    require(copy_out(back.data(), q, 1000), "cuMemcpyDtoH");
    expect(back[9] == 2.0f && back[10] == 10.0f, "memset and copy on the device");
    expect_status(symbol<int(uint64_t, unsigned, size_t)>("cuMemsetD32_v2")(q + 2, 0, 1), 1, "memset to a misaligned address");
    size_t free_before, free_after, total;
    require(CALL(cuMemGetInfo_v2, &free_before, &total), "cuMemGetInfo");
    require(release(q), "cuMemFree");
    require(CALL(cuMemGetInfo_v2, &free_after, &total), "cuMemGetInfo");
    expect(free_after == free_before + 1000, "cuMemGetInfo counts bytes");
    expect_status(release(q), 1, "double free");
    expect_status(release(p + 16), 1, "free of a middle");
    expect_status(copy_out(back.data(), q, 4), 1, "copy from freed memory");
    expect_status(release(0), 0, "free of null");
    unsigned kind = 0;
    require(symbol<int(void*, int, uint64_t)>("cuPointerGetAttribute")(&kind, 2, p + 8), "cuPointerGetAttribute");
    expect(kind == 2, "a device pointer");
    expect_status(symbol<int(void*, int, uint64_t)>("cuPointerGetAttribute")(&kind, 2, q), 1, "attribute of freed memory");
    void *host = nullptr, *pool = nullptr;
    require(symbol<int(void**, size_t, unsigned)>("cuMemHostAlloc")(&host, 100, 0), "cuMemHostAlloc");
    require(CALL(cuMemFreeHost, host), "cuMemFreeHost");
    expect_status(CALL(cuMemFreeHost, host), 1, "double free of pinned memory");
    require(CALL(cuDeviceGetDefaultMemPool, &pool, 0), "cuDeviceGetDefaultMemPool");
    uint64_t threshold = ~0ull, got = 0;
    require(CALL(cuMemPoolSetAttribute, pool, 4, &threshold), "cuMemPoolSetAttribute");
    require(CALL(cuMemPoolGetAttribute, pool, 4, &got), "cuMemPoolGetAttribute");
    expect(got == threshold, "the pool keeps its threshold");
    require(symbol<int(void*, size_t)>("cuMemPoolTrimTo")(pool, 0), "cuMemPoolTrimTo");
    require(symbol<int(uint64_t*, size_t, void*)>("cuMemAllocAsync")(&q, 64, nullptr), "cuMemAllocAsync");
    require(symbol<int(uint64_t, void*)>("cuMemFreeAsync")(q, nullptr), "cuMemFreeAsync");
    expect(symbol<int()>("csunet_emulator_leak_count")() == 1, "one buffer alive");
    require(release(p), "cuMemFree");
    expect(symbol<int()>("csunet_emulator_leak_count")() == 0, "no buffer alive");
}

static void test_launches(Module& module, void* scale) {
    Device<float> x(std::vector<float>(100, 3.0f)), y(std::vector<float>(100, 0.0f));
    float factor = 2;
    int n = 100;
    float *px = *x, *py = *y;
    void* arguments[] = {&py, &px, &factor, &n};
    auto launch = launch_function();
    require(launch(scale, 2, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr), "cuLaunchKernel");
    expect(y.get()[99] == 7, "a launch with a ragged end");
    expect_status(launch(scale, 0, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr), 1, "grid of 0");
    expect_status(launch(scale, 1, 1, 1, 1025, 1, 1, 0, nullptr, arguments, nullptr), 1, "1025 threads");
    expect_status(launch(scale, 1, 65536, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), 1, "65536 blocks in y");
    expect_status(launch(scale, 1, 1, 1, 1, 1, 65, 0, nullptr, arguments, nullptr), 1, "65 threads in z");
    expect_status(launch(scale, 1, 1, 1, 64, 1, 1, 50000, nullptr, arguments, nullptr), 1, "more dynamic shared memory than allowed");
    expect_status(launch(nullptr, 1, 1, 1, 64, 1, 1, 0, nullptr, arguments, nullptr), 400, "launch of null");
    expect_status(launch(scale, 1, 1, 1, 64, 1, 1, 0, scale, arguments, nullptr), 400, "launch on something that is no stream");
    expect_status(launch(scale, 1, 1, 1, 64, 1, 1, 0, nullptr, nullptr, nullptr), 1, "launch without arguments");
    expect_status(CALL(cuFuncSetAttribute, scale, 8, 200000), 1, "200000 bytes of shared memory");
    int value = 0;
    require(CALL(cuFuncGetAttribute, &value, 0, module.functions.at("index_96")), "cuFuncGetAttribute");
    expect(value == 96, "launch bounds are known without a launch: " + std::to_string(value));
    require(CALL(cuFuncGetAttribute, &value, 0, scale), "cuFuncGetAttribute");
    expect(value == 1024, "no launch bounds");
    require(CALL(cuDeviceGetAttribute, &value, 97, 0), "cuDeviceGetAttribute");
    expect(value == 163 * 1024, "shared memory of sm_80");
    require(symbol<int(int*, void*, int, size_t)>("cuOccupancyMaxActiveBlocksPerMultiprocessor")(&value, scale, 128, 40000), "occupancy");
    expect(value == 4, "occupancy limited by shared memory: " + std::to_string(value));
    struct { float factor; float* target; } pair{0.5f, *y};
    require(module.launch("by_struct", {1}, {64}, 0, pair, 4), "by_struct");
    expect(y.get()[3] == 3.5f && y.get()[4] == 7, "a struct by value");
    struct Index { int x, y, z; };
    Device<Index> out(6);
    require(module.launch("index_96", {2, 3}, {8, 12}, 0, *out), "index_96");
    expect(out.get()[5].x == 1 && out.get()[5].y == 2 && out.get()[5].z == 12, "block and thread indices");
    uint64_t global = 0;
    size_t bytes = 0;
    require(symbol<int(uint64_t*, size_t*, void*, const char*)>("cuModuleGetGlobal_v2")(&global, &bytes, module.handle, "offset"),
        "cuModuleGetGlobal");
    float hundred = 100;
    expect(bytes == 8, "size of a __device__ variable");
    require(copy_in(global, &hundred, 4), "copy to a __device__ variable");
    require(launch(scale, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), "cuLaunchKernel");
    expect(y.get()[0] == 106, "a __device__ variable");
    hundred = 1;
    require(copy_in(global, &hundred, 4), "copy to a __device__ variable");
}

static void test_streams_and_graphs(void* scale) {
    Device<float> x(std::vector<float>(4, 3.0f)), y(std::vector<float>(4, 0.0f));
    float factor = 2;
    int n = 4;
    float *px = *x, *py = *y;
    void* arguments[] = {&py, &px, &factor, &n};
    auto launch = launch_function();
    void *stream, *second, *event, *join, *start;
    require(CALL(cuStreamCreate, &stream, 1), "cuStreamCreate");
    require(CALL(cuStreamCreate, &second, 1), "cuStreamCreate");
    for (void** e : {&event, &join, &start}) require(CALL(cuEventCreate, e, 0), "cuEventCreate");
    float ms;
    expect_status(CALL(cuEventElapsedTime, &ms, start, event), 400, "elapsed time of events that were not recorded");
    require(CALL(cuEventRecord, start, stream), "cuEventRecord");
    require(CALL(cuEventRecord, event, stream), "cuEventRecord");
    require(CALL(cuEventElapsedTime, &ms, start, event), "cuEventElapsedTime");
    expect(ms >= 0, "time goes on");

    require(CALL(cuStreamBeginCapture_v2, stream, 1), "cuStreamBeginCapture");
    require(launch(scale, 1, 1, 1, 4, 1, 1, 0, stream, arguments, nullptr), "captured launch");
    require(CALL(cuEventRecord, event, stream), "cuEventRecord in a capture");
    require(CALL(cuStreamWaitEvent, second, event, 0), "fork");
    require(symbol<int(uint64_t, uint64_t, size_t, void*)>("cuMemcpyDtoDAsync_v2")(x.pointer, y.pointer, 16, second), "captured copy");
    require(CALL(cuEventRecord, join, second), "cuEventRecord");
    require(CALL(cuStreamWaitEvent, stream, join, 0), "join");
    int state = 0;
    require(CALL(cuStreamIsCapturing, stream, &state), "cuStreamIsCapturing");
    expect(state == 1, "the stream is capturing");
    void *graph, *executable;
    require(CALL(cuStreamEndCapture, stream, &graph), "cuStreamEndCapture");
    expect(y.get()[0] == 0, "a capture executes nothing");
    expect_status(CALL(cuEventSynchronize, join), 907, "an event that was recorded in a capture");
    size_t nodes = 0;
    require(CALL(cuGraphGetNodes, graph, nullptr, &nodes), "cuGraphGetNodes");
    expect(nodes == 2, "two nodes");
    require(symbol<int(void**, void*, unsigned long long)>("cuGraphInstantiateWithFlags")(&executable, graph, 0), "cuGraphInstantiate");
    factor = 1000;                                      // the graph keeps the captured value
    for (int i = 0; i < 2; i++) require(CALL(cuGraphLaunch, executable, stream), "cuGraphLaunch");
    require(CALL(cuStreamSynchronize, stream), "cuStreamSynchronize");
    expect(y.get()[0] == 15, "two replays: (3 * 2 + 1) * 2 + 1");

    factor = 10;
    void* changed;
    require(CALL(cuStreamBeginCapture_v2, stream, 0), "cuStreamBeginCapture");
    require(launch(scale, 1, 1, 1, 4, 1, 1, 0, stream, arguments, nullptr), "captured launch");
    require(CALL(cuStreamEndCapture, stream, &changed), "cuStreamEndCapture");
    struct { int result; void *node, *from; } info;
    expect_status(CALL(cuGraphExecUpdate_v2, executable, changed, &info), 910, "update with another topology");
    expect(info.result == 2, "the topology changed");
    require(CALL(cuStreamBeginCapture_v2, stream, 0), "cuStreamBeginCapture");
    require(launch(scale, 1, 1, 1, 4, 1, 1, 0, stream, arguments, nullptr), "captured launch");
    require(symbol<int(uint64_t, uint64_t, size_t, void*)>("cuMemcpyDtoDAsync_v2")(x.pointer, y.pointer, 16, stream), "captured copy");
    CALL(cuGraphDestroy, changed);
    require(CALL(cuStreamEndCapture, stream, &changed), "cuStreamEndCapture");
    require(CALL(cuGraphExecUpdate_v2, executable, changed, &info), "cuGraphExecUpdate");
    require(CALL(cuGraphLaunch, executable, stream), "cuGraphLaunch");
    expect(y.get()[0] == 151, "an updated graph");

    uint64_t p;
    require(CALL(cuStreamBeginCapture_v2, stream, 0), "cuStreamBeginCapture");
    expect_status(symbol<int(uint64_t*, size_t)>("cuMemAlloc_v2")(&p, 16), 900, "allocation in a capture");
    expect_status(CALL(cuStreamEndCapture, stream, &graph), 901, "the end of a capture that it invalidated");
    require(CALL(cuStreamBeginCapture_v2, stream, 2), "cuStreamBeginCapture");
    require(CALL(cuEventRecord, event, stream), "cuEventRecord");
    require(CALL(cuStreamWaitEvent, second, event, 0), "fork");
    expect_status(CALL(cuStreamEndCapture, stream, &graph), 904, "a capture with a stream that was not joined");
    require(CALL(cuStreamBeginCapture_v2, stream, 1), "cuStreamBeginCapture");
    int elsewhere = -1;
    void* context;
    CALL(cuCtxGetCurrent, &context);
    std::thread([&] { CALL(cuCtxSetCurrent, context), elsewhere = CALL(cuStreamEndCapture, stream, &graph); }).join();
    expect_status(elsewhere, 908, "the end of a capture on another thread");
    expect_status(CALL(cuStreamBeginCapture_v2, stream, 1), 401, "a capture in a capture");
    require(CALL(cuStreamEndCapture, stream, &graph), "cuStreamEndCapture");
    expect_status(CALL(cuStreamEndCapture, stream, &graph), 401, "the end of no capture");
    expect_status(CALL(cuStreamBeginCapture_v2, nullptr, 0), 900, "capture of the legacy stream");
    require(CALL(cuGraphExecDestroy, executable), "cuGraphExecDestroy");
    expect_status(CALL(cuGraphLaunch, executable, stream), 1, "launch of a destroyed graph");
    require(CALL(cuStreamDestroy_v2, second), "cuStreamDestroy");
    expect_status(CALL(cuStreamSynchronize, second), 400, "a destroyed stream");
    require(CALL(cuEventDestroy_v2, event), "cuEventDestroy");
    expect_status(CALL(cuEventSynchronize, event), 400, "a destroyed event");
    require(CALL(cuStreamDestroy_v2, stream), "cuStreamDestroy");
}

static void test_failures(void* scale) {
    Device<float> x(4), y(4);
    float *px = reinterpret_cast<float*>(16), *py = *y, factor = 1;
    int n = 4;
    void* arguments[] = {&py, &px, &factor, &n};
    // On a GPU the launch succeeds and a later call reports the failure.
    expect_status(launch_function()(scale, 1, 1, 1, 4, 1, 1, 0, nullptr, arguments, nullptr), 0, "launch of a failing kernel");
    expect_status(CALL(cuCtxSynchronize), 700, "synchronisation after a failing kernel");
    expect_status(CALL(cuStreamSynchronize, nullptr), 700, "the error stays");
    std::vector<float> host(4);
    expect_status(copy_out(host.data(), y.pointer, 16), 700, "the error stays for copies");
    expect(std::string(symbol<const char*()>("csunet_emulator_last_failure")()).find("kernel scale") != std::string::npos,
        "the report names the kernel");
    clear_report();
    reset_device();
    expect_status(CALL(cuCtxSynchronize), 0, "a reset device works");
}

static void test_compilation() {
    void* program;
    const char* broken = "extern \"C\" __global__ void k(float* y) {\n    y[0] = nothing;\n}\n";
    require(CALL(nvrtcCreateProgram, &program, broken, "broken.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
    expect_status(CALL(nvrtcCompileProgram, program, 0, nullptr), 6, "a program with an error");
    size_t size = 0;
    require(CALL(nvrtcGetProgramLogSize, program, &size), "nvrtcGetProgramLogSize");
    std::string log(size, 0);
    require(CALL(nvrtcGetProgramLog, program, log.data()), "nvrtcGetProgramLog");
    expect(log.find("broken.cu:2:") != std::string::npos && log.find("nothing") != std::string::npos, "the log names line and symbol: "
        + log);
    const char* option = "--no-such-option";
    expect_status(CALL(nvrtcCompileProgram, program, 1, &option), 5, "an unknown option");
    require(CALL(nvrtcDestroyProgram, &program), "nvrtcDestroyProgram");
    expect_status(CALL(nvrtcDestroyProgram, &program), 4, "a destroyed program");
    const char* raw = "extern \"C\" __global__ void k(float* y) {\n    __shared__ float s[2];\n    y[0] = s[0];\n}\n";
    require(CALL(nvrtcCreateProgram, &program, raw, "raw.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
    expect_status(CALL(nvrtcCompileProgram, program, 0, nullptr), 6, "__shared__ without SHARED");
    CALL(nvrtcDestroyProgram, &program);
    setenv("CSUNET_EMULATOR_CXX", "no-such-compiler", 1);
    require(CALL(nvrtcCreateProgram, &program, broken, "broken.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
    expect_status(CALL(nvrtcCompileProgram, program, 0, nullptr), 6, "no compiler");
    CALL(nvrtcGetProgramLogSize, program, &size);
    log.resize(size);
    CALL(nvrtcGetProgramLog, program, log.data());
    expect(log.find("install the package g++") != std::string::npos, "the log says what to install: " + log);
    CALL(nvrtcDestroyProgram, &program);
    unsetenv("CSUNET_EMULATOR_CXX");
    void* module;
    expect_status(CALL(cuModuleLoadData, &module, "not an image"), 200, "an image that is none");
    expect_status(CALL(cuModuleLoadData, &module, nullptr), 1, "no image");
    // Macros from options; and that one image serves two modules.
    const char* with_macro = "extern \"C\" __global__ void k(float* y) { y[0] = VALUE; }";
    const char* options[] = {"-DVALUE=4.5f", "--use_fast_math", "-arch", "sm_90"};
    require(CALL(nvrtcCreateProgram, &program, with_macro, "macro.cu", 0, nullptr, nullptr), "nvrtcCreateProgram");
    require(CALL(nvrtcCompileProgram, program, 4, options), "nvrtcCompileProgram");
    require(CALL(nvrtcGetPTXSize, program, &size), "nvrtcGetPTXSize");
    std::string image(size, 0);
    require(CALL(nvrtcGetPTX, program, image.data()), "nvrtcGetPTX");
    void *modules[2], *function;
    Device<float> y(1);
    for (void*& m : modules) {
        require(CALL(cuModuleLoadData, &m, image.data()), "cuModuleLoadData");
        require(CALL(cuModuleGetFunction, &function, m, "k"), "cuModuleGetFunction");
        float* p = *y;
        void* arguments[] = {&p};
        require(launch_function()(function, 1, 1, 1, 1, 1, 1, 0, nullptr, arguments, nullptr), "cuLaunchKernel");
        expect(y.get()[0] == 4.5f, "a macro from an option");
        expect_status(CALL(cuModuleGetFunction, &function, m, "absent"), 500, "a function that is not there");
    }
    for (void* m : modules) require(CALL(cuModuleUnload, m), "cuModuleUnload");
    expect_status(CALL(cuModuleUnload, modules[0]), 400, "unloading twice");
    CALL(nvrtcDestroyProgram, &program);
}

void test_driver() {
    int version = 0, count = 0;
    require(CALL(cuDriverGetVersion, &version), "cuDriverGetVersion");
    require(CALL(cuDeviceGetCount, &count), "cuDeviceGetCount");
    expect(version >= 12000 && count == 1, "one device");
    char name[100];
    require(CALL(cuDeviceGetName, name, 100, 0), "cuDeviceGetName");
    expect_status(CALL(cuDeviceGetName, name, 100, 1), 101, "a second device");
    const char* text;
    require(CALL(cuGetErrorName, 700, &text), "cuGetErrorName");
    expect(!strcmp(text, "CUDA_ERROR_ILLEGAL_ADDRESS"), "error names");
    expect_status(CALL(cuGetErrorString, 12345, &text), 1, "an error that does not exist");
    int without_context = -1;
    std::thread([&] { without_context = CALL(cuCtxSynchronize); }).join();
    expect_status(without_context, 201, "a thread without a context");
    void *context = nullptr, *function = nullptr;
    require(CALL(cuCtxCreate_v2, &context, 0, 0), "cuCtxCreate");
    require(CALL(cuCtxPopCurrent_v2, &context), "cuCtxPopCurrent");
    require(CALL(cuCtxDestroy_v2, context), "cuCtxDestroy");
    expect_status(CALL(cuCtxSetCurrent, context), 201, "a destroyed context");
    void* primary = nullptr;
    require(CALL(cuCtxGetCurrent, &primary), "cuCtxGetCurrent");
    expect(primary, "the primary context is current again");
    require(symbol<int(const char*, void**, int, uint64_t, int*)>("cuGetProcAddress_v2")("cuMemAlloc", &function, 12000, 0, nullptr),
        "cuGetProcAddress");
    expect(function == dlsym(library, "cuMemAlloc_v2"), "cuGetProcAddress finds the newest version");
    expect_status(symbol<int(const char*, void**, int, uint64_t, int*)>("cuGetProcAddress_v2")("cuNothing", &function, 12000, 0, nullptr),
        500, "cuNothing");
    test_memory();
    test_compilation();
    {
        Module module("driver.cu", Source);
        void* scale;
        require(CALL(cuModuleGetFunction, &scale, module.handle, "scale"), "cuModuleGetFunction of an extern C kernel");
        test_launches(module, scale);
        test_streams_and_graphs(scale);
        test_failures(scale);
        expect(report().empty(), "nothing found: " + report());
    }
    expect(symbol<int()>("csunet_emulator_leak_count")() == 0, "no leaks: "
        + std::string(symbol<const char*()>("csunet_emulator_leaks")()));
}
