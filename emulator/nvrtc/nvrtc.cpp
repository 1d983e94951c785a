// NVRTC's interface. Compiling checks the source with g++. The result, as "CUBIN" and as "PTX", is the source program, which
// cuModuleLoadData compiles for the current mode.
#include "kernel_build.h"
#include "../machine/settings.h"
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <mutex>

namespace csunet {

enum NvrtcStatus {
    Ok = 0, OutOfMemory = 1, CreationFailure = 2, InvalidInput = 3, InvalidProgram = 4, InvalidOption = 5, Compilation = 6,
    NoExpressionsAfter = 8, NoLoweredNamesBefore = 9, NameNotValid = 10, InternalError = 11
};

struct Program {
    KernelProgram source;
    std::string log, image;
    std::vector<std::string> lowered;
    bool compiled = false;
};
static std::mutex mutex;
static auto& programs = *new std::map<void*, std::shared_ptr<Program>>;         // never destroyed

static std::shared_ptr<Program> find(void* handle) {
    std::lock_guard guard(mutex);
    auto it = programs.find(handle);
    return it == programs.end() ? nullptr : it->second;
}

// NVRTC's documented options, in all spellings: passed to g++, ignored if they do not concern it, or unknown.
static bool translate(const std::vector<std::string>& options, std::vector<std::string>& kept, std::string& log) {
    static const char* const ignored[] = {"gpu-architecture", "arch", "std", "use_fast_math", "fmad", "ftz", "prec-div", "prec-sqrt",
        "maxrregcount", "ptxas-options", "Xptxas", "generate-line-info", "lineinfo", "device-debug", "G", "default-device", "restrict",
        "extra-device-vectorization", "relocatable-device-code", "rdc", "device-c", "dc", "device-w", "dw", "disable-warnings", "w",
        "diag-suppress", "display-error-number", "err-no", "minimal", "split-compile", "device-int128", "dopt", "builtin-initializer-list"};
    for (size_t i = 0; i < options.size(); i++) {
        std::string option = options[i], name = option.substr(0, option.find('=')), value;
        bool joined = option.find('=') != std::string::npos;
        if (joined) value = option.substr(option.find('=') + 1);
        auto argument = [&](size_t prefix) {
            if (option.size() > prefix) return option.substr(prefix);
            return ++i < options.size() ? options[i] : std::string();
        };
        if (name == "--define-macro" || name == "--undefine-macro" || name == "--include-path" || name == "--pre-include") {
            std::string text = joined ? value : argument(option.size());
            bool define = name == "--define-macro", undefine = name == "--undefine-macro", path = name == "--include-path";
            const char* flag = define ? "-D" : undefine ? "-U" : path ? "-I" : "-include";
            kept.push_back(flag);
            kept.push_back(text);
        } else if (option.rfind("-D", 0) == 0 || option.rfind("-U", 0) == 0 || option.rfind("-I", 0) == 0) {
            kept.push_back(option.substr(0, 2));
            kept.push_back(argument(2));
        } else {
            std::string bare = name.substr(0, 2) == "--" ? name.substr(2) : name.substr(0, 1) == "-" ? name.substr(1) : "";
            bool known = false;
            for (const char* one : ignored) known |= bare == one;
            if (!known) {
                log += "unrecognized option '" + option + "'\n";
                return false;
            }
            if (bare == "G" || bare == "device-debug") kept.push_back("-O0");
            // These also accept their value as the next word.
            bool valued = bare == "arch" || bare == "gpu-architecture" || bare == "Xptxas" || bare == "ptxas-options";
            if (valued && !joined && i + 1 < options.size() && options[i + 1][0] != '-') i++;
        }
    }
    return true;
}

}

using namespace csunet;
#define NVRTC_API extern "C" __attribute__((visibility("default")))

NVRTC_API const char* nvrtcGetErrorString(int status) {
    static const char* const names[] = {"NVRTC_SUCCESS", "NVRTC_ERROR_OUT_OF_MEMORY", "NVRTC_ERROR_PROGRAM_CREATION_FAILURE",
        "NVRTC_ERROR_INVALID_INPUT", "NVRTC_ERROR_INVALID_PROGRAM", "NVRTC_ERROR_INVALID_OPTION", "NVRTC_ERROR_COMPILATION",
        "NVRTC_ERROR_BUILTIN_OPERATION_FAILURE", "NVRTC_ERROR_NO_NAME_EXPRESSIONS_AFTER_COMPILATION",
        "NVRTC_ERROR_NO_LOWERED_NAMES_BEFORE_COMPILATION", "NVRTC_ERROR_NAME_EXPRESSION_NOT_VALID", "NVRTC_ERROR_INTERNAL_ERROR"};
    return status >= 0 && status < 12 ? names[status] : "NVRTC_ERROR unknown";
}
NVRTC_API int nvrtcVersion(int* major, int* minor) {
    if (!major || !minor) return InvalidInput;
    *major = 12;
    *minor = 4;
    return Ok;
}
static const int architectures[] = {80, 86, 87, 89, 90};
NVRTC_API int nvrtcGetNumSupportedArchs(int* count) {
    if (!count) return InvalidInput;
    *count = int(std::size(architectures));
    return Ok;
}
NVRTC_API int nvrtcGetSupportedArchs(int* all) {
    if (!all) return InvalidInput;
    memcpy(all, architectures, sizeof architectures);
    return Ok;
}

NVRTC_API int nvrtcCreateProgram(void** handle, const char* source, const char* name, int headers, const char* const* texts,
    const char* const* names) {
    if (!handle || !source || headers < 0 || (headers && (!texts || !names))) return InvalidInput;
    auto program = std::make_shared<Program>();
    program->source.source = source;
    program->source.name = name ? name : "default_program";
    for (int i = 0; i < headers; i++) program->source.headers.emplace_back(names[i], texts[i]);
    std::lock_guard guard(mutex);
    static uintptr_t next = 0x7000000000000;            // handles are never reused
    *handle = reinterpret_cast<void*>(next += 16);
    programs[*handle] = program;
    return Ok;
}
NVRTC_API int nvrtcDestroyProgram(void** handle) {
    if (!handle) return InvalidProgram;
    std::lock_guard guard(mutex);
    if (!programs.erase(*handle)) return InvalidProgram;
    *handle = nullptr;
    return Ok;
}
NVRTC_API int nvrtcAddNameExpression(void* handle, const char* expression) {
    auto program = find(handle);
    if (!program) return InvalidProgram;
    if (!expression || !*expression) return InvalidInput;
    if (program->compiled) return NoExpressionsAfter;
    program->source.expressions.push_back(expression);
    return Ok;
}
NVRTC_API int nvrtcCompileProgram(void* handle, int count, const char* const* options) {
    auto program = find(handle);
    if (!program) return InvalidProgram;
    if (count < 0 || (count && !options)) return InvalidInput;
    program->log.clear();
    program->source.options.clear();
    std::vector<std::string> all(options, options + count);
    if (!translate(all, program->source.options, program->log)) return InvalidOption;
    BuildResult built = build_program(program->source, settings().mode == Mode::Hook);
    program->log += built.log;
    program->compiled = true;
    if (built.library.empty()) return Compilation;
    program->image = write_image(program->source);
    program->lowered.clear();
    for (size_t i = 0; i < program->source.expressions.size(); i++) program->lowered.push_back(lowered_name(program->source, i));
    return Ok;
}
NVRTC_API int nvrtcGetLoweredName(void* handle, const char* expression, const char** lowered) {
    auto program = find(handle);
    if (!program) return InvalidProgram;
    if (!expression || !lowered) return InvalidInput;
    if (program->lowered.empty()) return NoLoweredNamesBefore;
    for (size_t i = 0; i < program->lowered.size(); i++)
        if (program->source.expressions[i] == expression) {
            *lowered = program->lowered[i].c_str();
            return Ok;
        }
    return NameNotValid;
}

static int text_size(void* handle, size_t* size, std::string Program::*text, bool terminated) {
    auto program = find(handle);
    if (!program) return InvalidProgram;
    if (!size) return InvalidInput;
    *size = ((*program).*text).size() + terminated;
    return Ok;
}
static int text_copy(void* handle, char* to, std::string Program::*text, bool terminated) {
    auto program = find(handle);
    if (!program) return InvalidProgram;
    if (!to) return InvalidInput;
    const std::string& from = (*program).*text;
    memcpy(to, from.c_str(), from.size() + terminated);
    return Ok;
}
NVRTC_API int nvrtcGetProgramLogSize(void* handle, size_t* size) { return text_size(handle, size, &Program::log, true); }
NVRTC_API int nvrtcGetProgramLog(void* handle, char* log) { return text_copy(handle, log, &Program::log, true); }
NVRTC_API int nvrtcGetCUBINSize(void* handle, size_t* size) { return text_size(handle, size, &Program::image, false); }
NVRTC_API int nvrtcGetCUBIN(void* handle, char* image) { return text_copy(handle, image, &Program::image, false); }
NVRTC_API int nvrtcGetPTXSize(void* handle, size_t* size) { return text_size(handle, size, &Program::image, true); }
NVRTC_API int nvrtcGetPTX(void* handle, char* image) { return text_copy(handle, image, &Program::image, true); }
