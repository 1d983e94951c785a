// The machine that runs kernels: its functions for kernels compiled by g++. One fiber per CUDA thread; a block stays on one OS thread.
#pragma once
#include "language.h"

#pragma GCC visibility push(default)    // kernel modules link against these
namespace csunet {

struct Warp;
struct Thread;

// Where a thread waits or fails: the operation's name and the kernel's source line, which a default argument fills in at the call.
struct CallSite {
    const char* operation;
    std::source_location at;
};
#define CSUNET_HERE std::source_location csunet_at = std::source_location::current()
#define CSUNET_SITE(operation) (csunet::CallSite{operation, csunet_at})

// Runs once for all lanes of the mask, on the stack of the last lane to arrive.
using WarpOperation = void (*)(Thread* const* lanes, unsigned mask);

// The part of a thread that kernels see; the machine's part follows it (machine/state.h).
struct Thread {
    uint3 index;
    unsigned lane;
    Warp* warp;
    unsigned mask;              // lanes of the collective that it waits for
    WarpOperation operation;
    void* argument;
    CallSite site;
};
struct Block {
    uint3 index;
    dim3 grid, threads;
};
extern __thread Thread* current_thread __attribute__((tls_model("initial-exec")));
extern __thread Block* current_block __attribute__((tls_model("initial-exec")));

enum class Vote { None, And, Or, Count };
int block_barrier(Vote vote, int predicate, CallSite site);
// Returns when `operation` has run for every lane of `mask`. Only an ordering collective (__syncwarp) orders memory accesses.
void warp_collective(unsigned mask, WarpOperation operation, void* argument, CallSite site, bool orders_memory = false);
[[noreturn]] void fail(CallSite site, const char* format, ...) __attribute__((format(printf, 2, 3)));
[[noreturn]] void fail_misaligned(CallSite site, const void* address, size_t bytes);

// One per SHARED declaration: static in the function, so that a second call finds the same array of the block.
struct SharedArray {
    unsigned size, alignment;
    const char *name, *file;
    int line;
    int id;
};
void* shared_array(SharedArray* array);
void* shared_dynamic();

void async_copy(void* shared, const void* global, int size, int bytes, CallSite site);
void async_commit();
void async_wait(int groups_in_flight);

// The lane arguments of the matrix instructions; each runs once per warp.
struct MmaLane { float* c; const unsigned *a, *b; };
struct LdmatrixLane { unsigned* r; const void* row; int matrices; bool transposed; };
void mma_tf32(Thread* const* lanes, unsigned mask);
void mma_bf16(Thread* const* lanes, unsigned mask);
void ldmatrix(Thread* const* lanes, unsigned mask);

}
#pragma GCC visibility pop

#define threadIdx (csunet::current_thread->index)
#define blockIdx (csunet::current_block->index)
#define blockDim (csunet::current_block->threads)
#define gridDim (csunet::current_block->grid)
constexpr int warpSize = 32;

#define SHARED(type, name, ...) \
    static csunet::SharedArray csunet_shared_##name{ \
        sizeof(std::type_identity_t<type __VA_ARGS__>), alignof(type), #name, __FILE__, __LINE__, -1}; \
    auto& name = *reinterpret_cast<std::type_identity_t<type __VA_ARGS__>*>(csunet::shared_array(&csunet_shared_##name))
#define SHARED_DYN(type, name) type* const name = reinterpret_cast<type*>(csunet::shared_dynamic())
