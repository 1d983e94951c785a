// Block barriers and warp collectives.
#include "state.h"
#include "../check/findings.h"

namespace csunet {

static bool same_site(const CallSite& a, const CallSite& b) {
    return a.operation == b.operation && a.at.line() == b.at.line() && a.at.column() == b.at.column();
}

static void release_barrier(Worker* worker) {
    for (unsigned i = 0; i < worker->warp_count; i++) {
        Warp& warp = worker->warps[i];
        warp.at_barrier = 0;
        make_ready(worker, &warp, warp.exist & ~warp.done);
    }
    worker->arrived = 0;
    worker->barriers++;
}

int block_barrier(Vote vote, int predicate, CallSite site) {
    Worker* worker = current_worker;
    Fiber* fiber = current_fiber();
    fiber->site = site;
    fiber->warp->at_barrier |= 1u << fiber->lane;
    if (worker->alive != worker->threads) fail(site, "some threads have left the kernel and can never reach this barrier");
    if (worker->arrived == 0) {
        worker->barrier_site = site;
        worker->vote = vote == Vote::And;
    } else if (!same_site(worker->barrier_site, site)) {
        const CallSite& other = worker->barrier_site;
        fail(site, "divergent barrier: other threads of the block wait at %s, %s:%u", other.operation, other.at.file_name(),
            other.at.line());
    }
    bool yes = predicate != 0;
    if (vote == Vote::And) worker->vote &= yes;
    else if (vote == Vote::Or) worker->vote |= yes;
    else if (vote == Vote::Count) worker->vote += yes;
    if (++worker->arrived == worker->alive) {
        release_barrier(worker);
        if (vote != Vote::None)
            for (unsigned i = 0; i < worker->threads; i++) worker->fibers[i].vote_result = worker->vote;
    }
    give_way(worker, fiber);
    return fiber->vote_result;
}

// Merges the vector clocks of all lanes in the mask and advances them.
static void order_lanes(Warp* warp, unsigned mask) {
    uint16_t joined[32] = {};
    for (unsigned rest = mask; rest; rest &= rest - 1) {
        int lane = __builtin_ctz(rest);
        warp->seen[lane][lane] = ++warp->clock[lane];
        for (int i = 0; i < 32; i++) joined[i] = joined[i] > warp->seen[lane][i] ? joined[i] : warp->seen[lane][i];
    }
    for (unsigned rest = mask; rest; rest &= rest - 1) memcpy(warp->seen[__builtin_ctz(rest)], joined, sizeof joined);
}

void warp_collective(unsigned mask, WarpOperation operation, void* argument, CallSite site, bool orders_memory) {
    Worker* worker = current_worker;
    Fiber* fiber = current_fiber();
    Warp* warp = fiber->warp;
    unsigned bit = 1u << fiber->lane;
    fiber->mask = mask;
    fiber->operation = operation;
    fiber->argument = argument;
    fiber->site = site;
    if (!(mask & bit)) fail(site, "lane %u calls it with mask %08x, which does not name it", fiber->lane, mask);
    unsigned present = mask & warp->exist;
    if (present & warp->done) fail(site, "mask %08x names lanes %08x, which have left the kernel", mask, present & warp->done);
    warp->waiting |= bit;
    if ((warp->waiting & present) != present) {
        give_way(worker, fiber);
        return;
    }
    // The last lane to arrive does the work of all lanes, directly on their stacks.
    for (unsigned rest = present; rest; rest &= rest - 1) {
        Thread* other = warp->lanes[__builtin_ctz(rest)];
        if (other->operation != operation || other->mask != mask || !same_site(other->site, site))
            fail(site, "divergent warp: lane %u is at %s mask %08x, %s:%u", other->lane, other->site.operation, other->mask,
                other->site.at.file_name(), other->site.at.line());
    }
    operation(warp->lanes, present);
    if (orders_memory && worker->launch->hooked) order_lanes(warp, present);
    warp->waiting &= ~present;
    if (worker->launch->order >= Order::WarpsShuffled) {
        make_ready(worker, warp, present);
        give_way(worker, fiber);
    } else {
        make_ready(worker, warp, present & ~bit);       // in the regular orders the last lane continues running
    }
}

}
