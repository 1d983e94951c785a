// Vector accesses and asynchronous copies. g++ splits the copy of a struct into its members, so a vector access goes through these
// functions, which report it to the checker as one access.
#pragma once
#include "machine.h"

#if defined(CSUNET_HOOK)
extern "C" void csunet_access_read(const void* p, int bytes);
extern "C" void csunet_read_vector(void* to, const void* from, int bytes);
extern "C" void csunet_write_vector(void* to, const void* from, int bytes);
#else
inline void csunet_access_read(const void*, int) {}
inline void csunet_read_vector(void* to, const void* from, int bytes) { __builtin_memcpy(to, from, size_t(bytes)); }
inline void csunet_write_vector(void* to, const void* from, int bytes) { __builtin_memcpy(to, from, size_t(bytes)); }
#endif

// x86 allows a misaligned vector access; a GPU faults.
template <typename V> __forceinline__ V load_vector(const V* p, CSUNET_HERE) {
    if (reinterpret_cast<uintptr_t>(p) % sizeof(V))
        csunet::fail_misaligned(CSUNET_SITE("load_vector"), p, sizeof(V));
    V value;
    csunet_read_vector(&value, p, sizeof(V));
    return value;
}
template <typename V> __forceinline__ void store_vector(V* p, V value, CSUNET_HERE) {
    if (reinterpret_cast<uintptr_t>(p) % sizeof(V))
        csunet::fail_misaligned(CSUNET_SITE("store_vector"), p, sizeof(V));
    csunet_write_vector(p, &value, sizeof(V));
}
template <typename T> __forceinline__ T __ldg(const T* p, CSUNET_HERE) {
    if constexpr (sizeof(T) > 4) return load_vector(p, csunet_at);
    else return *p;
}

// cp.async: the destination is poisoned at issue and written only when its group is waited for.
inline void cp_async_16(void* shared, const void* global, int bytes = 16, CSUNET_HERE) {
    csunet::async_copy(shared, global, 16, bytes, CSUNET_SITE("cp_async_16"));
}
inline void cp_async_commit() { csunet::async_commit(); }
template <int N> inline void cp_async_wait() { csunet::async_wait(N); }
