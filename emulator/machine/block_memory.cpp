// Shared memory of a block, and asynchronous copies into it.
#include "state.h"
#include "device_memory.h"
#include "../check/findings.h"
#include "../check/hook_state.h"
#include <algorithm>

namespace csunet {

void fill_poison(void* p, size_t bytes) {
    auto* b = static_cast<unsigned char*>(p);
    const uint64_t pair = uint64_t(Poison) << 32 | Poison;
    size_t i = 0;
    for (; i + 8 <= bytes; i += 8) memcpy(b + i, &pair, 8);
    for (; i < bytes; i++) b[i] = static_cast<unsigned char>(Poison >> (i % 4 * 8));
}

// Both ends are aligned to 4 bytes, as fill_poison wrote them.
bool is_poison(const void* from, const void* to) {
    auto *p = static_cast<const unsigned char*>(from), *end = static_cast<const unsigned char*>(to);
    auto wrong = [&] { return *p != static_cast<unsigned char>(Poison >> (reinterpret_cast<uintptr_t>(p) % 4 * 8)); };
    for (; p < end && reinterpret_cast<uintptr_t>(p) % 8; p++)
        if (wrong()) return false;
    // Every launch checks the zones of every buffer, so compare whole words.
    const uint64_t pair = uint64_t(Poison) << 32 | Poison;
    for (; p + 8 <= end; p += 8)
        if (memcmp(p, &pair, 8)) return false;
    for (; p < end; p++)
        if (wrong()) return false;
    return true;
}

// An array between two red zones of NaN: a read past the end gives NaN, a write there is found when the block ends.
static void* allocate(Worker* worker, const SharedArray& array) {
    size_t alignment = std::max(array.alignment, 128u);         // bank 0, as the first array on a GPU
    size_t start = (worker->arena_used + RedZone + alignment - 1) / alignment * alignment;
    size_t end = (start + array.size + RedZone + 15) & ~size_t(15);
    Launch* launch = worker->launch;
    worker->shared_used += (array.size + 15) & ~15u;
    CallSite site{"SHARED", {}};
    if (worker->shared_used > launch->total_limit || end > ArenaSize)
        fail_resources(site, "shared memory: '%s' (%s:%d) brings the block to %u bytes, the limit is %u", array.name, array.file,
            array.line, worker->shared_used, launch->total_limit);
    permit(worker->arena + worker->arena_used, end - worker->arena_used);
    fill_poison(worker->arena + worker->arena_used, end - worker->arena_used);
    forbid(worker->arena + worker->arena_used, start - worker->arena_used);
    forbid(worker->arena + start + array.size, end - start - array.size);
    worker->arena_used = end;
    worker->segments.push_back({worker->arena + start, array.size, array.name, array.file, array.line});
    return worker->arena + start;
}

void* shared_array(SharedArray* array) {
    static std::atomic<int> next{0};
    Worker* worker = current_worker;
    int id = __atomic_load_n(&array->id, __ATOMIC_RELAXED);
    if (id < 0) {
        int fresh = next++;
        if (__atomic_compare_exchange_n(&array->id, &id, fresh, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) id = fresh;
    }
    if (size_t(id) >= worker->arrays.size()) worker->arrays.resize(size_t(id) + 16);
    auto& [epoch, address] = worker->arrays[size_t(id)];
    if (epoch == worker->block_epoch) return address;
    address = allocate(worker, *array);
    epoch = worker->block_epoch;
    unsigned total = 0;
    for (const SharedSegment& s : worker->segments)
        if (s.line) total += (s.size + 15) & ~15u;
    if (total > worker->launch->static_limit)
        fail_resources({"SHARED", {}}, "shared memory: static arrays take %u bytes with '%s' (%s:%d), the limit is %u (use SHARED_DYN)",
            total, array->name, array->file, array->line, worker->launch->static_limit);
    if (total > worker->launch->static_shared) worker->launch->static_shared = total;
    return address;
}

void* shared_dynamic() {
    Worker* worker = current_worker;
    if (!worker->dynamic) worker->dynamic = allocate(worker, {worker->launch->shared_bytes, 128, "dynamic shared memory", "", 0, 0});
    return worker->dynamic;
}

void check_red_zones(Worker* worker) {
    for (const SharedSegment& s : worker->segments)
        if (!is_poison(s.start - RedZone, s.start) || !is_poison(s.start + s.size, s.start + s.size + RedZone)) report_red_zone(*worker, s);
}

void async_copy(void* to, const void* from, int size, int bytes, CallSite site) {
    if (reinterpret_cast<uintptr_t>(to) % unsigned(size)) fail_misaligned(site, to, size_t(size));
    if (bytes && reinterpret_cast<uintptr_t>(from) % unsigned(size)) fail_misaligned(site, from, size_t(size));
    if (bytes < 0 || bytes > size) fail(site, "copies %d of %d bytes", bytes, size);
    Worker* worker = current_worker;
    uintptr_t caller = reinterpret_cast<uintptr_t>(__builtin_return_address(0));
    if (!owns_shared(worker, to, size)) fail(site, "the destination %p is outside every shared array", to);
    if (bytes && !is_accessible(from, size_t(bytes))) fail_outside(site, from, size_t(bytes));
    if (worker->launch->hooked) {
        hook_access(to, size, AccessKind::AsyncIssue, caller);
        if (bytes) hook_access(from, bytes, AccessKind::Read, caller);
    }
    fill_poison(to, size_t(size));
    current_fiber()->copies.push_back({to, from, size, bytes, current_fiber()->committed_groups, caller});
}

void async_commit() { current_fiber()->committed_groups++; }

void async_wait(int groups_in_flight) {
    Fiber* fiber = current_fiber();
    int finished = fiber->committed_groups - groups_in_flight;
    size_t kept = 0;
    for (AsyncCopy& copy : fiber->copies) {
        if (copy.group >= finished) {
            fiber->copies[kept++] = copy;
            continue;
        }
        memset(copy.to, 0, size_t(copy.size));
        memcpy(copy.to, copy.from, size_t(copy.bytes));
        if (current_worker->launch->hooked) hook_access(copy.to, copy.size, AccessKind::AsyncArrival, copy.caller);
    }
    fiber->copies.resize(kept);
}

}
