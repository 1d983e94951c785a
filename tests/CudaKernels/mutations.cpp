// Every barrier and wait of a kernel file, removed in turn, must be noticed by the checks that run the file: by a finding of the access
// checker, a wrong result, or an error.
#include "check.h"
#include <atomic>
#include <filesystem>
#include <regex>
#include <thread>

static void check_batch_norm() {
    check_norms();
    check_tile_statistics();
}

// representative: one of its family, taken when there is little time; emulator/test/run mutations takes window_attention.
struct Target { const char* file; void (*section)(); bool representative = false; };
static const Target Targets[] = {
    {"column_sum", check_norms, true}, {"batch_norm", check_batch_norm, true}, {"layer_norm", check_norms, true}, {"cross_entropy_dice", check_losses, true},
    {"argmax", check_losses, true}, {"conv2d", check_convolution, true},
    {"conv2d_tensor_core", check_convolution}, {"conv2d_few_channels", check_few}, {"conv2d_few_filters", check_few}, {"gemm", check_gemm, true},
    {"window_attention", check_attention}, {"window_attention_any", check_attention}, {"window_attention_backward", check_attention}, {"window_attention_tensor_core", check_attention},
};
struct Mutant { const Target* target; std::string source, what; };

// The function that a place of a source is in.
static std::string function_at(const std::string& source, size_t at) {
    size_t start = std::max(source.rfind("\n__global__", at) + 1, source.rfind("\n__device__", at) + 1);
    static const std::regex name("(\\w+)\\((?![\\w, ]*\\) \\w)");
    std::smatch match;
    std::string text = source.substr(start, at - start);
    return std::regex_search(text, match, name) ? match[1].str() : "?";
}

static std::vector<Mutant> mutants_of(const Target& target, bool all) {
    std::string source = read_file(kernels_folder + "/" + target.file + ".cu"), first;
    static const std::regex words("(__syncthreads|__syncwarp|cp_async_wait<[^>]*>)\\([^()]*\\);");
    std::vector<Mutant> mutants;
    for (std::sregex_iterator it(source.begin(), source.end(), words), end; it != end; ++it) {
        auto at = size_t(it->position());
        size_t line_start = source.rfind('\n', at) + 1;
        if (source.substr(line_start, at - line_start).find("//") != std::string::npos) continue;
        // Without `all`, those of the file's first kernel that has any.
        std::string function = function_at(source, at);
        if (first.empty()) first = function;
        if (!all && function != first) continue;
        std::string line = std::to_string(1 + std::count(source.begin(), source.begin() + long(at), '\n'));
        mutants.push_back({&target, source.substr(0, at) + ";" + source.substr(at + size_t(it->length())),
            std::string(target.file) + ".cu:" + line + ", " + function + ": nobody notices that " + it->str() + " is gone"});
    }
    return mutants;
}

// Compiles into the cache of the emulated device, from several threads: most of a mutant's time is g++'s.
static void precompile(const std::vector<Mutant>& mutants) {
    std::atomic<size_t> next{0};
    std::string common = read_file(kernels_folder + "/common.cuh");
    auto work = [&] {
        for (size_t i; (i = next++) < mutants.size();) {
            std::string file = std::string(mutants[i].target->file) + ".cu";
            const char *texts[] = {common.c_str()}, *headers[] = {"common.cuh"}, *options[] = {"--gpu-architecture=sm_80", "--std=c++17"};
            void* program;
            CALL(nvrtcCreateProgram, &program, mutants[i].source.c_str(), file.c_str(), 1, texts, headers);
            for (auto& [name, expression] : exports(mutants[i].source)) CALL(nvrtcAddNameExpression, program, expression.c_str());
            // Whether it compiles is seen when it is used.
            CALL(nvrtcCompileProgram, program, 2, options);
            CALL(nvrtcDestroyProgram, &program);
        }
    };
    std::vector<std::thread> threads;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); i++) threads.emplace_back(work);
    for (auto& thread : threads) thread.join();
}

static void check_mutant(const Mutant& mutant) {
    std::string name = mutant.target->file;
    files[name] = std::make_unique<Module>(name + ".cu", mutant.source);
    quiet = true, noticed = 0;
    try {
        mutant.target->section();
    } catch (BrokenContext) {
        files.clear();
        reset_device();
    }
    quiet = false;
    clear_report();
    files.erase(name);
    expect(noticed > 0, mutant.what);
}

void check_mutations(bool all) {
    std::vector<Mutant> mutants;
    for (auto& target : Targets) {
        if (!all && !target.representative) continue;
        auto more = mutants_of(target, all);
        expect(!more.empty(), std::string(target.file) + ".cu has no barrier to remove");
        mutants.insert(mutants.end(), more.begin(), more.end());
        printf("  %s: %zu barriers and waits\n", target.file, more.size());
        fflush(stdout);
    }
    // A file with barriers that is on no list would go unchecked.
    for (auto& entry : std::filesystem::directory_iterator(kernels_folder)) {
        if (entry.path().extension() != ".cu") continue;
        std::string name = entry.path().stem();
        bool known = false;
        for (auto& target : Targets) known |= name == target.file;
        expect(known || mutants_of({name.c_str(), nullptr, false}, true).empty(), name + ".cu has barriers; add it to the targets of mutations.cpp");
    }
    precompile(mutants);
    for (auto& mutant : mutants) check_mutant(mutant);
}
