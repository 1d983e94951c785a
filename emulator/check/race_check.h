// The race check. Two accesses of one 2-byte granule by two threads, one of them a write, are ordered if a block barrier lies between
// them or, inside one warp, a __syncwarp that both lanes took part in; never across the blocks of a launch. Counters of barriers passed
// decide, not the order in which the scheduler happened to run: one run finds what any run could.
#pragma once
#include <cstddef>
#include <cstdint>

namespace csunet {

struct Worker;
struct Buffer;

enum class AccessKind : uint8_t { Read, Write, Atomic, AsyncIssue, AsyncArrival };

// Who touched a granule: the block's run (unique over all launches, 0 for nobody), barriers passed, the lane's own clock, the thread;
// and which of the two bytes (bit 0 the even one), so that neighbours in an array of bytes are no race.
struct Touch {
    uint32_t run = 0, epoch = 0;
    uint16_t clock = 0;
    uint16_t thread : 10 = 0, atomic : 1 = 0, pending : 1 = 0, bytes : 2 = 0;
    uint32_t site = 0;
};
// The last write, and up to two reads since that no barrier has ordered: of different warps or blocks where there are such.
struct Cell { Touch write, read[2]; };
static_assert(sizeof(Cell) == 48);

// `cells` covers the access, whose first byte lies in cells[0].
void check_cells(Worker* worker, Cell* cells, uintptr_t address, int bytes, AccessKind kind, uint32_t site, const Buffer* global,
    uint8_t* written);
void report_outside(Worker* worker, uintptr_t address, int bytes, bool write, uint32_t site);
void resolve_raw_findings();                            // after a launch: turns code addresses into lines and files the findings

}
