// The race check. Two accesses to one 2-byte granule by two threads, one of them a write, are ordered if a block barrier lies between
// them or, inside one warp, a __syncwarp of both lanes; never across the blocks of a launch. The check compares counters of passed
// barriers, not the order in which the scheduler happened to run: one run finds the races of every schedule.
#pragma once
#include <cstddef>
#include <cstdint>

namespace csunet {

struct Worker;
struct Buffer;

enum class AccessKind : uint8_t { Read, Write, Atomic, AsyncIssue, AsyncArrival };

// An access to a granule: the block's run (unique over all launches, 0 for none), barriers passed, the lane's own clock, the thread;
// and which of the two bytes (bit 0 is the even one), so that adjacent elements of a byte array are not a race.
struct Touch {
    uint32_t run = 0, epoch = 0;
    uint16_t clock = 0;
    uint16_t thread : 10 = 0, atomic : 1 = 0, pending : 1 = 0, bytes : 2 = 0;
    uint32_t site = 0;
};
// The last write, and up to two later reads that no barrier has ordered: of different warps or blocks if possible.
struct Cell { Touch write, read[2]; };
static_assert(sizeof(Cell) == 48);

// `cells` covers the access; its first byte lies in cells[0].
void check_cells(Worker* worker, Cell* cells, uintptr_t address, int bytes, AccessKind kind, uint32_t site, const Buffer* global,
    uint8_t* written);
void report_outside(Worker* worker, uintptr_t address, int bytes, bool write, uint32_t site);
void resolve_raw_findings();                            // after a launch: turns code addresses into lines and files the findings

}
