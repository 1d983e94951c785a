// Barriers, shuffles and votes.
#pragma once
#include "machine.h"

inline void __syncthreads(CSUNET_HERE) { csunet::block_barrier(csunet::Vote::None, 0, CSUNET_SITE("__syncthreads")); }
inline int __syncthreads_and(int p, CSUNET_HERE) { return csunet::block_barrier(csunet::Vote::And, p, CSUNET_SITE("__syncthreads_and")); }
inline int __syncthreads_or(int p, CSUNET_HERE) { return csunet::block_barrier(csunet::Vote::Or, p, CSUNET_SITE("__syncthreads_or")); }
inline int __syncthreads_count(int p, CSUNET_HERE) {
    return csunet::block_barrier(csunet::Vote::Count, p, CSUNET_SITE("__syncthreads_count"));
}
inline void __syncwarp(unsigned mask = ~0u, CSUNET_HERE) {
    csunet::warp_collective(mask, +[](csunet::Thread* const*, unsigned) {}, nullptr, CSUNET_SITE("__syncwarp"), true);
}
inline void __threadfence() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
inline void __threadfence_block() { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

namespace csunet {

enum class Shuffle { Index, Up, Down, Xor };
template <typename T> struct ShuffleLane { T value; int operand, width; T result; };

// The lane that `lane` reads, by the rules of the PTX instruction: outside its segment a lane reads itself.
constexpr int shuffle_source(Shuffle kind, int lane, int operand, int width) {
    int segment = lane & ~(width - 1);
    switch (kind) {
        case Shuffle::Index: return segment + (operand & (width - 1));
        case Shuffle::Up: return lane - operand < segment ? lane : lane - operand;
        case Shuffle::Down: return lane + operand >= segment + width ? lane : lane + operand;
        default: return (lane ^ operand) >= segment + width ? lane : lane ^ operand;
    }
}

template <typename T, Shuffle Kind> T shuffle(unsigned mask, T value, int operand, int width, CallSite site) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "shuffles move 4 or 8 bytes");
    ShuffleLane<T> mine{value, operand, width, value};
    warp_collective(mask, +[](Thread* const* lanes, unsigned present) __attribute__((no_sanitize("thread"))) {
        for (unsigned rest = present; rest; rest &= rest - 1) {
            int lane = __builtin_ctz(rest);
            auto* own = static_cast<ShuffleLane<T>*>(lanes[lane]->argument);
            int source = shuffle_source(Kind, lane, own->operand, own->width);
            if (!(present >> source & 1))
                fail(lanes[lane]->site, "lane %d reads lane %d, which is not in mask %08x (or does not exist)", lane, source, present);
            own->result = static_cast<ShuffleLane<T>*>(lanes[source]->argument)->value;
        }
    }, &mine, site);
    return mine.result;
}

struct BallotLane { int predicate; unsigned result; };
inline unsigned ballot(unsigned mask, int predicate, CallSite site) {
    BallotLane mine{predicate, 0};
    warp_collective(mask, +[](Thread* const* lanes, unsigned present) __attribute__((no_sanitize("thread"))) {
        unsigned bits = 0;
        for (unsigned rest = present; rest; rest &= rest - 1) {
            int lane = __builtin_ctz(rest);
            if (static_cast<BallotLane*>(lanes[lane]->argument)->predicate) bits |= 1u << lane;
        }
        for (unsigned rest = present; rest; rest &= rest - 1)
            static_cast<BallotLane*>(lanes[__builtin_ctz(rest)]->argument)->result = bits;
    }, &mine, site);
    return mine.result;
}

}

template <typename T> T __shfl_sync(unsigned mask, T value, int lane, int width = 32, CSUNET_HERE) {
    return csunet::shuffle<T, csunet::Shuffle::Index>(mask, value, lane, width, CSUNET_SITE("__shfl_sync"));
}
template <typename T> T __shfl_up_sync(unsigned mask, T value, int delta, int width = 32, CSUNET_HERE) {
    return csunet::shuffle<T, csunet::Shuffle::Up>(mask, value, delta, width, CSUNET_SITE("__shfl_up_sync"));
}
template <typename T> T __shfl_down_sync(unsigned mask, T value, int delta, int width = 32, CSUNET_HERE) {
    return csunet::shuffle<T, csunet::Shuffle::Down>(mask, value, delta, width, CSUNET_SITE("__shfl_down_sync"));
}
template <typename T> T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32, CSUNET_HERE) {
    return csunet::shuffle<T, csunet::Shuffle::Xor>(mask, value, bits, width, CSUNET_SITE("__shfl_xor_sync"));
}
inline unsigned __ballot_sync(unsigned mask, int p, CSUNET_HERE) { return csunet::ballot(mask, p, CSUNET_SITE("__ballot_sync")); }
inline int __any_sync(unsigned mask, int p, CSUNET_HERE) { return csunet::ballot(mask, p, CSUNET_SITE("__any_sync")) != 0; }
inline int __all_sync(unsigned mask, int p, CSUNET_HERE) { return csunet::ballot(mask, !p, CSUNET_SITE("__all_sync")) == 0; }
