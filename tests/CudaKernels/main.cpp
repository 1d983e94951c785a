// Runs the kernels of kernels/*.cu whose threads work together on the emulated device under its access checker, on small odd shapes against references in double:
//   check LIBRARY_FOLDER KERNELS_FOLDER TABLE [section...]      sections: softmax norms losses optimizer convolution few attention
//     gemm mutations all_mutations update
// Then prints, per kernel, sectors of global memory and wavefronts of shared memory over their ideals. VERBOSE=1 prints the lines above 1.
// A first section `asan` is for an emulator built with AddressSanitizer: planted bugs, and then the sections named, or all but the
// mutations, in the mode plain; no profile. tests/CudaKernels/run builds it.
// After all sections but the mutations (none named) the ratios are compared with TABLE; `update` runs them too and writes TABLE.
#include "check.h"
#include <chrono>

void* library;
int failures, checks;
std::string kernels_folder, test_folder;

static void check_first_mutations() { check_mutations(false); }
static void check_all_mutations() { check_mutations(true); }

int main(int count, char** words) {
    if (count < 4) return printf("usage: check LIBRARY_FOLDER KERNELS_FOLDER TABLE [section...]\n"), 2;
    library = dlopen((std::string(words[1]) + "/libcsunet_emulator.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("%s\n", dlerror()), 2;
    kernels_folder = words[2];
    require(CALL(cuInit, 0), "cuInit");
    void* context;
    require(CALL(cuDevicePrimaryCtxRetain, &context, 0), "cuDevicePrimaryCtxRetain");
    require(CALL(cuCtxSetCurrent, context), "cuCtxSetCurrent");
    std::vector<std::string> wanted(words + 4, words + count);
    set_mode("plain");
    if (!wanted.empty() && wanted[0].rfind("planted=", 0) == 0) return run_planted(wanted[0].substr(8)), 0;
    bool sanitized = !wanted.empty() && wanted[0] == "asan";
    if (sanitized) {
        wanted.erase(wanted.begin());
        if (wanted.empty()) wanted = {"softmax", "norms", "losses", "optimizer", "convolution", "few", "attention", "gemm"};
    } else {
        set_mode("hook");
    }
    const std::pair<std::string, void (*)()> sections[] = {{"softmax", check_softmax}, {"norms", check_norms},
        {"losses", check_losses}, {"optimizer", check_optimizer}, {"convolution", check_convolution}, {"few", check_few}, {"attention", check_attention},
        {"gemm", check_gemm}, {"mutations", check_first_mutations}, {"all_mutations", check_all_mutations}};
    bool update = wanted == std::vector<std::string>{"update"}, table = update || wanted.empty();
    for (auto& name : wanted) {
        bool known = update;
        for (auto& section : sections) known |= section.first == name;
        if (!known) return printf("there is no section '%s'\n", name.c_str()), 2;
    }
    if (sanitized) {
        check_planted(std::string("'") + words[0] + "' '" + words[1] + "' '" + words[2] + "' '" + words[3] + "'");
        printf("planted bugs  %4d checks, %d failed\n", checks, failures);
    }
    bool profiled = false;
    for (auto& [name, run] : sections) {
        // The mutations take long, and no part in the profile: only if they are asked for.
        bool mutations = name.find("mutations") != std::string::npos;
        if (table ? mutations : std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        auto start = std::chrono::steady_clock::now();
        int failed = failures, done = checks;
        run();
        profiled |= !mutations && !sanitized;
        printf("%-13s %4d checks, %d failed, %.1f s\n", name.c_str(), checks - done, failures - failed,
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        fflush(stdout);
    }
    if (profiled) print_profile();
    if (table) check_profile(words[3], update);
    return failures != 0;
}
