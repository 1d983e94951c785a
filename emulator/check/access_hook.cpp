// The functions that -fsanitize=thread calls. They classify an access: a local variable, shared memory, a buffer, or none of these.
#include "hook_state.h"
#include "findings.h"
#include "source_lines.h"
#include "../machine/device_memory.h"
#include "../machine/settings.h"
#include <algorithm>
#include <set>
#include <sys/mman.h>

namespace csunet {

// ---- sites: lock-free look-up, insertion under a lock
static constexpr size_t SiteTable = 1 << 20;
static std::atomic<uintptr_t>* site_keys = new std::atomic<uintptr_t>[SiteTable]();
static std::atomic<uint32_t>* site_numbers = new std::atomic<uint32_t>[SiteTable]();
static std::mutex site_mutex;
static std::vector<uintptr_t> site_callers{0};          // site 0 means none

static size_t site_hash(uintptr_t key) { return (key * 0x9E3779B97F4A7C15ull) >> 44; }

uint32_t site_of(uintptr_t caller, int tag) {
    uintptr_t key = caller << 2 | unsigned(tag);
    for (size_t i = site_hash(key);; i = (i + 1) % SiteTable) {
        uintptr_t present = site_keys[i].load(std::memory_order_acquire);
        if (present == key) return site_numbers[i];
        if (present) continue;
        std::lock_guard guard(site_mutex);
        if (site_keys[i] == key) return site_numbers[i];
        if (site_keys[i]) continue;
        site_numbers[i] = uint32_t(site_callers.size());
        site_callers.push_back(caller);
        site_keys[i].store(key, std::memory_order_release);
        return site_numbers[i];
    }
}

uintptr_t site_address(uint32_t site) {
    std::lock_guard guard(site_mutex);
    return site_callers[site];
}

// ---- the life of a launch
// The kernel of a block's run, by the number of its launch's first run. Each name is stored once: many launches, few kernels.
static std::mutex launches_mutex;
static std::vector<std::pair<uint32_t, const std::string*>> launches;

void begin_hooked_launch(Launch& launch) {
    // Numbers of block runs, unique over all launches: the next launch starts where this one ends.
    static uint32_t next = 1;
    static std::set<std::string> names;
    std::lock_guard guard(launches_mutex);
    launch.number = next;
    next += uint32_t(launch.blocks);
    launches.emplace_back(launch.number, &*names.insert(launch.name).first);
}

std::string kernel_of_run(uint32_t run) {
    std::lock_guard guard(launches_mutex);
    auto after = std::upper_bound(launches.begin(), launches.end(), run, [](uint32_t r, const auto& launch) { return r < launch.first; });
    return after == launches.begin() ? "" : *std::prev(after)->second;
}

void prepare_hook(Worker* worker) {
    if (!worker->hook) {
        worker->hook = new HookState;
        worker->hook->shared_cells = static_cast<Cell*>(mmap(nullptr, ArenaSize / 2 * sizeof(Cell), PROT_READ | PROT_WRITE,
            MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    }
    worker->hook->last_finding = 0;
    for (Warp& warp : worker->warps) {
        memset(warp.clock, 0, sizeof warp.clock);
        memset(warp.seen, 0, sizeof warp.seen);
    }
}

void finish_block(Worker* worker) {
    profile_finish_block(worker);
    for (unsigned i = 0; i < worker->warp_count; i++) {
        memset(worker->warps[i].clock, 0, sizeof worker->warps[i].clock);
        memset(worker->warps[i].seen, 0, sizeof worker->warps[i].seen);
    }
}

void finish_launch(Worker* worker) { profile_finish_launch(worker); }

void end_hooked_launch(Launch& launch) {
    profile_end_launch(launch);
    size_t before = finding_count();
    resolve_raw_findings();
    if (settings().strict && finding_count() > before && !launch.status) launch.status = LaunchFailed;
}

// ---- accesses
bool owns_shared(const Worker* worker, const void* p, int bytes) {
    auto* address = static_cast<const char*>(p);
    for (const SharedSegment& s : worker->segments)
        if (address >= s.start && address + bytes <= s.start + s.size) return true;
    return false;
}

static Cell* cells_of(Buffer* buffer) {
    if (Cell* cells = buffer->cells.load(std::memory_order_acquire)) return cells;
    static std::mutex mutex;
    std::lock_guard guard(mutex);
    if (Cell* cells = buffer->cells) return cells;
    void* fresh = mmap(nullptr, buffer->granules() * sizeof(Cell), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
        -1, 0);
    buffer->cells.store(static_cast<Cell*>(fresh), std::memory_order_release);
    return static_cast<Cell*>(fresh);
}

// Two workers may check the same cell: one lock per page of addresses, almost never contended.
struct PageLock {
    std::atomic_flag& flag;
    explicit PageLock(uintptr_t address) : flag(flags[(address >> 12) % 1024]) {
        while (flag.test_and_set(std::memory_order_acquire)) {}
    }
    ~PageLock() { flag.clear(std::memory_order_release); }
    static inline std::atomic_flag flags[1024];
};

// Host memory that a kernel may access: indices, another lane's captures.
static bool is_machine_memory(Worker* worker, uintptr_t address) {
    auto within = [&](const void* start, size_t bytes) { return address - reinterpret_cast<uintptr_t>(start) < bytes; };
    if (within(worker->stacks, StackStride * MaxThreads) || within(worker, sizeof *worker)
        || within(worker->fibers, sizeof(Fiber) * MaxThreads))
        return true;
    return within(&current_thread, sizeof(void*)) || within(&current_block, sizeof(void*)) || within(&describing, 1);
}

// Constant tables in the module's image.
static bool is_image(HookState* hook, uintptr_t address) {
    return (address >= hook->image_start && address < hook->image_end) || find_image(address, hook->image_start, hook->image_end);
}

static uint32_t cached_site(HookState* hook, uintptr_t caller, int tag) {
    uintptr_t key = caller << 2 | unsigned(tag);
    auto& entry = hook->cache[(key * 0x9E3779B97F4A7C15ull) >> 52];
    if (entry.key != key) entry = {key, site_of(caller, tag)};
    return entry.site;
}

void hook_access(const void* p, int bytes, AccessKind kind, uintptr_t caller) {
    Worker* worker = current_worker;
    if (!worker || !current_thread || !worker->launch->hooked) return;
    // A thread that spins on memory spends almost all its time here, where the watchdog's signal must not stop it.
    if (worker->launch->expired.load(std::memory_order_relaxed)) fail_expired(line_of(caller));
    auto address = reinterpret_cast<uintptr_t>(p);
    Fiber* fiber = current_fiber();
    if (address - reinterpret_cast<uintptr_t>(fiber->stack) < StackSize) return;            // locals: registers on a GPU
    HookState* hook = worker->hook;
    bool write = kind != AccessKind::Read;
    uint32_t site = cached_site(hook, caller, kind == AccessKind::AsyncIssue || kind == AccessKind::AsyncArrival);
    uintptr_t arena = reinterpret_cast<uintptr_t>(worker->arena), offset = address - arena;
    bool counts = kind != AccessKind::AsyncArrival && kind != AccessKind::Atomic;           // counted when the copy was issued
    if (offset < ArenaSize) {
        if (!owns_shared(worker, p, bytes)) {
            Finding finding;
            finding.kind = "outside";
            finding.kernel = worker->launch->name;
            finding.block = worker->block.index;
            finding.thread = fiber->index;
            finding.at = line_of(caller);
            finding.text = std::string(write ? "writes " : "reads ") + std::to_string(bytes)
                + " bytes of shared memory outside every array";
            add_finding(std::move(finding));
            return;
        }
        if (worker->launch->checked) check_cells(worker, hook->shared_cells + offset / 2, address, bytes, kind, site, nullptr, nullptr);
        if (counts) profile_access(worker, site, true, address, bytes, write);
        return;
    }
    // Test this before the buffers: outside their address range find_buffer takes a lock, and kernels read indices all the time.
    if (is_machine_memory(worker, address)) return;
    Buffer* buffer = find_buffer(address);
    if (!buffer || !buffer->live || !buffer->contains(address, size_t(bytes))) {
        if (!buffer && is_image(hook, address)) return;
        report_outside(worker, address, bytes, write, site);
        return;
    }
    if (worker->launch->checked) {
        size_t first = (address - buffer->start) / 2;
        Cell* cells = cells_of(buffer);
        uint8_t* written = buffer->written;
        PageLock lock(address);
        check_cells(worker, cells + first, address, bytes, kind, site, buffer, written ? written + first : nullptr);
    }
    if (counts) profile_access(worker, site, false, address, bytes, write);
}

static void hook_misaligned(const void* p, int bytes, bool write, uintptr_t caller) {
    if (!current_worker || !current_thread || !current_worker->launch->hooked) return;
    auto address = reinterpret_cast<uintptr_t>(p);
    if (address % unsigned(bytes) && (find_buffer(address) || owns_shared(current_worker, p, bytes)))
        fail_fault("misaligned", line_of(caller), std::to_string(bytes) + " bytes at " + describe_address(address));
    hook_access(p, bytes, write ? AccessKind::Write : AccessKind::Read, caller);
}

}

using csunet::AccessKind;
#define CALLER reinterpret_cast<uintptr_t>(__builtin_return_address(0))
#define EXPORTED extern "C" __attribute__((visibility("default")))

EXPORTED void csunet_access_read(const void* p, int bytes) { csunet::hook_access(p, bytes, AccessKind::Read, CALLER); }
EXPORTED void csunet_read_vector(void* to, const void* from, int bytes) {
    csunet::hook_access(from, bytes, AccessKind::Read, CALLER);
    memcpy(to, from, size_t(bytes));
}
EXPORTED void csunet_write_vector(void* to, const void* from, int bytes) {
    csunet::hook_access(to, bytes, AccessKind::Write, CALLER);
    memcpy(to, from, size_t(bytes));
}

#define ACCESS(bytes) \
    EXPORTED void __tsan_read##bytes(void* p) { csunet::hook_access(p, bytes, AccessKind::Read, CALLER); } \
    EXPORTED void __tsan_write##bytes(void* p) { csunet::hook_access(p, bytes, AccessKind::Write, CALLER); } \
    EXPORTED void __tsan_unaligned_read##bytes(void* p) { csunet::hook_misaligned(p, bytes, false, CALLER); } \
    EXPORTED void __tsan_unaligned_write##bytes(void* p) { csunet::hook_misaligned(p, bytes, true, CALLER); } \
    EXPORTED void __tsan_volatile_read##bytes(void* p) { csunet::hook_access(p, bytes, AccessKind::Atomic, CALLER); } \
    EXPORTED void __tsan_volatile_write##bytes(void* p) { csunet::hook_access(p, bytes, AccessKind::Atomic, CALLER); } \
    EXPORTED void __tsan_unaligned_volatile_read##bytes(void* p) { csunet::hook_access(p, bytes, AccessKind::Atomic, CALLER); } \
    EXPORTED void __tsan_unaligned_volatile_write##bytes(void* p) { csunet::hook_access(p, bytes, AccessKind::Atomic, CALLER); }
ACCESS(1) ACCESS(2) ACCESS(4) ACCESS(8) ACCESS(16)

EXPORTED void __tsan_init() {}
EXPORTED void __tsan_func_entry(void*) {}
EXPORTED void __tsan_func_exit() {}
EXPORTED void __tsan_vptr_update(void**, void*) {}
EXPORTED void __tsan_vptr_read(void**) {}
EXPORTED void __tsan_read_range(void* p, size_t n) { csunet::hook_access(p, int(n), AccessKind::Read, CALLER); }
EXPORTED void __tsan_write_range(void* p, size_t n) { csunet::hook_access(p, int(n), AccessKind::Write, CALLER); }
EXPORTED void __tsan_atomic_thread_fence(int) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

// Atomics of all threads are ordered among themselves; relative to plain accesses they are ordinary writes.
#define HOOKED_ATOMIC(p, bits) csunet::hook_access(const_cast<uint##bits##_t*>(p), bits / 8, AccessKind::Atomic, CALLER)
#define FETCH(bits, name) \
    EXPORTED uint##bits##_t __tsan_atomic##bits##_fetch_##name(volatile uint##bits##_t* p, uint##bits##_t v, int) { \
        HOOKED_ATOMIC(p, bits); \
        return __atomic_fetch_##name(p, v, __ATOMIC_SEQ_CST); \
    }
#define ATOMICS(bits) \
    EXPORTED uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t* p, int) { \
        csunet::hook_access(const_cast<const uint##bits##_t*>(p), bits / 8, AccessKind::Atomic, CALLER); \
        return __atomic_load_n(p, __ATOMIC_SEQ_CST); \
    } \
    EXPORTED void __tsan_atomic##bits##_store(volatile uint##bits##_t* p, uint##bits##_t v, int) { \
        HOOKED_ATOMIC(p, bits); \
        __atomic_store_n(p, v, __ATOMIC_SEQ_CST); \
    } \
    EXPORTED uint##bits##_t __tsan_atomic##bits##_exchange(volatile uint##bits##_t* p, uint##bits##_t v, int) { \
        HOOKED_ATOMIC(p, bits); \
        return __atomic_exchange_n(p, v, __ATOMIC_SEQ_CST); \
    } \
    EXPORTED int __tsan_atomic##bits##_compare_exchange_strong( \
        volatile uint##bits##_t* p, uint##bits##_t* e, uint##bits##_t v, int, int) { \
        HOOKED_ATOMIC(p, bits); \
        return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    } \
    EXPORTED int __tsan_atomic##bits##_compare_exchange_weak( \
        volatile uint##bits##_t* p, uint##bits##_t* e, uint##bits##_t v, int, int) { \
        HOOKED_ATOMIC(p, bits); \
        return __atomic_compare_exchange_n(p, e, v, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST); \
    } \
    FETCH(bits, add) FETCH(bits, sub) FETCH(bits, and) FETCH(bits, or) FETCH(bits, xor)
ATOMICS(32) ATOMICS(64)
