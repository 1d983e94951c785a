// Builds a shared library that the machine can run from a CUDA source: rewriting, g++, and a disk cache that processes may share.
#pragma once
#include <string>
#include <utility>
#include <vector>

namespace csunet {

// The program given by nvrtcCreateProgram, nvrtcAddNameExpression and the options. This, not machine code, is the image that a module is
// loaded from, so that one image serves every mode of the emulator.
struct KernelProgram {
    std::string name, source;
    std::vector<std::pair<std::string, std::string>> headers;       // name, text
    std::vector<std::string> options;                               // for g++
    std::vector<std::string> expressions;
};

struct BuildResult {
    std::string library;                                            // empty if it failed; see the log
    std::string log;
    bool compiler_found = true;
    bool entries_planted = false;                                   // every kernel starts with its CSUNET_ENTER
};

BuildResult build_program(const KernelProgram& program, bool hooked);
std::string copy_library(const std::string& library);               // in the same cache, removed when the process ends; empty if it fails

std::string write_image(const KernelProgram& program);
bool parse_image(const void* image, KernelProgram& program);

// rewrite.cpp
// Inserts CSUNET_ENTER(bounds) before the first statement of every kernel, on the same line, and reports whether all have one.
std::string plant_entries(const std::string& source, bool& all);
// `extern "C" __global__` kernels, which a module finds by name without a name expression.
std::vector<std::string> extern_c_kernels(const std::string& source);
// The name by which cuModuleGetFunction finds an instantiation: an identifier, like NVRTC's mangled names.
std::string lowered_name(const KernelProgram& program, size_t expression);
// The name that an EXPORT_KERNEL(name, (expression)) line gives, or a readable form of the expression.
std::string report_name(const std::string& source, const std::string& expression);

}
