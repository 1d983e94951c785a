// Runs g++ and caches its output.
#include "kernel_build.h"
#include "../machine/sanitizer.h"
#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dirent.h>
#include <dlfcn.h>
#include <filesystem>
#include <mutex>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

extern char** environ;

namespace csunet {

static const char Magic[] = "CSUNET-EMULATOR-PROGRAM-1\n";

// ---- the image: lengths and texts
static void append(std::string& out, const std::string& text) { out += std::to_string(text.size()) + ":" + text; }

std::string write_image(const KernelProgram& program) {
    std::string body;
    auto list = [&](const std::vector<std::string>& texts) {
        append(body, std::to_string(texts.size()));
        for (const std::string& text : texts) append(body, text);
    };
    append(body, program.name);
    append(body, program.source);
    list(program.options);
    list(program.expressions);
    append(body, std::to_string(program.headers.size()));
    for (auto& [name, text] : program.headers) {
        append(body, name);
        append(body, text);
    }
    return Magic + std::to_string(body.size()) + "\n" + body;
}

bool parse_image(const void* image, KernelProgram& program) {
    auto* p = static_cast<const char*>(image);
    if (strncmp(p, Magic, strlen(Magic))) return false;
    p += strlen(Magic);
    char* start;
    size_t total = strtoull(p, &start, 10);
    if (*start != '\n') return false;
    const char *at = start + 1, *end = at + total;
    bool good = true;
    auto read = [&] {
        char* colon;
        size_t length = good && at < end ? strtoull(at, &colon, 10) : 0;
        if (!good || at >= end || *colon != ':' || length > size_t(end - colon - 1)) {
            good = false;
            return std::string();
        }
        at = colon + 1 + length;
        return std::string(colon + 1, length);
    };
    program.name = read();
    program.source = read();
    for (auto* list : {&program.options, &program.expressions})
        for (long n = atol(read().c_str()); good && n > 0; n--) list->push_back(read());
    for (long n = atol(read().c_str()); good && n > 0; n--) {
        std::string name = read();
        program.headers.emplace_back(name, read());
    }
    return good;
}

// ---- files
static bool read_file(const std::string& path, std::string& text) {
    FILE* file = fopen(path.c_str(), "rb");
    if (!file) return false;
    char buffer[65536];
    text.clear();
    while (size_t n = fread(buffer, 1, sizeof buffer, file)) text.append(buffer, n);
    fclose(file);
    return true;
}
static bool write_file(const std::string& path, const std::string& text) {
    FILE* file = fopen(path.c_str(), "wb");
    if (!file) return false;
    bool good = fwrite(text.data(), 1, text.size(), file) == text.size();
    return fclose(file) == 0 && good;
}
static void make_folders(const std::string& path) {
    for (size_t at = 1; at != std::string::npos; at = path.find('/', at + 1)) mkdir(path.substr(0, path.find('/', at)).c_str(), 0777);
    mkdir(path.c_str(), 0777);
}
static void remove_folder(const std::string& path) {
    if (DIR* folder = opendir(path.c_str())) {
        while (dirent* entry = readdir(folder))
            if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) unlink((path + "/" + entry->d_name).c_str());
        closedir(folder);
    }
    rmdir(path.c_str());
}
static std::string base(const std::string& path) { return path.substr(path.rfind('/') + 1); }

static std::string cache_folder() {
    if (const char* set = getenv("CSUNET_EMULATOR_CACHE")) return set;
    if (const char* set = getenv("XDG_CACHE_HOME")) return std::string(set) + "/csunet/emulator";
    if (const char* home = getenv("HOME")) return std::string(home) + "/.cache/csunet/emulator";
    return std::filesystem::temp_directory_path() / ("csunet-emulator-" + std::to_string(getuid()));
}

// The folder of this library; the headers of device/ are beside it.
static const std::string& own_folder() {
    static const std::string folder = [] {
        Dl_info info{};
        dladdr(reinterpret_cast<void*>(&write_image), &info);
        std::string path = info.dli_fname ? info.dli_fname : "./x";
        char* full = realpath(path.c_str(), nullptr);
        if (full) path = full;
        free(full);
        return path.substr(0, path.rfind('/'));
    }();
    return folder;
}
static const char* const DeviceHeaders[] = {"emulated_device.h", "language.h", "machine.h", "warp.h", "atomics.h", "memory.h", "matrix.h",
    "registration.h"};

// ---- g++
static std::string compiler() {
    const char* set = getenv("CSUNET_EMULATOR_CXX");
    return set && *set ? set : "g++";
}

// Runs a program in `folder` and collects its output; -1 if it cannot be started.
static int run(const std::vector<std::string>& command, const std::string& folder, std::string& output) {
    int ends[2];
    if (pipe(ends)) return -1;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    if (!folder.empty()) posix_spawn_file_actions_addchdir_np(&actions, folder.c_str());
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_adddup2(&actions, ends[1], 2);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    std::vector<char*> arguments;
    for (const std::string& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    pid_t child;
    int failed = posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (failed) {
        close(ends[0]);
        return -1;
    }
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR);)
        if (n > 0) output.append(buffer, size_t(n));
    close(ends[0]);
    int state = 0;
    while (waitpid(child, &state, 0) < 0 && errno == EINTR) {}
    return WIFEXITED(state) ? WEXITSTATUS(state) : 1;
}

// Identifies the compiler; empty if there is none. Queried once per process and compiler.
static std::string compiler_identity() {
    static std::mutex mutex;
    static std::string name, identity;
    std::lock_guard guard(mutex);
    if (name == compiler() && !identity.empty()) return identity;
    name = compiler();
    identity.clear();
    if (run({name, "--version"}, "", identity) != 0) identity.clear();
    return identity;
}

static uint64_t hash(const std::string& text, uint64_t seed) {
    uint64_t h = seed;
    for (unsigned char c : text) h = (h ^ c) * 0x100000001B3ull;
    return h ^ h >> 29;
}

// A sanitized library must run sanitized kernels: otherwise bad accesses pass unnoticed.
static std::vector<std::string> sanitizers() {
    if (!Sanitized) return {};
    return {"-fsanitize=address,undefined", "-fno-sanitize-recover=all"};
}

// -fno-strict-aliasing and -fwrapv: kernels reinterpret memory and let indices wrap, and a GPU's compiler allows both.
// No contraction, so that results are equal on every CPU. -O1 would suffice, but unrolled accesses at -O2 are closer to a GPU's.
static std::vector<std::string> flags(bool hooked) {
    std::vector<std::string> all = {"-std=c++20", "-O2", "-g", "-fPIC", "-fno-strict-aliasing", "-fwrapv", "-ffp-contract=off",
        "-fno-math-errno", "-fno-trapping-math", "-fno-plt", "-Wall", "-Wno-unknown-pragmas", "-Wno-unused-function",
        "-Wno-unused-but-set-variable", "-Wno-maybe-uninitialized"};
#if defined(__x86_64__)
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) all.push_back("-march=x86-64-v3");
#endif
    if (getenv("CSUNET_EMULATOR_DEBUG")) all.push_back("-O0");
    if (hooked)
        for (const char* flag : {"-fsanitize=thread", "--param=tsan-instrument-func-entry-exit=0", "--param=tsan-distinguish-volatile=1",
                 "-fno-tree-vectorize", "-fno-store-merging", "-DCSUNET_HOOK"})
            all.push_back(flag);
    if (Sanitized)
        for (const char* flag : {"-O1", "-fno-omit-frame-pointer"}) all.push_back(flag);
    for (const std::string& flag : sanitizers()) all.push_back(flag);
    return all;
}

static std::string registrations(const KernelProgram& program) {
    std::string text = "\n#line 1 \"exports\"\n";
    int index = 0;
    auto add = [&](const std::string& lowered, const std::string& name, const std::string& expression) {
        std::string target = expression[0] == '&' ? expression.substr(1) : expression;
        text += "CSUNET_REGISTER(" + std::to_string(index++) + ", \"" + lowered + "\", \"" + name + "\", " + target + ");\n";
    };
    for (size_t i = 0; i < program.expressions.size(); i++)
        add(lowered_name(program, i), report_name(program.source, program.expressions[i]), program.expressions[i]);
    for (const std::string& name : extern_c_kernels(program.source)) add(name, name, name);
    return text;
}

static bool exists(const std::string& path) { return access(path.c_str(), R_OK) == 0; }

BuildResult build_program(const KernelProgram& program, bool hooked) {
    BuildResult result;
    std::string identity = compiler_identity();
    if (identity.empty()) {
        result.compiler_found = false;
        result.log = "the emulator compiles kernels with '" + compiler() + "', which cannot be run: install the package g++\n";
        return result;
    }
    if (hooked && Sanitized) {
        result.log = "this build of the emulator has AddressSanitizer in place of the access checker: choose the mode plain or orders\n";
        return result;
    }
    std::string source = plant_entries(program.source, result.entries_planted) + registrations(program);
    std::vector<std::string> command = flags(hooked);
    command.insert(command.end(), program.options.begin(), program.options.end());
    std::string device;
    for (const char* name : DeviceHeaders) {
        std::string text;
        if (!read_file(own_folder() + "/device/" + name, text)) {
            result.log = "the emulator's header " + own_folder() + "/device/" + name + " is missing\n";
            return result;
        }
        device += text;
    }
    uint64_t key[2] = {0xCBF29CE484222325ull, 0x84222325CBF29CE4ull};
    auto mix = [&](const std::string& text) {
        for (uint64_t& k : key) k = hash(text, k + text.size());
    };
    for (const std::string& text : {identity, device, program.name, source}) mix(text);
    for (const std::string& text : command) mix(text);
    for (auto& [name, text] : program.headers) mix(name), mix(text);
    char digits[40];
    snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(key[0]), static_cast<unsigned long long>(key[1]));
    std::string folder = cache_folder() + "/" + digits, library = folder + "/csunet_kernels.so";
    if (exists(library)) {
        read_file(folder + "/log", result.log);
        result.library = library;
        return result;
    }
    // Build in a folder of this process and move the result into place atomically: a second process finds the first one's result.
    static std::atomic<unsigned> count{0};
    std::string work = folder + "." + std::to_string(getpid()) + "." + std::to_string(count++);
    make_folders(work);
    std::string file = program.name.empty() ? "default_program" : base(program.name);
    bool written = write_file(work + "/" + file, source);
    for (auto& [name, text] : program.headers) written &= write_file(work + "/" + base(name), text);
    if (!written) {
        result.log = "cannot write to " + work + " (set CSUNET_EMULATOR_CACHE)\n";
        return result;
    }
    std::vector<std::string> line = {compiler()};
    line.insert(line.end(), command.begin(), command.end());
    std::string map = "-fdebug-prefix-map=" + work + "=" + folder, include = "-I" + own_folder() + "/device";
    for (const char* word : {map.c_str(), "-I.", include.c_str(), "-include", "emulated_device.h", "-x", "c++", "-c", file.c_str(), "-o",
             "kernels.o"})
        line.push_back(word);
    int code = run(line, work, result.log);
    if (code == 0) {
        line = {compiler(), "-shared", "-Wl,-Bsymbolic", "-Wl,-z,now", "kernels.o", own_folder() + "/libcsunet_emulator.so", "-o",
            "csunet_kernels.so"};
        for (const std::string& flag : sanitizers()) line.push_back(flag);
        code = run(line, work, result.log);
    }
    if (code != 0) {
        remove_folder(work);
        return result;
    }
    unlink((work + "/kernels.o").c_str());
    write_file(work + "/log", result.log);
    if (rename(work.c_str(), folder.c_str())) remove_folder(work);
    if (exists(library)) result.library = library;
    else result.log += "cannot write to " + folder + " (set CSUNET_EMULATOR_CACHE)\n";
    return result;
}

std::string copy_library(const std::string& library) {
    static std::atomic<unsigned> count{0};
    std::string copy = library + "." + std::to_string(getpid()) + "." + std::to_string(count++), bytes;
    // Files to remove at the end of the process: addr2line reads them until then.
    static std::vector<std::string>* copies = [] {
        atexit([] { for (const std::string& path : *copies) unlink(path.c_str()); });
        return new std::vector<std::string>;
    }();
    if (read_file(library, bytes) && write_file(copy, bytes)) copies->push_back(copy);
    return copy;
}

}
