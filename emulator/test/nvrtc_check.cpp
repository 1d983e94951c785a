// Compiles kernel files with a real libnvrtc for sm_80, 86, 89 and 90, prints registers, shared memory and spills of every EXPORT_KERNEL
// instantiation, and compares them with the committed table of the same NVRTC version; for another version it compares nothing and
// says so. Needs no GPU. Exit status: 0 good, 1 errors, spills or differences, 3 no libnvrtc.
//   nvrtc_check TABLE_FOLDER [update] FOLDER_WITH_COMMON_CUH file.cu...      (CSUNET_NVRTC names the library)
// A file outside of FOLDER_WITH_COMMON_CUH only has to compile without spills.
#include <algorithm>
#include <atomic>
#include <cctype>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <sstream>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>
#include <vector>

static void* library;
template <typename F> static F* symbol(const char* name) { return reinterpret_cast<F*>(dlsym(library, name)); }

static std::string read_file(const std::string& path) {
    std::string text;
    if (FILE* file = fopen(path.c_str(), "rb")) {
        char buffer[65536];
        while (size_t n = fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
        fclose(file);
    }
    return text;
}

// name -> expression of every EXPORT_KERNEL(name, (expression)) line
static std::vector<std::pair<std::string, std::string>> exports(const std::string& source) {
    std::vector<std::pair<std::string, std::string>> all;
    const std::string word = "\nEXPORT_KERNEL(";
    for (size_t at = source.find(word); at != std::string::npos; at = source.find(word, at + 1)) {
        size_t comma = source.find(',', at), open = source.find('(', comma), end = source.find("));", open);
        all.emplace_back(source.substr(at + word.size(), comma - at - word.size()), source.substr(open + 1, end - open - 1));
    }
    return all;
}

struct Usage { int registers = -1, shared = 0, spills = 0; };

// ptxas -v: "Compiling entry function 'X' for 'sm_80'", "... N bytes spill stores, N bytes spill loads", "Used N registers, N bytes smem"
static std::map<std::string, Usage> parse(const std::string& log) {
    std::map<std::string, Usage> all;
    std::istringstream lines(log);
    std::string line, entry;
    auto number_before = [&](const char* word) {
        size_t at = line.find(word);
        if (at == std::string::npos) return 0;
        size_t start = at;
        while (start > 0 && isdigit(static_cast<unsigned char>(line[start - 1]))) start--;
        return atoi(line.c_str() + start);
    };
    while (std::getline(lines, line)) {
        size_t at = line.find("Compiling entry function '");
        if (at != std::string::npos) entry = line.substr(at + 26, line.find('\'', at + 26) - at - 26);
        if (line.find("spill stores") != std::string::npos)
            all[entry].spills = number_before(" bytes spill stores") + number_before(" bytes spill loads");
        if (line.find("Used ") != std::string::npos && line.find("registers") != std::string::npos) {
            all[entry].registers = number_before(" registers");
            all[entry].shared = number_before(" bytes smem");
        }
    }
    return all;
}

static const char* const Architectures[] = {"80", "86", "89", "90"};
static const char Heading[] = "kernel,architecture,registers,shared,spills,nvrtc\n";

// The result of one file. NVRTC compiles one program at a time per process, so the files are distributed over processes.
struct Result {
    FILE *text = tmpfile(), *csv = tmpfile();           // for people; rows of the table
    int failures = 0;
};

static void say(Result& result, const char* format, ...) __attribute__((format(printf, 2, 3)));
static void say(Result& result, const char* format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(result.text, format, arguments);
    va_end(arguments);
}
static std::string contents(FILE* file) {
    std::string text;
    rewind(file);
    char buffer[65536];
    while (size_t n = fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    return text;
}

// One file for all architectures: a line per kernel, and its rows of the table if it is one of the kernels that ship.
static void check_file(const std::string& path, const std::string& common, const std::string& version, bool ships, Result& result) {
    auto create = symbol<int(void**, const char*, const char*, int, const char* const*, const char* const*)>("nvrtcCreateProgram");
    auto destroy = symbol<int(void**)>("nvrtcDestroyProgram");
    auto add = symbol<int(void*, const char*)>("nvrtcAddNameExpression");
    auto compile = symbol<int(void*, int, const char* const*)>("nvrtcCompileProgram");
    auto lowered = symbol<int(void*, const char*, const char**)>("nvrtcGetLoweredName");
    auto log_size = symbol<int(void*, size_t*)>("nvrtcGetProgramLogSize");
    auto get_log = symbol<int(void*, char*)>("nvrtcGetProgramLog");
    std::string source = read_file(path);
    auto kernels = exports(source);
    if (kernels.empty()) say(result, "%s exports no kernel\n", path.c_str()), result.failures++;
    std::vector<std::vector<Usage>> usage(kernels.size());
    for (const char* architecture : Architectures) {
        const char *headers[] = {common.c_str()}, *names[] = {"common.cuh"};
        void* program = nullptr;
        create(&program, source.c_str(), path.c_str(), 1, headers, names);
        for (auto& [name, expression] : kernels) add(program, expression.c_str());
        std::string target = std::string("--gpu-architecture=sm_") + architecture;
        const char* options[] = {target.c_str(), "--std=c++17", "--ptxas-options=-v"};
        int status = compile(program, 3, options);
        size_t size = 0;
        log_size(program, &size);
        std::string log(size, 0);
        get_log(program, log.data());
        if (status) {
            say(result, "%s for sm_%s does not compile:\n%s\n", path.c_str(), architecture, log.c_str());
            result.failures++;
            destroy(&program);
            return;
        }
        if (log.find("warning") != std::string::npos) say(result, "%s\n", log.c_str());
        auto parsed = parse(log);
        for (size_t i = 0; i < kernels.size(); i++) {
            const char* symbol_name = "";
            lowered(program, kernels[i].second.c_str(), &symbol_name);
            Usage u = parsed[symbol_name];
            usage[i].push_back(u);
            // Without ptxas output there is nothing to check.
            if (u.registers < 0) say(result, "%s, sm_%s: NVRTC does not report its resources\n", kernels[i].first.c_str(), architecture), result.failures++;
            if (ships)
                fprintf(result.csv, "%s,sm_%s,%d,%d,%d,%s\n", kernels[i].first.c_str(), architecture, u.registers, u.shared, u.spills,
                    version.c_str());
        }
        destroy(&program);
    }
    for (size_t i = 0; i < kernels.size(); i++) {
        say(result, "%-48s", kernels[i].first.c_str());
        for (const Usage& u : usage[i]) say(result, " %6d", u.registers);
        say(result, " %7d", usage[i][0].shared);
        for (size_t a = 0; a < usage[i].size(); a++)
            if (usage[i][a].spills) {
                say(result, "  SPILLS %d bytes on sm_%s", usage[i][a].spills, Architectures[a]);
                result.failures++;
            }
        say(result, "\n");
    }
}

// Rows of one table that the other lacks.
static std::vector<std::string> missing(const std::string& rows, const std::string& in) {
    std::vector<std::string> all;
    std::istringstream lines(rows);
    std::string line;
    while (std::getline(lines, line))
        if (("\n" + in).find("\n" + line + "\n") == std::string::npos) all.push_back(line);
    return all;
}

static int compare(const std::string& table, const std::string& path, const std::string& version) {
    std::string committed = read_file(path);
    if (committed.empty()) {
        printf("note: there is no %s: NVRTC %s may count differently than that of the committed table, so nothing is compared; spills count\n",
            path.c_str(), version.c_str());
        return 0;
    }
    auto added = missing(table, committed), gone = missing(committed, table);
    if (added.empty() && gone.empty()) return 0;
    printf("%s differs (kernel,architecture,registers,shared,spills,nvrtc):\n", path.c_str());
    for (auto& row : gone) printf("  - %s\n", row.c_str());
    for (auto& row : added) printf("  + %s\n", row.c_str());
    printf("If that is meant: emulator/test/run nvrtc update\n");
    return 1;
}

int main(int count, char** words) {
    bool update = count > 2 && !strcmp(words[2], "update");
    int first = update ? 3 : 2;
    if (count < first + 2) return fprintf(stderr, "usage: nvrtc_check TABLE_FOLDER [update] FOLDER file.cu...\n"), 2;
    const char* set = getenv("CSUNET_NVRTC");
    for (const char* name : {set ? set : "libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"})
        if (!library) library = dlopen(name, RTLD_NOW);
    if (!library) return printf("skipped: no libnvrtc here (Debian: package libnvrtc11.2 of the component non-free)\n"), 3;
    int major = 0, minor = 0;
    symbol<int(int*, int*)>("nvrtcVersion")(&major, &minor);
    std::string version = std::to_string(major) + "." + std::to_string(minor), folder = words[first], common = read_file(folder + "/common.cuh");
    printf("registers by NVRTC %-31s", version.c_str());
    for (const char* architecture : Architectures) printf("  sm_%s", architecture);
    printf("  shared\n");
    fflush(stdout);
    std::vector<Result> results(size_t(count - first - 1));
    auto* next = static_cast<std::atomic<size_t>*>(mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    std::vector<pid_t> workers;
    for (unsigned i = 0; i < std::max(1u, std::thread::hardware_concurrency()); i++) {
        pid_t worker = fork();
        if (worker) {
            workers.push_back(worker);
            continue;
        }
        for (size_t file; (file = next->fetch_add(1)) < results.size();) {
            std::string path = words[size_t(first) + 1 + file];
            Result& result = results[file];
            check_file(path, common, version, path.rfind(folder + "/", 0) == 0, result);
            // The parent counts failures by this line, which must be unmistakable.
            if (result.failures) say(result, "FAILED: %s\n", path.c_str());
            fflush(result.text);
            fflush(result.csv);
        }
        _exit(0);
    }
    int failures = 0;
    for (pid_t worker : workers) {
        int state = 0;
        waitpid(worker, &state, 0);
        if (!WIFEXITED(state) || WEXITSTATUS(state)) printf("NVRTC crashed\n"), failures++;
    }
    std::string table = Heading;
    for (Result& result : results) {
        std::string text = contents(result.text);
        printf("%s", text.c_str());
        failures += text.empty() || text.find("FAILED: ") != std::string::npos;
        table += contents(result.csv);
    }
    std::string path = std::string(words[1]) + "/kernel-registers-nvrtc-" + version + ".csv";
    if (!update) return failures + compare(table, path, version) ? 1 : 0;
    FILE* file = fopen(path.c_str(), "wb");
    if (!file || fwrite(table.data(), 1, table.size(), file) != table.size() || fclose(file)) return printf("cannot write %s\n", path.c_str()), 1;
    printf("written: %s\n", path.c_str());
    return failures ? 1 : 0;
}
