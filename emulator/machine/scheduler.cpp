// Fibers and the block scheduler. A fiber is created once and then loops over blocks; it never moves to another OS thread.
#include "state.h"
#include "stack_switch.h"
#include "../check/findings.h"
#include "../check/hook_state.h"
#include <sys/mman.h>

namespace csunet {

__thread Thread* current_thread;
__thread Block* current_block;
__thread Worker* current_worker;

void jump(Worker* worker, Fiber* from, Fiber* to) {
    current_thread = to;
    StackPointer &here = from ? from->stack_pointer : worker->scheduler, &there = to ? to->stack_pointer : worker->scheduler;
    before_switch(here, there);
    switch_stack(here, there);
    after_switch(here);
}

static uint64_t next_random(Worker* worker) {
    uint64_t x = worker->random;
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    worker->random = x;
    return x * 0x2545F4914F6CDD1Dull >> 16;
}

static int random_bit(Worker* worker, unsigned mask) {
    for (int skip = int(next_random(worker) % unsigned(__builtin_popcount(mask))); skip > 0; skip--) mask &= mask - 1;
    return __builtin_ctz(mask);
}

// The next fiber to run, null if none can. `hint` is the warp that ran last: its data are in the cache.
static Fiber* pick(Worker* worker, Warp* hint) {
    if (!worker->ready_warps) return nullptr;
    bool stay = hint && hint->ready;
    Warp* warp;
    int lane;
    switch (worker->launch->order) {
        case Order::Forward:
            warp = stay ? hint : &worker->warps[__builtin_ctz(worker->ready_warps)];
            lane = __builtin_ctz(warp->ready);
            break;
        case Order::Backward:
            warp = stay ? hint : &worker->warps[31 - __builtin_clz(worker->ready_warps)];
            lane = 31 - __builtin_clz(warp->ready);
            break;
        case Order::WarpsShuffled:
            warp = stay ? hint : &worker->warps[random_bit(worker, worker->ready_warps)];
            lane = random_bit(worker, warp->ready);
            break;
        default:
            warp = &worker->warps[random_bit(worker, worker->ready_warps)];
            lane = random_bit(worker, warp->ready);
    }
    warp->ready &= ~(1u << lane);
    if (!warp->ready) worker->ready_warps &= ~(1u << warp->index);
    return static_cast<Fiber*>(warp->lanes[lane]);
}

void make_ready(Worker* worker, Warp* warp, unsigned lanes) {
    warp->ready |= lanes;
    if (warp->ready) worker->ready_warps |= 1u << warp->index;
}

void give_way(Worker* worker, Fiber* fiber) {
    if (worker->launch->expired.load(std::memory_order_relaxed)) fail_expired();
    Fiber* next = pick(worker, fiber->warp);
    if (next != fiber) jump(worker, fiber, next);       // null: a deadlock, which run_block reports
}

static void fiber_main() {
    after_first_switch(current_worker->scheduler);
    for (;;) {
        Worker* worker = current_worker;
        Fiber* fiber = current_fiber();
        Launch* launch = worker->launch;
        launch->call(launch->function, launch->arguments);
        Warp* warp = fiber->warp;
        warp->done |= 1u << fiber->lane;
        worker->alive--;
        fiber->site = {"return", {}};
        if (!fiber->copies.empty()) fail_unawaited(*fiber);
        if (worker->arrived) fail_left_barrier(*worker);
        jump(worker, fiber, pick(worker, warp));
    }
}

static void allocate(Worker* worker) {
    auto map = [](size_t bytes) {
        return static_cast<char*>(mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
    };
    worker->fibers = new Fiber[MaxThreads]();
    worker->stacks = map(StackStride * MaxThreads);
    for (int i = 0; i < MaxThreads; i++) {
        char* slot = worker->stacks + StackStride * size_t(i);
        mprotect(slot, StackGuard, PROT_NONE);
        worker->fibers[i].stack = slot + StackGuard;
    }
    worker->arena = map(ArenaSize);
    forbid(worker->arena, ArenaSize);
    worker->emergency = map(64 << 10);
}

void prepare_worker(Worker* worker) {
    if (!worker->fibers) allocate(worker);
    dim3 shape = worker->launch->threads;
    unsigned threads = shape.x * shape.y * shape.z;
    worker->threads = threads;
    worker->warp_count = (threads + 31) / 32;
    for (unsigned i = 0; i < threads; i++) {
        Fiber& fiber = worker->fibers[i];
        fiber.linear = i;
        fiber.lane = i & 31;
        fiber.warp = &worker->warps[i / 32];
        fiber.index = {i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y};
        fiber.warp->lanes[fiber.lane] = &fiber;
        if (fiber.prepared) continue;
        permit(fiber.stack, StackSize);                 // an abandoned kernel leaves the red zones of its locals
        fiber.stack_pointer.bottom = fiber.stack;
        fiber.stack_pointer.size = StackSize;
        fiber.stack_pointer.fake = nullptr;
        // Stacks start at different offsets in their pages, to spread over the cache sets.
        prepare_stack(fiber.stack_pointer, fiber.stack, StackSize - (i * 320) % 4096, fiber_main);
        fiber.prepared = true;
    }
    for (unsigned i = 0; i < worker->warp_count; i++) {
        worker->warps[i].index = i;
        bool full = i + 1 < worker->warp_count || threads % 32 == 0;
        worker->warps[i].exist = full ? ~0u : (1u << threads % 32) - 1;
    }
}

void run_block(Worker* worker, uint64_t number) {
    Launch* launch = worker->launch;
    worker->block.index = {unsigned(number % launch->grid.x), unsigned(number / launch->grid.x % launch->grid.y),
        unsigned(number / launch->grid.x / launch->grid.y)};
    worker->block_number = number;
    worker->block_epoch++;
    worker->barriers++;
    forbid(worker->arena, worker->arena_used);
    worker->arena_used = 0;
    worker->shared_used = 0;
    worker->dynamic = nullptr;
    worker->segments.clear();
    worker->alive = worker->threads;
    worker->arrived = 0;
    worker->ready_warps = 0;
    worker->aborted = false;
    worker->random = ((launch->seed + 1) * 0x9E3779B97F4A7C15ull ^ (number + 1) * 0xD1B54A32D192ED03ull) | 1;
    for (unsigned i = 0; i < worker->threads; i++) {
        worker->fibers[i].committed_groups = 0;
        worker->fibers[i].copies.clear();
    }
    for (unsigned i = 0; i < worker->warp_count; i++) {
        Warp& warp = worker->warps[i];
        warp.ready = warp.exist;
        warp.waiting = warp.at_barrier = warp.done = 0;
        worker->ready_warps |= 1u << i;
    }
    jump(worker, nullptr, pick(worker, nullptr));
    if (launch->hooked) finish_block(worker);
    if (worker->alive && !worker->aborted) report_deadlock(*worker);
    if (!worker->aborted && !Sanitized) check_red_zones(worker);
    // An aborted block leaves its fibers in the middle of the kernel, so recreate them.
    if (worker->aborted)
        for (int i = 0; i < MaxThreads; i++) worker->fibers[i].prepared = false;
}

}
