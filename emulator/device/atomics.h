// Atomic operations. Blocks run on several OS threads, so these are real atomics.
#pragma once
#include "language.h"

namespace csunet {
template <typename T, typename Change> T atomic_update(T* p, Change change) {
    using Bits = std::conditional_t<sizeof(T) == 8, uint64_t, uint32_t>;
    Bits old = __atomic_load_n(reinterpret_cast<Bits*>(p), __ATOMIC_RELAXED), next;
    do next = __builtin_bit_cast(Bits, change(__builtin_bit_cast(T, old)));
    while (!__atomic_compare_exchange_n(reinterpret_cast<Bits*>(p), &old, next, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    return __builtin_bit_cast(T, old);
}
}

inline int atomicAdd(int* p, int v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
inline unsigned atomicAdd(unsigned* p, unsigned v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
inline unsigned long long atomicAdd(unsigned long long* p, unsigned long long v) { return __atomic_fetch_add(p, v, __ATOMIC_RELAXED); }
inline float atomicAdd(float* p, float v) { return csunet::atomic_update(p, [=](float old) { return old + v; }); }
inline int atomicMax(int* p, int v) { return csunet::atomic_update(p, [=](int old) { return old > v ? old : v; }); }
inline int atomicMin(int* p, int v) { return csunet::atomic_update(p, [=](int old) { return old < v ? old : v; }); }
inline unsigned atomicMax(unsigned* p, unsigned v) { return csunet::atomic_update(p, [=](unsigned old) { return old > v ? old : v; }); }
inline int atomicOr(int* p, int v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }
inline unsigned atomicOr(unsigned* p, unsigned v) { return __atomic_fetch_or(p, v, __ATOMIC_RELAXED); }
inline int atomicExch(int* p, int v) { return __atomic_exchange_n(p, v, __ATOMIC_RELAXED); }
inline int atomicCAS(int* p, int expected, int v) {
    __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}
inline unsigned atomicCAS(unsigned* p, unsigned expected, unsigned v) {
    __atomic_compare_exchange_n(p, &expected, v, false, __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    return expected;
}
