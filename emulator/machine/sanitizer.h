// Annotations for AddressSanitizer, because the machine manages memory and switches stacks itself: which bytes are unallocated, and whose
// stack runs. It then stops at the access and names its line. In any other build these functions do nothing.
#pragma once
#include <cstddef>
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#include <sanitizer/common_interface_defs.h>
#endif

namespace csunet {

// The saved state of a suspended stack for the sanitizer. The scheduler's bounds are those of its OS thread.
struct StackPointer {
    void* value = nullptr;
    const void* bottom = nullptr;
    size_t size = 0;
    void* fake = nullptr;
};

#if defined(__SANITIZE_ADDRESS__)
constexpr bool Sanitized = true;
inline void forbid(const void* p, size_t bytes) { __asan_poison_memory_region(p, bytes); }
inline void permit(const void* p, size_t bytes) { __asan_unpoison_memory_region(p, bytes); }
inline void before_switch(StackPointer& from, const StackPointer& to) { __sanitizer_start_switch_fiber(&from.fake, to.bottom, to.size); }
inline void after_switch(StackPointer& here) { __sanitizer_finish_switch_fiber(here.fake, nullptr, nullptr); }
// The first code on a fresh stack. A worker's first fiber is started by its scheduler, whose bounds are recorded here.
inline void after_first_switch(StackPointer& scheduler) {
    const void* bottom;
    size_t size;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &size);
    if (!scheduler.bottom) scheduler.bottom = bottom, scheduler.size = size;
}
// For code that a signal handler moved to another stack.
inline void announce_stack(const void* bottom, size_t size) {
    __sanitizer_start_switch_fiber(nullptr, bottom, size);
    __sanitizer_finish_switch_fiber(nullptr, nullptr, nullptr);
}
#else
constexpr bool Sanitized = false;
inline void forbid(const void*, size_t) {}
inline void permit(const void*, size_t) {}
inline void before_switch(StackPointer&, const StackPointer&) {}
inline void after_switch(StackPointer&) {}
inline void after_first_switch(StackPointer&) {}
inline void announce_stack(const void*, size_t) {}
#endif

// Adds kernel, block, thread, and the buffer or shared array to each report, which the sanitizer does not know.
void explain_reports();

}
