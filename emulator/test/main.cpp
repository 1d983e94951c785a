// The emulator's self-test: test FOLDER_OF_LIBRARY FOLDER_OF_KERNELS FOLDER_OF_THIS [section...]
#include "client.h"
#include <chrono>

void* library;
int failures, checks;
std::string kernels_folder, test_folder;

int main(int count, char** words) {
    if (count < 4)
        return printf("usage: test LIBRARY_FOLDER KERNELS_FOLDER TEST_FOLDER [cache driver intrinsics kernels bugs mutations profile measure]\n"), 2;
    library = dlopen((std::string(words[1]) + "/libcsunet_emulator.so").c_str(), RTLD_NOW | RTLD_LOCAL);
    if (!library) return printf("%s\n", dlerror()), 2;
    kernels_folder = words[2];
    test_folder = words[3];
    std::vector<std::string> sections(words + 4, words + count);
    if (sections.empty()) sections = {"cache", "driver", "intrinsics", "kernels", "bugs", "mutations", "profile", "measure"};
    require(CALL(cuInit, 0), "cuInit");
    void* context;
    require(CALL(cuDevicePrimaryCtxRetain, &context, 0), "cuDevicePrimaryCtxRetain");
    require(CALL(cuCtxSetCurrent, context), "cuCtxSetCurrent");
    for (const std::string& section : sections) {
        auto start = std::chrono::steady_clock::now();
        int failed = failures, done = checks;
        if (section == "cache") test_cache();
        else if (section == "driver") test_driver();
        else if (section == "intrinsics") test_intrinsics();
        else if (section == "kernels") test_kernels();
        else if (section == "bugs") test_bugs();
        else if (section == "mutations") test_mutations(false);
        else if (section == "all_mutations") test_mutations(true);
        else if (section == "profile") test_profile();
        else if (section == "measure") measure();
        else printf("no section '%s'\n", section.c_str()), failures++;
        double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
        printf("%-10s %4d checks, %d failed, %.1f s\n", section.c_str(), checks - done, failures - failed, seconds);
        fflush(stdout);
    }
    return failures != 0;
}
