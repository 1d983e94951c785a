// Compiles kernel files with a real libnvrtc for the architectures asked for, and prints registers, shared memory and spills of every
// EXPORT_KERNEL instantiation as CSV. Needs no GPU. Exit status: 0 good, 1 errors or spills, 3 no libnvrtc.
//   nvrtc_check FOLDER_WITH_COMMON_CUH file.cu...   (CSUNET_NVRTC names the library, CSUNET_ARCHITECTURES the list, "80 86 89 90")
#include <cctype>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
#include <map>
#include <sstream>
#include <string>
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

int main(int count, char** words) {
    if (count < 3) return fprintf(stderr, "usage: nvrtc_check FOLDER file.cu...\n"), 2;
    const char* set = getenv("CSUNET_NVRTC");
    for (const char* name : {set ? set : "libnvrtc.so", "libnvrtc.so.13", "libnvrtc.so.12", "libnvrtc.so.11.2"})
        if (!library) library = dlopen(name, RTLD_NOW);
    if (!library) return printf("skipped: no libnvrtc here (Debian: package libnvrtc11.2 of the component non-free)\n"), 3;
    auto create = symbol<int(void**, const char*, const char*, int, const char* const*, const char* const*)>("nvrtcCreateProgram");
    auto destroy = symbol<int(void**)>("nvrtcDestroyProgram");
    auto add = symbol<int(void*, const char*)>("nvrtcAddNameExpression");
    auto compile = symbol<int(void*, int, const char* const*)>("nvrtcCompileProgram");
    auto lowered = symbol<int(void*, const char*, const char**)>("nvrtcGetLoweredName");
    auto log_size = symbol<int(void*, size_t*)>("nvrtcGetProgramLogSize");
    auto get_log = symbol<int(void*, char*)>("nvrtcGetProgramLog");
    int major = 0, minor = 0, failures = 0;
    symbol<int(int*, int*)>("nvrtcVersion")(&major, &minor);
    printf("kernel,architecture,registers,shared,spills,nvrtc\n");
    const char* list = getenv("CSUNET_ARCHITECTURES");
    std::string common = read_file(std::string(words[1]) + "/common.cuh");
    for (int i = 2; i < count; i++) {
        std::string source = read_file(words[i]);
        std::istringstream architectures(list ? list : "80 86 89 90");
        std::string architecture;
        while (architectures >> architecture) {
            const char *headers[] = {common.c_str()}, *names[] = {"common.cuh"};
            void* program = nullptr;
            create(&program, source.c_str(), words[i], 1, headers, names);
            auto kernels = exports(source);
            for (auto& [name, expression] : kernels) add(program, expression.c_str());
            std::string target = "--gpu-architecture=sm_" + architecture;
            const char* options[] = {target.c_str(), "--std=c++17", "--ptxas-options=-v"};
            int status = compile(program, 3, options);
            size_t size = 0;
            log_size(program, &size);
            std::string log(size, 0);
            get_log(program, log.data());
            if (status) {
                printf("%s for sm_%s does not compile:\n%s\n", words[i], architecture.c_str(), log.c_str());
                failures++;
            } else {
                auto usage = parse(log);
                for (auto& [name, expression] : kernels) {
                    const char* symbol_name = "";
                    lowered(program, expression.c_str(), &symbol_name);
                    Usage u = usage[symbol_name];
                    printf("%s,sm_%s,%d,%d,%d,%d.%d\n", name.c_str(), architecture.c_str(), u.registers, u.shared, u.spills, major, minor);
                    failures += u.spills != 0;
                }
                if (log.find("warning") != std::string::npos) printf("%s\n", log.c_str());
            }
            destroy(&program);
        }
    }
    return failures ? 1 : 0;
}
