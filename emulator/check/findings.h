// Findings: problems of a kernel, and the functions that record them.
#pragma once
#include "../machine/state.h"

namespace csunet {

// The driver statuses that a kernel can cause.
enum KernelStatus { KernelOk = 0, IllegalAddress = 700, OutOfResources = 701, Timeout = 702, MisalignedAddress = 716, LaunchFailed = 719 };

// kind: divergence, deadlock, timeout, resources, misaligned, async, fault, stack_overflow, outside, use_after_free, shared_overrun,
// guard_zone, race, unwritten, order. `at` and `other` are file:line or empty. thread.x is NoThread if no single thread is responsible.
struct Finding {
    static constexpr unsigned NoThread = ~0u;
    std::string kind, kernel;
    uint3 block{0, 0, 0}, thread{NoThread, 0, 0};
    std::string at, other, text;
    uint64_t times = 1;
};

void add_finding(Finding finding);                      // a repetition of kind, kernel and lines only increases the count
std::string findings_text();
std::string findings_json();
size_t finding_count();
void clear_findings();
std::string last_failure();                             // the text of the last finding that stopped a kernel

std::string base_name(const char* path);
std::string json_string(const std::string& text);

// Stop the running kernel. Each is called on a fiber and never returns to it.
[[noreturn]] void fail_resources(CallSite site, const char* format, ...) __attribute__((format(printf, 2, 3)));
[[noreturn]] void fail_outside(CallSite site, const void* address, size_t bytes);
[[noreturn]] void fail_fault(const char* kind, const std::string& line, const std::string& text);
[[noreturn]] void fail_expired(const std::string& line = "");
[[noreturn]] void fail_unawaited(const Fiber& fiber);
[[noreturn]] void fail_left_barrier(const Worker& worker);
// Called on the scheduler's stack after a block has ended.
void report_deadlock(Worker& worker);
void report_red_zone(Worker& worker, const SharedSegment& segment);

}
