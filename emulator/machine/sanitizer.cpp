// The emulator's line at the end of an AddressSanitizer report, in the format of its own findings.
#include "sanitizer.h"
#include "device_memory.h"
#include "state.h"
#include "../check/findings.h"

namespace csunet {

#if defined(__SANITIZE_ADDRESS__)

// The shared array nearest to an address of the arena.
static std::string describe_shared(const Worker& worker, const char* address) {
    const SharedSegment* nearest = nullptr;
    for (const SharedSegment& s : worker.segments)
        if (!nearest || address >= s.start - RedZone) nearest = &s;
    if (!nearest) return "shared memory, of which the block has none";
    long long past = address - (nearest->start + nearest->size);
    std::string text = past >= 0 ? std::to_string(past) + " bytes past the end of " : std::to_string(nearest->start - address) + " bytes before ";
    text += std::string("shared array '") + nearest->name + "' of " + std::to_string(nearest->size) + " bytes";
    if (nearest->line) text += ", declared at " + base_name(nearest->file) + ":" + std::to_string(nearest->line);
    return text;
}

static void explain(const char*) {
    Worker* worker = current_worker;
    if (!worker || !current_thread) return;
    auto address = reinterpret_cast<uintptr_t>(__asan_get_report_address());
    std::string kind = "outside", text;
    if (address - reinterpret_cast<uintptr_t>(worker->arena) < ArenaSize) {
        kind = "shared_overrun";
        text = describe_shared(*worker, reinterpret_cast<const char*>(address));
    } else if (address - reinterpret_cast<uintptr_t>(worker->stacks) < StackStride * MaxThreads) {
        text = "outside a local variable of the thread";
    } else {
        Buffer* buffer = find_buffer(address);
        if (buffer && !buffer->live) kind = "use_after_free";
        text = describe_address(address);
    }
    const uint3 &block = worker->block.index, &thread = current_thread->index;
    fprintf(stderr, "%s: kernel %s, block (%u,%u,%u), thread (%u,%u,%u): %s\n", kind.c_str(), worker->launch->name, block.x, block.y, block.z,
        thread.x, thread.y, thread.z, text.c_str());
}

void explain_reports() { __asan_set_error_report_callback(explain); }

#else
void explain_reports() {}
#endif

}
