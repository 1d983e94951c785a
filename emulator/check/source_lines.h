// Converts a code address in a kernel module to "file.cu:line".
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace csunet {

void add_kernel_image(uintptr_t start, uintptr_t end);  // of a module that has been loaded
bool is_kernel_code(uintptr_t pc);                      // for signal handlers too
// `return_address`: the address after the call of interest. Inlined frames in the emulator's headers and in common.cuh are skipped,
// so that the line belongs to the kernel itself. "?" if it is unknown.
std::string line_of(uintptr_t return_address);
void resolve_lines(const std::vector<uintptr_t>& return_addresses);     // all at once: one run of addr2line per module

}
