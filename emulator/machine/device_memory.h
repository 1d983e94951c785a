// The emulated device's memory: one reserved address range in which every buffer has its own pages. A buffer starts at a multiple of
// 256 bytes, as the driver promises, and ends within 256 bytes of a protected page; the gap is a guard zone. Fresh memory is NaN. Freed
// pages are protected and not reused while address space lasts, so a use after free faults. While launches are sampled
// for counting, buffers are lazy: only address space, so that the activations of a large batch need not fit into memory.
#pragma once
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace csunet {

struct Cell;                                            // a cell of the race check, check/race_check.h

enum class MemoryKind { Device, Pinned, Global };
struct Buffer {
    uintptr_t start = 0;
    size_t size = 0;
    uintptr_t pages = 0;                                // the accessible pages and the guard page after them
    size_t page_bytes = 0;
    MemoryKind kind = MemoryKind::Device;
    uint64_t number = 0;                                // counts allocations, for reports
    bool lazy = false;                                  // allocated while launches are sampled: no memory until touched, unchecked
    std::atomic<bool> live{true};
    std::atomic<uint8_t*> written{nullptr};             // one byte per 2-byte granule, only in hook mode; null: treat as written
    std::atomic<Cell*> cells{nullptr};
    size_t granules() const { return (size + 1) / 2; }
    bool contains(uintptr_t address, size_t bytes) const {
        return address >= start && address - start <= size && bytes <= size - (address - start);
    }
};

Buffer* allocate_device(size_t bytes);                  // null: out of memory
Buffer* allocate_pinned(size_t bytes);
Buffer* register_global(void* start, size_t bytes);     // a __device__ or __constant__ variable of a module
void free_buffer(Buffer* buffer);
// The buffer whose pages hold the address, live or freed; null if none.
Buffer* find_buffer(uintptr_t address);
bool is_accessible(const void* p, size_t bytes);        // in a live buffer or in a loaded module
// The loaded kernel module's segment that holds the address.
bool find_image(uintptr_t address, uintptr_t& start, uintptr_t& end);
std::string describe_address(uintptr_t address);        // "4 bytes past the end of buffer 7 (512 bytes)"
void fill_zeros(uintptr_t address, size_t bytes);       // releases whole pages of a lazy buffer instead of writing them
void mark_written(uintptr_t address, size_t bytes);     // by a copy or memset of the driver, or by a kernel without the hook
// Guard zones that a kernel wrote into since the last check, as texts.
std::vector<std::string> check_guard_zones();

struct MemoryUse { size_t used, total, live_buffers, pinned_buffers; uint64_t next_number; };
MemoryUse memory_use();
std::vector<Buffer*> live_buffers();

}
