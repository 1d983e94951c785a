// Planted bugs: each must be reported with kind and line. Also the real kernels, with each barrier and wait removed in turn.
#include "client.h"
#include <algorithm>
#include <sstream>

struct Expectation { std::string mode, kernel; std::vector<std::string> kinds; int line; };

static std::vector<Expectation> expectations(const std::string& source) {
    std::vector<Expectation> all;
    std::istringstream lines(source);
    std::string line;
    for (int number = 1; std::getline(lines, line); number++) {
        size_t at = line.find("//!");
        if (at == std::string::npos || line.rfind("//", 0) == 0) continue;
        Expectation e;
        e.line = number;
        std::istringstream words(line.substr(at + 3));
        if (line[at + 3] != ' ') words >> e.mode;
        words >> e.kernel;
        for (std::string kind; words >> kind;) e.kinds.push_back(kind);
        all.push_back(e);
    }
    return all;
}

// Runs one kernel on fresh buffers; y is written beforehand unless the bug is that it is not.
static int run(Module& module, const std::string& name, unsigned threads = 128) {
    std::vector<float> values(128);
    for (int i = 0; i < 128; i++) values[size_t(i)] = float(i + 1);
    Device<float> y(128);
    if (name != "unwritten_global") y.set(values);
    Device<float> x(values);
    const float* from = *x;
    if (name == "use_after_free") {
        Device<float> gone(values);
        from = *gone;
    }
    unsigned blocks = name.rfind("right", 0) == 0 || name == "race_two_blocks" ? 2 : 1, shared = name == "overrun_dynamic" ? 512 : 0;
    return module.launch(name, {blocks}, {threads}, shared, from, *y);
}

static bool mentions(const std::string& text, const std::string& kernel, const std::string& kind, int line) {
    std::istringstream lines(text);
    std::string one, at = "bugs.cu:" + std::to_string(line);
    while (std::getline(lines, one)) {
        size_t place = one.find(at);
        bool exact = place != std::string::npos && !isdigit(static_cast<unsigned char>(one[place + at.size()]));
        if (one.rfind(kind + ": kernel " + kernel + ",", 0) == 0 && (exact || !line)) return true;
    }
    return false;
}

void test_bugs() {
    std::string source = read_file(test_folder + "/bugs.cu");
    symbol<void(int)>("csunet_emulator_set_watchdog_ms")(300);
    for (std::string mode : {"plain", "hook"}) {
        set_mode(mode.c_str());
        clear_report();
        Module module("bugs.cu", source);
        for (const Expectation& e : expectations(source)) {
            if (!e.mode.empty() && e.mode != mode) continue;
            int status = run(module, e.kernel);
            bool found = false;
            for (const std::string& kind : e.kinds) found |= mentions(report(), e.kernel, kind, e.line);
            expect(found, mode + ": " + e.kernel + " (status " + std::to_string(status) + ") is not reported as " + e.kinds[0] + " at line "
                + std::to_string(e.line) + ", but:\n" + report());
            if (getenv("VERBOSE")) printf("%s", report().c_str());
            clear_report();
            if (status) reset_device();
        }
        run(module, "two_shuffles");
        expect(mentions(report(), "two_shuffles", "divergence", 0), "two_shuffles: " + report());
        clear_report();
        reset_device();
        expect_status(run(module, "stack_overflow"), 700, "stack_overflow");
        expect(mentions(report(), "stack_overflow", "stack_overflow", 0), "stack_overflow: " + report());
        clear_report();
        reset_device();
        // Rejected at once, and the context stays usable.
        expect_status(run(module, "beyond_launch_bounds"), 701, "beyond_launch_bounds with 128 threads");
        expect_status(run(module, "beyond_launch_bounds", 64), 0, "beyond_launch_bounds with 64 threads");
        expect_status(run(module, "too_much_static"), 701, "too_much_static");
        clear_report();
        if (mode == "plain") {
            expect_status(run(module, "underrun_global_write"), 700, "underrun_global_write");
            expect(mentions(report(), "underrun_global_write", "guard_zone", 0), "underrun_global_write: " + report());
            clear_report();
            reset_device();
        }
        for (auto& [name, expression] : exports(source)) {
            if (name.rfind("right", 0)) continue;
            expect_status(run(module, name), 0, mode + ": " + name);
            expect(report().empty(), mode + ": " + name + ": " + report());
            clear_report();
        }
    }
    set_mode("orders");
    {
        Module module("bugs.cu", source, {"order_dependent", "race_missing_barrier"});
        for (const char* name : {"order_dependent", "race_missing_barrier"}) {
            run(module, name);
            expect(mentions(report(), name, "order", 0), std::string(name) + " in mode orders: " + report());
            clear_report();
        }
    }
    set_mode("hook");
    {
        // A finding can be made to fail its launch.
        Module module("bugs.cu", source, {"race_missing_barrier"});
        symbol<void(int)>("csunet_emulator_set_strict")(1);
        expect_status(run(module, "race_missing_barrier"), 719, "a race in strict mode");
        symbol<void(int)>("csunet_emulator_set_strict")(0);
        const char* json = symbol<const char*()>("csunet_emulator_report_json")();
        expect(strstr(json, "\"kind\":\"race\",\"kernel\":\"race_missing_barrier\",\"block\":[0,0,0],\"thread\":["), std::string("JSON: ") + json);
        clear_report();
        reset_device();
    }
    {
        // Memory copied to the host must have been written.
        Device<float> fresh(16);
        fresh.get();
        expect(report().find("unwritten: kernel (copy to the host)") == 0, "copy of unwritten memory: " + report());
        clear_report();
    }
    set_mode("plain");
    symbol<void(int)>("csunet_emulator_set_watchdog_ms")(60000);
    // Philox against Philox.cs (and Random123's known answer for counter 0, key 0).
    Module module("bugs.cu", source, {"right_philox"});
    Device<float> x(std::vector<float>(128)), y(std::vector<float>(128));
    require(module.launch("right_philox", {1}, {128}, 0, *x, *y), "right_philox");
    auto got = y.get();
    const uint32_t known[4] = {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8};
    for (int i = 0; i < 4; i++) {
        uint32_t bits;
        memcpy(&bits, &got[size_t(i)], 4);
        expect(bits == known[i], "philox word " + std::to_string(i));
    }
}

// Removing any barrier or wait of a kernel file must be detected: by the hook, by wrong results, or by an error.
void test_mutations(bool all) {
    static const char* const words[] = {"__syncthreads();", "__syncwarp();", "cp_async_wait<0>();", "cp_async_wait<STAGES - 2>();"};
    set_mode("hook");
    std::map<std::string, std::vector<const KernelCase*>> files;
    // The barriers of gemm.cu and layer_norm.cu need the cases of tests/CudaKernels, whose mutations cover those files.
    for (const KernelCase& c : kernel_cases())
        if (c.file != "gemm.cu" && c.file != "layer_norm.cu") files[c.file].push_back(&c);
    int removed = 0;
    for (auto& [file, cases] : files) {
        std::string source = read_file(kernels_folder + "/" + file);
        for (const char* word : words)
            for (size_t at = source.find(word); at != std::string::npos; at = source.find(word, at + 1)) {
                std::string mutant = source.substr(0, at) + ";" + source.substr(at + strlen(word));
                int line = 1 + int(std::count(source.begin(), source.begin() + long(at), '\n'));
                size_t kernel = source.find(") ", source.rfind("__launch_bounds__(THREADS", at)) + 2;
                std::string name = source.substr(kernel, source.find('(', kernel) - kernel);
                bool noticed = false;
                int tried = 0;
                for (const KernelCase* c : cases) {
                    // A case that runs the mutated kernel; one suffices unless all are requested.
                    bool concerned = false;
                    for (const std::string& k : c->kernels) concerned |= exports(source)[k].rfind(name, 0) == 0;
                    if (!concerned || (tried && noticed && !all) || tried > 2) continue;
                    tried++;
                    Module module(file, mutant, c->kernels);
                    std::string complaint = c->run(module);
                    noticed |= !complaint.empty() || !report().empty();
                    if (getenv("VERBOSE"))
                        printf("%s:%d without %s, %s: %s%s", file.c_str(), line, word, c->name.c_str(), complaint.c_str(),
                            report().c_str());
                    clear_report();
                    if (CALL(cuCtxSynchronize)) reset_device();
                }
                removed++;
                expect(noticed, file + ":" + std::to_string(line) + ": removing " + word + " has no effect");
            }
    }
    // The unchanged kernels have no findings.
    std::map<std::string, std::unique_ptr<Module>> modules;
    for (const KernelCase& c : kernel_cases()) {
        auto& module = modules[c.file];
        if (!module) module = std::make_unique<Module>(c.file, read_file(kernels_folder + "/" + c.file));
        std::string complaint = c.run(*module);
        expect(complaint.empty() && report().empty(), c.name + " under the hook: " + complaint + report());
        clear_report();
    }
    set_mode("plain");
    printf("  %d barriers and waits removed\n", removed);
}
