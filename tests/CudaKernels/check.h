// What the checks of kernels/*.cu share: buffers in float32 or bf16, launches that must succeed without a finding, comparisons.
#pragma once
#include "../../emulator/test/client.h"
#include <algorithm>

using Values = std::vector<float>;
using Doubles = std::vector<double>;

// Device memory that holds floats as float32 or bf16; empty means null.
class Buffer {
public:
    Buffer() = default;
    Buffer(const Values& values, bool half) {
        if (half) halves = std::make_unique<Device<uint16_t>>(to_bf16(values));
        else floats = std::make_unique<Device<float>>(values);
    }
    // Not written: a kernel that reads it, or leaves a part of it out, is found.
    Buffer(size_t count, bool half) {
        if (half) halves = std::make_unique<Device<uint16_t>>(count);
        else floats = std::make_unique<Device<float>>(count);
    }
    void* operator*() const { return floats ? static_cast<void*>(**floats) : halves ? static_cast<void*>(**halves) : nullptr; }
    Values get() const { return floats ? floats->get() : from_bf16(halves->get()); }

private:
    std::unique_ptr<Device<float>> floats;
    std::unique_ptr<Device<uint16_t>> halves;
};

// The kernel files, compiled once each; main.cpp puts mutants in their place.
inline std::map<std::string, std::unique_ptr<Module>> files;
inline Module& file(const std::string& name) {
    auto& module = files[name];
    if (!module) module = std::make_unique<Module>(name + ".cu", read_file(kernels_folder + "/" + name + ".cu"));
    return *module;
}
// A mutant's kernel failed, and the context with it.
struct BrokenContext {};
// Set while a mutant runs: complaints are counted, not printed.
inline bool quiet = false;
inline int noticed = 0;
inline void note(bool good, const std::string& what) {
    if (quiet) noticed += !good;
    else expect(good, what);
}
inline std::string type_name(bool half) { return half ? "_bf16" : "_float32"; }
// Rounds to what the buffer will hold.
inline Values stored(Values values, bool half) { return half ? from_bf16(to_bf16(values)) : values; }
inline Values random_values(size_t count, unsigned seed, bool half = false) { return stored(normal(count, seed), half); }

template <typename... A>
void go(const std::string& of, const std::string& kernel, Module::Shape grid, Module::Shape block, unsigned shared, A... arguments) {
    int status = file(of).launch(kernel, grid, block, shared, arguments...);
    note(status == 0 && report().empty(), kernel + ": status " + std::to_string(status) + "\n" + report());
    clear_report();
    if (status && !quiet) exit(1);
    if (status) throw BrokenContext();
}
inline void compare(const std::string& what, const Values& got, const Doubles& expected, double tolerance) {
    double worst = difference(got, expected);
    char text[100];
    snprintf(text, sizeof text, ": off by %.2e of the largest entry", worst);
    note(got.size() == expected.size() && worst <= tolerance, what + text);
    note(report().empty(), what + ": " + report());
    clear_report();
}
inline void same(const std::string& what, const Values& got, const Values& expected) {
    size_t wrong = 0;
    for (size_t i = 0; i < expected.size(); i++) wrong += !(got[i] == expected[i] || (std::isnan(got[i]) && std::isnan(expected[i])));
    note(got.size() == expected.size() && wrong == 0, what + ": " + std::to_string(wrong) + " of " + std::to_string(expected.size()) + " differ");
    note(report().empty(), what + ": " + report());
    clear_report();
}
// expected = old + value where the gradient is added to
inline Doubles given(const Doubles& value, const Values& old, bool accumulate) {
    Doubles sum = value;
    if (accumulate)
        for (size_t i = 0; i < sum.size(); i++) sum[i] += old[i];
    return sum;
}
// A gradient's target: fresh memory to be written, or old values to be added to.
inline Buffer target(const Values& old, bool accumulate, bool half) { return accumulate ? Buffer(old, half) : Buffer(old.size(), half); }

struct Launch { Module::Shape grid, block; };
// The rule of for_each_row_pack in common.cuh.
inline Launch row_launch(long long rows, int elements) {
    int packs = elements % 4 == 0 ? elements / 4 : elements;
    unsigned x = 8;
    while (x < 256 && int(x) < packs) x *= 2;
    unsigned y = 256 / x;
    return {{(unsigned(packs) + x - 1) / x, unsigned(std::min<long long>(65535, (rows + y - 1) / y))}, {x, y}};
}
inline unsigned flat_grid(long long count) { return unsigned((count + 1023) / 1024); }

void check_softmax();
void check_norms();
void check_losses();
void check_optimizer();
void check_convolution();
void check_few();
void check_attention();
void check_gemm();
void check_mutations(bool all);
void check_tile_statistics();
void check_planted(const std::string& self);              // the command that runs this program, without sections
void run_planted(const std::string& kernel);
void print_profile();
void check_profile(const std::string& path, bool update);
