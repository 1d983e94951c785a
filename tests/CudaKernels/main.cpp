// Runs every kernel of kernels/*.cu on the emulated device under its access checker, on small odd shapes against references in double:
//   check LIBRARY_FOLDER KERNELS_FOLDER [section...]      sections: elementwise moves norms losses optimizer convolution attention gemm mutations
// Then prints, per kernel, sectors of global memory and wavefronts of shared memory over their ideals. VERBOSE=1 prints the lines above 1.
#include "check.h"
#include <chrono>
#include <sstream>

void* library;
int failures, checks;
std::string kernels_folder, test_folder;

static void print_profile() {
    std::istringstream lines(symbol<const char*()>("csunet_emulator_profile_csv")());
    std::string line;
    std::getline(lines, line);
    std::map<std::string, std::map<std::string, std::pair<double, double>>> totals;
    while (std::getline(lines, line)) {
        std::replace(line.begin(), line.end(), ',', ' ');
        std::istringstream words(line);
        std::string kernel, place, memory, direction;
        long long size, requests, bytes, actual, ideal;
        words >> kernel >> place >> memory >> direction >> size >> requests >> bytes >> actual >> ideal;
        if (memory == "matrix") continue;
        auto& [a, i] = totals[kernel][memory];
        a += double(actual), i += double(ideal);
        if (getenv("VERBOSE") && double(actual) > 1.001 * double(ideal))
            printf("  %-40s %-24s %s %-5s %2lld bytes %7lld requests %.2f\n", kernel.c_str(), place.c_str(), memory.c_str(), direction.c_str(), size, requests,
                double(actual) / double(ideal));
    }
    for (auto& [kernel, memories] : totals) {
        printf("  %-48s", kernel.c_str());
        for (auto& [memory, sums] : memories) printf(" %s %.2f%s", memory.c_str(), sums.first / sums.second, sums.first > 1.25 * sums.second ? " ABOVE" : "");
        printf("\n");
    }
}

// Every barrier and wait of a kernel file, removed in turn, must be noticed by the section that runs the file.
static void check_mutations(const std::string& name, void (*section)()) {
    std::string source = read_file(kernels_folder + "/" + name + ".cu");
    int removed = 0;
    for (const char* word : {"__syncthreads();", "__syncwarp();", "cp_async_wait<0>();", "cp_async_wait<STAGES - 2>();"})
        for (size_t at = source.find(word); at != std::string::npos; at = source.find(word, at + 1), removed++) {
            files[name] = std::make_unique<Module>(name + ".cu", source.substr(0, at) + ";" + source.substr(at + strlen(word)));
            quiet = true, noticed = 0;
            try {
                section();
            } catch (BrokenContext) {
                files.clear();
                reset_device();
            }
            quiet = false;
            clear_report();
            expect(noticed > 0, name + ".cu:" + std::to_string(1 + std::count(source.begin(), source.begin() + long(at), '\n')) + ": nobody notices that " + word + " is gone");
        }
    files.erase(name);
    printf("  %s: %d barriers and waits removed\n", name.c_str(), removed);
}
static void check_all_mutations() {
    check_mutations("column_sum", check_norms);
    check_mutations("batch_norm", check_norms);
    check_mutations("soft_dice", check_losses);
    check_mutations("cross_entropy_dice", check_losses);
    check_mutations("argmax", check_losses);
    check_mutations("conv2d", check_convolution);
    check_mutations("conv2d_tensor_core", check_convolution);
    check_mutations("window_attention_backward", check_attention);
    check_mutations("gemm", check_gemm);
}

int main(int count, char** words) {
    if (count < 3) return printf("usage: check LIBRARY_FOLDER KERNELS_FOLDER [section...]\n"), 2;
    library = dlopen((std::string(words[1]) + "/libcsunet_emulator.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("%s\n", dlerror()), 2;
    kernels_folder = words[2];
    require(CALL(cuInit, 0), "cuInit");
    void* context;
    require(CALL(cuDevicePrimaryCtxRetain, &context, 0), "cuDevicePrimaryCtxRetain");
    require(CALL(cuCtxSetCurrent, context), "cuCtxSetCurrent");
    set_mode("hook");
    const std::pair<std::string, void (*)()> sections[] = {{"elementwise", check_elementwise}, {"moves", check_moves}, {"norms", check_norms},
        {"losses", check_losses}, {"optimizer", check_optimizer}, {"convolution", check_convolution}, {"attention", check_attention}, {"gemm", check_gemm},
        {"mutations", check_all_mutations}};
    std::vector<std::string> wanted(words + 3, words + count);
    for (auto& [name, run] : sections) {
        // The mutations take minutes: only if they are asked for.
        if (wanted.empty() ? name == "mutations" : std::find(wanted.begin(), wanted.end(), name) == wanted.end()) continue;
        auto start = std::chrono::steady_clock::now();
        int failed = failures, done = checks;
        run();
        printf("%-12s %4d checks, %d failed, %.1f s\n", name.c_str(), checks - done, failures - failed,
            std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
        fflush(stdout);
    }
    if (std::find(wanted.begin(), wanted.end(), "mutations") == wanted.end()) print_profile();
    return failures != 0;
}
