// The checks for races and for reads of unwritten memory.
#include "findings.h"
#include "hook_state.h"
#include "source_lines.h"
#include "../machine/device_memory.h"
#include <algorithm>
#include <set>
#include <tuple>

namespace csunet {

enum class RawKind : uint8_t { Race, Unwritten, Async, Outside, UseAfterFree };
struct RawFinding {
    RawKind kind;
    const char* kernel;
    uint3 block, thread;
    uint32_t site, other;
    bool write, other_write, shared;
    unsigned other_thread;
    bool other_block;
    std::string detail;
};
static std::mutex raw_mutex;
static std::vector<RawFinding> raw;
static std::set<std::pair<uint64_t, int>> recorded;

static void record(Worker* worker, RawFinding finding) {
    uint64_t pair = uint64_t(finding.site) << 32 | finding.other;
    if (worker->hook->last_finding == (pair ^ uint64_t(finding.kind) << 60)) return;
    worker->hook->last_finding = pair ^ uint64_t(finding.kind) << 60;
    std::lock_guard guard(raw_mutex);
    if (!recorded.insert({pair, int(finding.kind)}).second) return;
    finding.kernel = worker->launch->name;
    finding.block = worker->block.index;
    finding.thread = current_fiber()->index;
    raw.push_back(std::move(finding));
}

void resolve_raw_findings() {
    std::vector<RawFinding> all;
    {
        std::lock_guard guard(raw_mutex);
        all.swap(raw);
        recorded.clear();
    }
    if (all.empty()) return;
    std::vector<uintptr_t> addresses;
    for (const RawFinding& f : all) {
        addresses.push_back(site_address(f.site));
        if (f.other) addresses.push_back(site_address(f.other));
    }
    resolve_lines(addresses);
    // Workers find them in arbitrary order.
    std::sort(all.begin(), all.end(), [](const RawFinding& a, const RawFinding& b) {
        auto key = [](const RawFinding& f) { return std::make_tuple(f.kind, site_address(f.site), site_address(f.other)); };
        return key(a) < key(b);
    });
    for (RawFinding& f : all) {
        Finding finding;
        finding.kernel = f.kernel;
        finding.block = f.block;
        finding.thread = f.thread;
        finding.at = line_of(site_address(f.site));
        if (f.other) finding.other = line_of(site_address(f.other));
        std::string memory = f.shared ? "shared" : "global";
        std::string other_thread = "a thread of another block";
        if (!f.other_block) other_thread = "thread " + std::to_string(f.other_thread) + " of the block";
        switch (f.kind) {
            case RawKind::Race:
                finding.kind = "race";
                finding.text = std::string(f.write ? "write" : "read") + " of " + memory + " memory, "
                    + (f.other_write ? "written" : "read")
                    + " by " + other_thread + " at " + finding.other + ", nothing orders them";
                break;
            case RawKind::Async:
                finding.kind = "async";
                finding.text = std::string(f.write ? "write to" : "read of") + " shared memory that cp.async at " + finding.other
                    + " still fills: no thread has waited for its group";
                break;
            case RawKind::Unwritten:
                finding.kind = "unwritten";
                finding.text = "reads unwritten " + memory + " memory" + (f.detail.empty() ? "" : ": " + f.detail);
                break;
            case RawKind::Outside:
            case RawKind::UseAfterFree:
                finding.kind = f.kind == RawKind::Outside ? "outside" : "use_after_free";
                finding.text = std::string(f.write ? "writes " : "reads ") + f.detail;
        }
        add_finding(std::move(finding));
    }
}

// Whether barriers order `before` before the access `now` of the running thread.
static bool ordered(const Touch& before, const Touch& now, uint32_t launch_base, const Warp& warp, unsigned lane) {
    if (before.run < launch_base) return true;          // an earlier launch, or no access
    if (before.run != now.run) return false;
    if (before.thread == now.thread || before.epoch != now.epoch) return true;
    if (before.thread / 32 != now.thread / 32) return false;
    return warp.seen[lane][before.thread % 32] > before.clock;
}

static bool same_moment(const Touch& a, const Touch& b) { return a.thread == b.thread && a.run == b.run && a.epoch == b.epoch; }

static void remember_read(Cell& cell, Touch now, uint32_t launch_base, const Warp& warp, unsigned lane) {
    Touch &a = cell.read[0], &b = cell.read[1];
    auto replaceable = [&](const Touch& t) {
        return (t.thread == now.thread && t.run == now.run) || ordered(t, now, launch_base, warp, lane);
    };
    for (const Touch& t : cell.read)
        if (same_moment(t, now)) now.bytes |= t.bytes;
    if (replaceable(a)) a = now;
    else if (replaceable(b) || (b.run == a.run && b.thread / 32 == a.thread / 32)) b = now;
}

void check_cells(Worker* worker, Cell* cells, uintptr_t address, int bytes, AccessKind kind, uint32_t site, const Buffer* global,
    uint8_t* written) {
    Fiber* fiber = current_fiber();
    const Warp& warp = *fiber->warp;
    uint32_t base = worker->launch->number, run = base + uint32_t(worker->block_number);
    Touch now;
    now.run = run;
    now.epoch = worker->barriers;
    now.clock = warp.clock[fiber->lane];
    now.thread = uint16_t(fiber->linear & 1023);
    now.site = site;
    now.atomic = kind == AccessKind::Atomic;
    now.pending = kind == AccessKind::AsyncIssue;
    bool write = kind != AccessKind::Read;
    auto finding = [&](RawKind what, const Touch& other, bool other_write) {
        record(worker, {what, nullptr, {}, {}, site, other.site, write, other_write, !global, other.thread, other.run != run, ""});
    };
    size_t count = (address % 2 + unsigned(bytes) + 1) / 2;
    for (size_t i = 0; i < count; i++) {
        Cell& cell = cells[i];
        now.bytes = 3;
        if (i == 0 && address % 2) now.bytes &= 2;
        if (i == count - 1 && (address + unsigned(bytes)) % 2) now.bytes &= 1;
        if (!global && cell.write.run != run) cell = Cell{};        // left by another block in the same arena
        bool overlaps = cell.write.bytes & now.bytes;
        if (overlaps && cell.write.pending && cell.write.run == run && kind != AccessKind::AsyncArrival) {
            finding(RawKind::Async, cell.write, true);
            if (!write) return;
        } else if (overlaps && !(now.atomic && cell.write.atomic) && !ordered(cell.write, now, base, warp, fiber->lane)) {
            finding(RawKind::Race, cell.write, true);
            if (!write) return;
        }
        if (!write) {
            bool fresh = global ? written && !written[i] : cell.write.run != run;
            if (fresh) {
                record(worker, {RawKind::Unwritten, nullptr, {}, {}, site, 0, false, false, !global, 0, false,
                    global ? "buffer " + std::to_string(global->number) + " (" + std::to_string(global->size) + " bytes)" : ""});
                return;
            }
            remember_read(cell, now, base, warp, fiber->lane);
            continue;
        }
        for (Touch& read : cell.read) {
            bool conflicts = (read.bytes & now.bytes) && !(now.atomic && read.atomic);
            if (conflicts && !ordered(read, now, base, warp, fiber->lane)) finding(RawKind::Race, read, false);
        }
        if (same_moment(cell.write, now)) now.bytes |= cell.write.bytes;
        cell.write = now;
        cell.read[0] = cell.read[1] = Touch{};
        if (written) written[i] = 1;
    }
}

void report_outside(Worker* worker, uintptr_t address, int bytes, bool write, uint32_t site) {
    Buffer* buffer = find_buffer(address);
    RawKind kind = buffer && !buffer->live ? RawKind::UseAfterFree : RawKind::Outside;
    std::string detail = std::to_string(bytes) + " bytes at " + describe_address(address);
    record(worker, {kind, nullptr, {}, {}, site, 0, write, false, false, 0, false, detail});
}

}
