// The state of the machine: fibers, warps, the worker that runs a block, and the launch that all workers share.
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>
#include "../device/emulated_device.h"
#include "sanitizer.h"

namespace csunet {

struct HookState;                                       // per worker, check/hook_state.h

// NaN as float32, as bf16 and as fp16 pairs; as an integer a huge index.
constexpr uint32_t Poison = 0x7fff7fffu;
// 64 KB of stack and a guard page: an odd number of pages, otherwise the fibers' frames share the same cache sets (measured: 3-4 times
// slower). The sanitizers' red zones around local variables need more.
constexpr size_t StackSize = Sanitized ? 256 << 10 : 64 << 10, StackGuard = 4096, StackStride = StackSize + StackGuard;
constexpr size_t ArenaSize = 512 << 10, RedZone = 64;
constexpr int MaxThreads = 1024, MaxWarps = 32;

struct Fiber;
struct Warp {
    Thread* lanes[32];
    unsigned index, exist, ready, waiting, at_barrier, done;
    // Vector clocks for partial __syncwarp: seen[i][j] > a stamp of lane j means that lane i is ordered after it.
    uint16_t clock[32], seen[32][32];
};

struct AsyncCopy { void* to; const void* from; int size, bytes, group; uintptr_t caller; };

struct Fiber : Thread {
    StackPointer stack_pointer;
    char* stack;
    unsigned linear;                                    // index in the block
    int vote_result;
    int committed_groups;
    bool prepared;
    std::vector<AsyncCopy> copies;
};

enum class Order { Forward, Backward, WarpsShuffled, LanesShuffled };

struct Kernel;                                          // driver/module.h
struct Launch {
    const Kernel* kernel = nullptr;
    const char* name = "";
    dim3 grid, threads;
    unsigned shared_bytes = 0, static_limit = 48 << 10, total_limit = 0;
    void (*call)(void* function, void* const* arguments) = nullptr;
    void* function = nullptr;
    void* const* arguments = nullptr;
    uint64_t blocks = 0, sampled = 0, step = 1;         // sampled: how many of the blocks run
    Order order = Order::Forward;
    uint64_t seed = 0;
    uint32_t number = 0;                                // counts launches, for the race check
    bool hooked = false, checked = false;               // every access is counted; also checked for races and reads of unwritten memory
    std::string signature;                              // of a launch whose counts are reused for the next equal one; else empty
    std::atomic<uint64_t> next{0};
    std::atomic<bool> failed{false}, expired{false};
    std::atomic<unsigned> static_shared{0};
    std::mutex mutex;                                   // guards status
    int status = 0;
};

struct SharedSegment { char* start; unsigned size; const char *name, *file; int line; };

struct Worker {
    StackPointer scheduler;
    Fiber* fibers = nullptr;
    char *stacks = nullptr, *arena = nullptr, *emergency = nullptr;
    Warp warps[MaxWarps];
    unsigned threads = 0, warp_count = 0;
    // of the running block
    Launch* launch = nullptr;
    Block block;
    uint64_t block_number = 0, block_epoch = 0, random = 1;
    unsigned alive = 0, arrived = 0, ready_warps = 0;
    uint32_t barriers = 0;                              // passed so far, never reset: the race check compares them
    CallSite barrier_site{};
    int vote = 0;
    bool aborted = false;
    // shared memory of the block
    size_t arena_used = 0;
    unsigned shared_used = 0;
    void* dynamic = nullptr;
    std::vector<SharedSegment> segments;
    std::vector<std::pair<uint64_t, void*>> arrays;     // by SharedArray::id: block epoch, address
    // faults
    uintptr_t fault_address = 0, fault_pc = 0, fault_sp = 0;
    int fault_signal = 0;
    HookState* hook = nullptr;
};

extern __thread Worker* current_worker __attribute__((tls_model("initial-exec")));
inline Fiber* current_fiber() { return static_cast<Fiber*>(current_thread); }

// scheduler.cpp
void jump(Worker* worker, Fiber* from, Fiber* to);      // null: the scheduler's own stack
void make_ready(Worker* worker, Warp* warp, unsigned lanes);
void give_way(Worker* worker, Fiber* fiber);            // yields to another fiber; returns when it is this one's turn
void prepare_worker(Worker* worker);
void run_block(Worker* worker, uint64_t number);
// block_memory.cpp
void fill_poison(void* p, size_t bytes);
bool is_poison(const void* from, const void* to);
void check_red_zones(Worker* worker);
// faults.cpp
void install_fault_handlers();
// worker_pool.cpp: runs all blocks; returns the driver's status
int run_launch(Launch& launch);

}
