// The profiler on kernels with hand-computed counts, and its table for the real kernels.
#include "client.h"
#include <algorithm>
#include <fstream>
#include <sstream>

struct Row {
    std::string kernel, line, memory, direction;
    int size = 0;
    long long requests = 0, bytes = 0, actual = 0, ideal = 0;
};

static std::vector<Row> profile() {
    std::vector<Row> rows;
    std::istringstream lines(symbol<const char*()>("csunet_emulator_profile_csv")());
    std::string line;
    std::getline(lines, line);
    while (std::getline(lines, line)) {
        std::replace(line.begin(), line.end(), ',', ' ');
        std::istringstream words(line);
        Row r;
        words >> r.kernel >> r.line >> r.memory >> r.direction >> r.size >> r.requests >> r.bytes >> r.actual >> r.ideal;
        rows.push_back(r);
    }
    return rows;
}

// The row of the source line that holds `text`.
static Row find(const std::vector<Row>& rows, const std::string& source, const std::string& text, const std::string& memory,
    const std::string& direction) {
    size_t at = source.find(text);
    std::string place = "profile_kernels.cu:" + std::to_string(1 + std::count(source.begin(), source.begin() + long(at), '\n'));
    for (const Row& r : rows)
        if (r.line == place && r.memory == memory && r.direction == direction) return r;
    expect(false, "the profile has no row for " + place + " (" + text + "), " + memory + " " + direction);
    return {};
}

static void check(const Row& r, const std::string& what, long long requests, long long bytes, long long actual, long long ideal) {
    char text[200];
    snprintf(text, sizeof text, "%s: %lld requests, %lld bytes, %lld of ideal %lld; expected %lld, %lld, %lld of %lld", what.c_str(),
        r.requests, r.bytes,
        r.actual, r.ideal, requests, bytes, actual, ideal);
    expect(r.requests == requests && r.bytes == bytes && r.actual == actual && r.ideal == ideal, text);
}

// Counting only: an equal launch does not run again, and untouched memory is not allocated.
static void test_sampling(Module& module) {
    auto clear_profile = symbol<void()>("csunet_emulator_clear_profile");
    auto launches = symbol<const char*()>("csunet_emulator_launches_csv");
    auto set_memory = symbol<void(uint64_t)>("csunet_emulator_set_memory_bytes");
    symbol<void(int)>("csunet_emulator_set_sample")(2);
    set_memory(uint64_t(1) << 40);
    auto pages = [] {
        long size = 0, resident = 0;
        std::ifstream("/proc/self/statm") >> size >> resident;
        return resident;
    };
    std::string counted;
    for (int once : {0, 1}) {
        symbol<void(int)>("csunet_emulator_set_count_once")(once);
        clear_profile();
        long before = pages();
        uint64_t x = 0, y = 0;
        size_t bytes = size_t(4) << 30;
        require(symbol<int(uint64_t*, size_t)>("cuMemAlloc_v2")(&x, bytes), "allocates more than there is");
        require(symbol<int(uint64_t*, size_t)>("cuMemAlloc_v2")(&y, bytes), "allocates more than there is");
        require(symbol<int(uint64_t, unsigned, size_t)>("cuMemsetD32_v2")(x + 4, 0, bytes / 4 - 1), "fills with zeros");
        const unsigned mark = 0x40000000;
        for (uint64_t offset : {0, 0, 4, 0}) {
            require(symbol<int(uint64_t, unsigned, size_t)>("cuMemsetD32_v2")(y, mark, 1), "fills");
            require(module.launch("coalesced", {1000}, {128}, 0, x + offset, y), "coalesced");
        }
        unsigned first = 0;
        require(symbol<int(void*, uint64_t, size_t)>("cuMemcpyDtoH_v2")(&first, y, 4), "copies");
        expect((first == mark) == (once == 1), "whether the last launch ran, counting once " + std::to_string(once));
        std::string text = launches();
        if (once) expect(text == counted, "launches counted once differ from those counted each:\n" + text + "and\n" + counted);
        counted = text;
        std::string aligned = "coalesced,32000,32000,0,0,0\n";
        // A warp at an odd address reads five sectors instead of four.
        expect(text.substr(text.find('\n') + 1) == aligned + aligned + "coalesced,36000,32000,0,0,0\n" + aligned, "sampled counts:\n" + text);
        expect(pages() - before < 8192, "32 MB are enough for 8 GB that nothing touches");
        for (uint64_t pointer : {x, y}) require(symbol<int(uint64_t)>("cuMemFree_v2")(pointer), "frees");
    }
    symbol<void(int)>("csunet_emulator_set_count_once")(0);
    symbol<void(int)>("csunet_emulator_set_sample")(0);
    set_memory(uint64_t(8) << 30);
    clear_profile();
}

void test_profile() {
    set_mode("hook");
    std::string source = read_file(test_folder + "/profile_kernels.cu");
    {
        Module module("profile_kernels.cu", source);
        Device<float> x(std::vector<float>(4096)), y(4096);
        symbol<void()>("csunet_emulator_clear_profile")();
        for (const char* name : {"coalesced", "coalesced_vector", "strided", "bank_conflicts", "two_products"})
            require(module.launch(name, {1}, {128}, 0, *x, *y), name);
        expect(report().empty(), "profile kernels: " + report());
        auto rows = profile();
        auto at = [&](const char* text, const char* memory, const char* direction) { return find(rows, source, text, memory, direction); };
        check(at("y[threadIdx.x] = x[threadIdx.x];", "global", "read"), "coalesced read", 4, 512, 16, 16);
        check(at("y[threadIdx.x] = x[threadIdx.x];", "global", "write"), "coalesced write", 4, 512, 16, 16);
        check(at("store4(y", "global", "read"), "vector read", 4, 2048, 64, 64);
        check(at("store4(y", "global", "write"), "vector write", 4, 2048, 64, 64);
        check(at("x[8 * threadIdx.x]", "global", "read"), "strided read", 4, 512, 128, 16);
        check(at("s[t] = x[t]", "shared", "write"), "shared write", 4, 512, 4, 4);
        check(at("s[(2 * t)", "shared", "read"), "2-way conflict", 4, 512, 8, 4);
        check(at("s[32 * t] = a", "shared", "write"), "32-way conflict", 4, 512, 128, 4);
        check(at("y[t] = s[32", "shared", "read"), "broadcast", 4, 512, 4, 4);
        // Four warps, three products in a loop and one of the other kind.
        check(at("mma_m16n8k8_tf32(c", "matrix", "mma"), "tf32 products", 12, 0, 0, 0);
        check(at("mma_m16n8k16_bf16(c", "matrix", "mma"), "bf16 products", 4, 0, 0, 0);
        expect(symbol<const char*()>("csunet_emulator_profile_json")()[0] == '[', "the profile as JSON");
        test_sampling(module);
    }
    symbol<void()>("csunet_emulator_clear_profile")();
    std::map<std::string, std::unique_ptr<Module>> modules;
    for (const KernelCase& c : kernel_cases()) {
        auto& module = modules[c.file];
        if (!module) module = std::make_unique<Module>(c.file, read_file(kernels_folder + "/" + c.file));
        c.run(*module);
    }
    std::string first = symbol<const char*()>("csunet_emulator_profile_csv")();
    symbol<void()>("csunet_emulator_clear_profile")();
    for (const KernelCase& c : kernel_cases()) c.run(*modules[c.file]);
    expect(first == symbol<const char*()>("csunet_emulator_profile_csv")(), "two runs have the same profile");
    auto rows = profile();
    // Sectors and wavefronts of a kernel over their ideals: at most 1.25 each, or the kernel's file says why not.
    std::map<std::string, std::pair<double, double>> totals;
    for (const Row& r : rows) {
        if (r.memory == "matrix") continue;
        auto& [actual, ideal] = totals[r.kernel + " " + r.memory];
        actual += double(r.actual), ideal += double(r.ideal);
        if (getenv("VERBOSE") && double(r.actual) > 1.001 * double(r.ideal))
            printf("  %-40s %-24s %s %-5s %2d bytes  %6lld requests  %.2f times the ideal\n", r.kernel.c_str(), r.line.c_str(),
                r.memory.c_str(),
                r.direction.c_str(), r.size, r.requests, double(r.actual) / double(r.ideal));
    }
    for (auto& [kernel, sums] : totals) {
        printf("  %-48s %.2f\n", kernel.c_str(), sums.first / sums.second);
        expect(sums.first <= 1.25 * sums.second, kernel + " above 1.25 times the ideal");
    }
    // 96 x 72 x 132 in tiles of 64 x 64 x 16: 4 tiles, 9 slices, 2 steps of 4 x 8 pieces.
    long long instructions = 0;
    for (const Row& r : rows)
        if (r.kernel == "gemm_nt_64x64_tf32" && r.memory == "matrix") instructions += r.requests;
    expect(instructions == 4 * 9 * 2 * 4 * 8, "matrix instructions of gemm_nt_64x64_tf32: " + std::to_string(instructions));
    clear_report();
    set_mode("plain");
}
