// A client of the driver's C interface, like the C# binding: it uses dlopen only, and none of the emulator's headers.
#pragma once
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

extern void* library;
extern int failures, checks;
template <typename F> F* symbol(const char* name) {
    auto* found = reinterpret_cast<F*>(dlsym(library, name));
    if (!found) printf("the library does not export %s\n", name), exit(2);
    return found;
}
#define CALL(name, ...) symbol<int(...)>(#name)(__VA_ARGS__)

inline void expect(bool good, const std::string& what) {
    checks++;
    if (good) return;
    failures++;
    printf("FAILED: %s\n", what.c_str());
}
inline void expect_status(int got, int expected, const std::string& what) {
    expect(got == expected, what + ": status " + std::to_string(got) + ", expected " + std::to_string(expected));
}
// For calls that must succeed for the test to continue.
inline void require(int status, const std::string& what) {
    if (status) printf("%s failed with status %d\n%s\n", what.c_str(), status, symbol<const char*()>("csunet_emulator_report")()), exit(2);
}

inline std::string read_file(const std::string& path) {
    std::string text;
    FILE* file = fopen(path.c_str(), "rb");
    if (!file) printf("cannot read %s\n", path.c_str()), exit(2);
    char buffer[65536];
    while (size_t n = fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    fclose(file);
    return text;
}

// name -> expression of the EXPORT_KERNEL(name, (expression)) lines
inline std::map<std::string, std::string> exports(const std::string& source) {
    std::map<std::string, std::string> all;
    const std::string word = "EXPORT_KERNEL(";
    for (size_t at = source.find(word); at != std::string::npos; at = source.find(word, at + 1)) {
        size_t comma = source.find(',', at), open = source.find('(', comma), end = source.find("));", open);
        if (end != std::string::npos)
            all[source.substr(at + word.size(), comma - at - word.size())] = source.substr(open + 1, end - open - 1);
    }
    return all;
}

extern std::string kernels_folder, test_folder;

// A compiled file with the requested kernels (all exports if none are named).
class Module {
public:
    Module(const std::string& file, const std::string& source, std::vector<std::string> names = {}) {
        auto all = exports(source);
        if (names.empty())
            for (auto& [name, expression] : all) names.push_back(name);
        std::string common = read_file(kernels_folder + "/common.cuh");
        const char *texts[] = {common.c_str()}, *headers[] = {"common.cuh"};
        void* program;
        require(CALL(nvrtcCreateProgram, &program, source.c_str(), file.c_str(), 1, texts, headers), "nvrtcCreateProgram");
        for (auto& name : names) require(CALL(nvrtcAddNameExpression, program, all.at(name).c_str()), "nvrtcAddNameExpression");
        const char* options[] = {"--gpu-architecture=sm_80", "--std=c++17"};
        int status = CALL(nvrtcCompileProgram, program, 2, options);
        size_t size;
        CALL(nvrtcGetProgramLogSize, program, &size);
        log.resize(size);
        CALL(nvrtcGetProgramLog, program, log.data());
        if (status) printf("%s does not compile:\n%s\n", file.c_str(), log.c_str()), exit(2);
        CALL(nvrtcGetCUBINSize, program, &size);
        image.resize(size);
        CALL(nvrtcGetCUBIN, program, image.data());
        require(CALL(cuModuleLoadData, &handle, image.data()), "cuModuleLoadData");
        for (auto& name : names) {
            const char* lowered;
            require(CALL(nvrtcGetLoweredName, program, all.at(name).c_str(), &lowered), "nvrtcGetLoweredName");
            require(CALL(cuModuleGetFunction, &functions[name], handle, lowered), "cuModuleGetFunction " + name);
        }
        CALL(nvrtcDestroyProgram, &program);
    }
    ~Module() { CALL(cuModuleUnload, handle); }
    Module(const Module&) = delete;

    struct Shape { unsigned x = 1, y = 1, z = 1; };
    // Launches and synchronises; returns the status of the synchronisation.
    template <typename... A> int launch(const std::string& name, Shape grid, Shape block, unsigned shared, A... arguments) {
        void* pointers[] = {const_cast<void*>(static_cast<const void*>(&arguments))..., nullptr};
        void* function = functions.at(name);
        if (shared > 48 << 10) require(CALL(cuFuncSetAttribute, function, 8, int(shared)), "cuFuncSetAttribute");
        auto call = symbol<int(void*, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, unsigned, void*, void**,
            void**)>("cuLaunchKernel");
        int status = call(function, grid.x, grid.y, grid.z, block.x, block.y, block.z, shared, nullptr, pointers, nullptr);
        return status ? status : CALL(cuCtxSynchronize);
    }
    void* handle = nullptr;
    std::map<std::string, void*> functions;
    std::string log;
    std::vector<char> image;
};

template <typename T> class Device {
public:
    explicit Device(size_t count) : count(count) {
        require(symbol<int(uint64_t*, size_t)>("cuMemAlloc_v2")(&pointer, count * sizeof(T)), "cuMemAlloc");
    }
    explicit Device(const std::vector<T>& values) : Device(values.size()) { set(values); }
    ~Device() { symbol<int(uint64_t)>("cuMemFree_v2")(pointer); }
    Device(const Device&) = delete;
    void set(const std::vector<T>& values) {
        require(symbol<int(uint64_t, const void*, size_t)>("cuMemcpyHtoD_v2")(pointer, values.data(), count * sizeof(T)), "cuMemcpyHtoD");
    }
    std::vector<T> get() const {
        std::vector<T> values(count);
        require(symbol<int(void*, uint64_t, size_t)>("cuMemcpyDtoH_v2")(values.data(), pointer, count * sizeof(T)), "cuMemcpyDtoH");
        return values;
    }
    T* operator*() const { return reinterpret_cast<T*>(pointer); }
    uint64_t pointer = 0;
    size_t count;
};

inline std::vector<float> normal(size_t count, unsigned seed) {
    std::mt19937 generator(seed);
    std::normal_distribution<float> distribution;
    std::vector<float> values(count);
    for (float& v : values) v = distribution(generator);
    return values;
}
inline float round_tf32(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    u = (u + 0x1000u) & 0xffffe000u;
    memcpy(&x, &u, 4);
    return x;
}
inline uint16_t to_bf16(float x) {
    uint32_t u;
    memcpy(&u, &x, 4);
    return uint16_t((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
inline float from_bf16(uint16_t x) {
    uint32_t u = uint32_t(x) << 16;
    float f;
    memcpy(&f, &u, 4);
    return f;
}
inline std::vector<uint16_t> to_bf16(const std::vector<float>& values) {
    std::vector<uint16_t> out;
    for (float v : values) out.push_back(to_bf16(v));
    return out;
}
inline std::vector<float> from_bf16(const std::vector<uint16_t>& values) {
    std::vector<float> out;
    for (uint16_t v : values) out.push_back(from_bf16(v));
    return out;
}
// The largest difference over the largest entry; infinite for NaN.
inline double difference(const std::vector<float>& got, const std::vector<double>& expected) {
    double worst = 0, largest = 1e-30;
    for (double e : expected) largest = std::max(largest, std::abs(e));
    for (size_t i = 0; i < expected.size(); i++) worst = std::isfinite(got[i]) ? std::max(worst, std::abs(got[i] - expected[i])) : INFINITY;
    return worst / largest;
}

inline std::string report() { return symbol<const char*()>("csunet_emulator_report")(); }
inline void clear_report() { symbol<void()>("csunet_emulator_clear_report")(); }
inline void set_mode(const char* mode) { symbol<int(const char*)>("csunet_emulator_set_mode")(mode); }
inline void set_order(int order, uint64_t seed) { symbol<int(int, uint64_t)>("csunet_emulator_set_order")(order, seed); }
// After a kernel's failure the context is lost: create a new one.
inline void reset_device() { CALL(cuDevicePrimaryCtxReset_v2, 0); }

// A kernel of the project, run on random data and compared with a reference in double. Returns an error message, or an empty string.
struct KernelCase {
    std::string name, file;
    std::vector<std::string> kernels;
    std::function<std::string(Module&)> run;
};
const std::vector<KernelCase>& kernel_cases();

void test_cache();
void test_driver();
void test_intrinsics();
void test_kernels();
void test_bugs();
void test_mutations(bool all);
void test_profile();
void measure();
