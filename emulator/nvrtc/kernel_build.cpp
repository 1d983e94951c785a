// Runs g++ and caches its output.
#include "kernel_build.h"
#include "kernel_cache.h"
#include "../machine/sanitizer.h"
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <dlfcn.h>
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

static std::string base(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// The file of this library, which kernels are linked with.
static const std::string& own_file() {
    static const std::string file = [] {
        Dl_info info{};
        dladdr(reinterpret_cast<void*>(&write_image), &info);
        std::string path = info.dli_fname ? info.dli_fname : "./x";
        char* full = realpath(path.c_str(), nullptr);
        if (full) path = full;
        free(full);
        return path;
    }();
    return file;
}
// The headers of device/, as `emulator/build` has found them.
static const struct { const char *name, *text; } DeviceHeaders[] = {
#include "device_headers.inc"
};

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
    for (auto& [name, text] : DeviceHeaders) device += text;
    uint64_t key[2] = {0xCBF29CE484222325ull, 0x84222325CBF29CE4ull};
    auto mix = [&](const std::string& text) {
        for (uint64_t& k : key) k = hash(text, k + text.size());
    };
    for (const std::string& text : {std::string("checksum"), identity, device, program.name, source}) mix(text);
    for (const std::string& text : command) mix(text);
    for (auto& [name, text] : program.headers) mix(name), mix(text);
    char digits[40];
    snprintf(digits, sizeof digits, "%016llx%016llx", static_cast<unsigned long long>(key[0]), static_cast<unsigned long long>(key[1]));
    std::string problem, parent = cache_folder(problem);
    if (parent.empty()) {
        result.log = problem + "\n";
        return result;
    }
    std::string folder = parent + "/" + digits, library = folder + "/csunet_kernels.so";
    if (check_library(library, result.log)) {
        result.library = library;
        return result;
    }
    remove_leftovers(parent);
    // Build in a folder of this process and move the result into place atomically: a second process finds the first one's result.
    WorkFolder work(parent, digits);
    std::string file = program.name.empty() ? "default_program" : base(program.name);
    bool written = !work.path.empty() && write_file(work.path + "/" + file, source) && mkdir((work.path + "/device").c_str(), 0700) == 0;
    for (auto& [name, text] : program.headers) written = written && write_file(work.path + "/" + base(name), text);
    for (auto& [name, text] : DeviceHeaders) written = written && write_file(work.path + "/device/" + name, text);
    if (!written) {
        result.log = "compiled kernels cannot be written to " + parent + " (" + strerror(errno) + "; check the free space)\n";
        return result;
    }
    std::vector<std::string> line = {compiler()};
    line.insert(line.end(), command.begin(), command.end());
    std::string map = "-fdebug-prefix-map=" + work.path + "=" + folder;
    for (const char* word : {map.c_str(), "-I.", "-Idevice", "-include", "emulated_device.h", "-x", "c++", "-c", file.c_str(), "-o",
             "kernels.o"})
        line.push_back(word);
    int code = run(line, work.path, result.log);
    if (code == 0) {
        line = {compiler(), "-shared", "-Wl,-Bsymbolic", "-Wl,-z,now", "kernels.o", own_file(), "-o", "csunet_kernels.so"};
        for (const std::string& flag : sanitizers()) line.push_back(flag);
        code = run(line, work.path, result.log);
    }
    if (code != 0) return result;
    unlink((work.path + "/kernels.o").c_str());
    if (seal_library(work.path + "/csunet_kernels.so", result.log) && install_library(work, folder, library)) result.library = library;
    else result.log += "compiled kernels cannot be written to " + folder + " (" + strerror(errno) + "; check the free space)\n";
    return result;
}

std::string copy_library(const std::string& library) {
    static std::mutex mutex;
    std::lock_guard guard(mutex);
    // Removed at the end of the process: addr2line reads the copies until then.
    static WorkFolder* copies = [&] {
        auto* folder = new WorkFolder(library.substr(0, library.rfind('/', library.rfind('/') - 1)), "copies");
        atexit([] { delete copies; });
        return folder;
    }();
    static unsigned count = 0;
    std::string copy = copies->path + "/" + std::to_string(count++) + ".so", bytes;
    if (copies->path.empty() || !read_file(library, bytes) || !write_file(copy, bytes)) return "";
    return copy;
}

}
