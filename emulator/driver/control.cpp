// The emulator's own exported functions, with plain C types. A returned text is valid until the thread's next call of the same kind.
// The environment also provides each setting, read once: CSUNET_EMULATOR_MODE (plain, orders, hook), _ORDER, _SEED, _WORKERS,
// _WATCHDOG_MS, _STRICT, _MEMORY_MB, _ARCHITECTURE.
#include "driver.h"
#include "../check/findings.h"
#include "../check/hook_state.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include "../nvrtc/kernel_cache.h"
#include <cstdlib>
#include <cstring>

namespace csunet {

static long long environment(const char* name, long long otherwise) {
    const char* value = getenv((std::string("CSUNET_EMULATOR_") + name).c_str());
    return value && *value ? atoll(value) : otherwise;
}

static int mode_of(const char* name) {
    return !strcmp(name, "plain") ? 0 : !strcmp(name, "orders") ? 1 : !strcmp(name, "hook") ? 2 : -1;
}

Settings& settings() {
    static Settings* all = [] {
        auto* s = new Settings;
        const char* mode = getenv("CSUNET_EMULATOR_MODE");
        if (mode && mode_of(mode) >= 0) s->mode = Mode(mode_of(mode));
        s->order = int(environment("ORDER", 0)) & 3;
        s->seed = uint64_t(environment("SEED", 0));
        s->workers = int(environment("WORKERS", 0));
        s->watchdog_ms = int(environment("WATCHDOG_MS", 60000));
        s->strict = environment("STRICT", 0) != 0;
        s->memory_bytes = uint64_t(environment("MEMORY_MB", 8192)) << 20;
        s->architecture = int(environment("ARCHITECTURE", 80));
        return s;
    }();
    return *all;
}

static const char* keep(std::string text) {
    static thread_local std::string kept;
    kept = std::move(text);
    return kept.c_str();
}

}

using namespace csunet;
#define CONTROL(type) extern "C" __attribute__((visibility("default"))) type

// The folder of compiled kernels, unless CSUNET_EMULATOR_CACHE names it.
CONTROL(void) csunet_emulator_set_cache(const char* folder) { set_cache_folder(folder ? folder : ""); }
// Modules loaded from now on are compiled for the mode. Returns 0, or 1 for an unknown name.
CONTROL(int) csunet_emulator_set_mode(const char* name) {
    int mode = name ? mode_of(name) : -1;
    if (mode < 0) return 1;
    settings().mode = Mode(mode);
    return 0;
}
// 0 forward, 1 backward, 2 shuffled warps, 3 shuffled lanes; the seed determines the shuffles.
CONTROL(int) csunet_emulator_set_order(int order, uint64_t seed) {
    if (order < 0 || order > 3) return 1;
    settings().order = order;
    settings().seed = seed;
    return 0;
}
CONTROL(void) csunet_emulator_set_workers(int workers) { settings().workers = workers < 0 ? 0 : workers; }
// In hook mode only a sample of a launch's blocks runs, spread evenly over the grid, and the profile is scaled to all blocks: exact if
// blocks are alike. Results of such a launch are incomplete: use it for counting only. Only out-of-bounds accesses are checked.
// Buffers allocated meanwhile take no memory until they are touched; they start as zeros and are never checked. 0 runs all blocks.
CONTROL(void) csunet_emulator_set_sample(int blocks) { settings().sample = blocks < 0 ? 0 : blocks; }
// With a sample: of launches with the same kernel, grid, block, numbers and pointer alignment only the first since clear_profile runs;
// the others repeat its counts. Exact unless a kernel's addresses depend on the contents of memory.
CONTROL(void) csunet_emulator_set_count_once(int once) { settings().counts_once = once != 0; }
CONTROL(void) csunet_emulator_set_watchdog_ms(int milliseconds) { settings().watchdog_ms = milliseconds; }
CONTROL(void) csunet_emulator_set_strict(int strict) { settings().strict = strict != 0; }
CONTROL(void) csunet_emulator_set_memory_bytes(uint64_t bytes) { settings().memory_bytes = bytes; }
CONTROL(int) csunet_emulator_set_architecture(int architecture) {
    if (architecture < 80 || architecture > 129) return 1;
    settings().architecture = architecture;
    return 0;
}

CONTROL(int) csunet_emulator_set_multiprocessors(int count) {
    if (count < 1 || count > 1024) return 1;
    settings().multiprocessors = count;
    return 0;
}

CONTROL(int) csunet_emulator_finding_count() { return int(finding_count()); }
CONTROL(const char*) csunet_emulator_report() { return keep(findings_text()); }
CONTROL(const char*) csunet_emulator_report_json() { return keep(findings_json()); }
CONTROL(const char*) csunet_emulator_last_failure() { return keep(last_failure()); }
CONTROL(void) csunet_emulator_clear_report() { clear_findings(); }

CONTROL(const char*) csunet_emulator_profile_csv() { return keep(profile_csv()); }
CONTROL(const char*) csunet_emulator_profile_json() { return keep(profile_json()); }
// One line per launch since the last clear_profile, in order.
CONTROL(const char*) csunet_emulator_launches_csv() { return keep(launches_csv()); }
CONTROL(void) csunet_emulator_clear_profile() { clear_profile(); }

// Number of live device and pinned buffers: the leaks of a client that has disposed of everything.
CONTROL(int) csunet_emulator_leak_count() {
    MemoryUse use = memory_use();
    return int(use.live_buffers + use.pinned_buffers);
}
CONTROL(const char*) csunet_emulator_leaks() {
    std::string text;
    for (Buffer* buffer : live_buffers())
        text += "buffer " + std::to_string(buffer->number) + ": " + std::to_string(buffer->size) + " bytes\n";
    return keep(text);
}
