// Planted bugs. Each takes x and y of 128 floats and runs with 128 threads unless the test says otherwise. A line that must appear in the
// report ends with "//! name kind" (//!hook, //!plain: in that mode only). Kernels named right_* must pass without a finding.
#include "common.cuh"

__global__ void race_missing_barrier(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    s[t] = x[t];
    y[t] = s[127 - t];          //!hook race_missing_barrier race
}
// The barrier at the end of the loop is missing: a thread overwrites the tile that others still read.
__global__ void race_missing_barrier_in_loop(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    float a = 0;
    for (int i = 0; i < 3; i++) {
        s[t] = x[t] * (i + 1);  //!hook race_missing_barrier_in_loop race
        __syncthreads();
        a += s[(t + 37) & 127];
    }
    y[t] = a;
}
__global__ void race_missing_syncwarp(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x, lane = t & 31;
    s[t] = x[t];
    __syncthreads();
    for (int o = 16; o > 0; o >>= 1)
        if (lane < o) s[t] += s[t + o];         //!hook race_missing_syncwarp race
    __syncthreads();
    y[t] = s[t & ~31];
}
__global__ void race_bytes(const float* x, float* y) {
    SHARED(unsigned char, s, [128]);
    int t = threadIdx.x;
    s[t] = x[t] > 0;
    y[t] = s[t ^ 1];            //!hook race_bytes race
}
// Each half of the warp synchronises by itself, but reads what the other half wrote.
__global__ void race_partial_syncwarp(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x, lane = t & 31;
    s[t] = x[t];
    __syncwarp(lane < 16 ? 0xffffu : 0xffff0000u);
    y[t] = s[t ^ 16];           //!hook race_partial_syncwarp race
}
__global__ void race_two_blocks(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x] + blockIdx.x;       //!hook race_two_blocks race
}
__global__ void overrun_shared_write(const float* x, float* y) {
    SHARED(float, s, [128]);    //!plain overrun_shared_write shared_overrun
    int t = threadIdx.x;
    s[t + 1] = x[t];            //!hook overrun_shared_write outside
    __syncthreads();
    y[t] = t ? s[t] : 0.0f;
}
__global__ void overrun_shared_read(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    y[t] = s[t + 1];            //!hook overrun_shared_read outside
}
__global__ void overrun_dynamic(const float* x, float* y) {
    SHARED_DYN(float, s);
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    y[t] = s[t + 1];            //!hook overrun_dynamic outside
}
__global__ void unwritten_shared(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    if (t < 100) s[t] = x[t];
    __syncthreads();
    y[t] = s[t];                //!hook unwritten_shared unwritten
}
// y is fresh memory, which this kernel adds to.
__global__ void unwritten_global(const float* x, float* y) {
    int t = threadIdx.x;
    y[t] += x[t];               //!hook unwritten_global unwritten
}
__global__ void overrun_global_read(const float* x, float* y) {
    int t = threadIdx.x;
    y[t] = x[t + 1];            //! overrun_global_read outside
}
__global__ void overrun_global_write(const float* x, float* y) {
    int t = threadIdx.x;
    y[t + 1] = x[t];            //! overrun_global_write outside
}
// Far enough for the guard zone in front of the buffer only: no fault, found after the launch.
__global__ void underrun_global_write(const float* x, float* y) {
    int t = threadIdx.x;
    y[t - 1] = x[t];            //!hook underrun_global_write outside
}
__global__ void null_pointer(const float* x, float* y) {
    int t = threadIdx.x;
    static_cast<float*>(nullptr)[t + 16] = x[t];        //! null_pointer outside
    y[t] = 0;
}
__global__ void use_after_free(const float* x, float* y) {
    int t = threadIdx.x;
    y[t] = x[t];                //! use_after_free use_after_free
}
__global__ void misaligned_vector(const float* x, float* y) {
    int t = threadIdx.x;
    if (t < 31) y[t] = load4(x + 4 * t + 1).x;          //! misaligned_vector misaligned
}
__global__ void async_not_awaited(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    if (t < 32) {
        cp_async_16(&s[4 * t], x + 4 * t);
        cp_async_commit();
    }
    __syncthreads();
    y[t] = s[t];                //!hook async_not_awaited async
    cp_async_wait<0>();
}
__global__ void async_left_behind(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    if (t < 32) cp_async_16(&s[4 * t], x + 4 * t);      //! async_left_behind async
    cp_async_commit();
    y[t] = 0;
}
__global__ void divergent_barrier(const float* x, float* y) {
    int t = threadIdx.x;
    if (t < 64) __syncthreads();
    else __syncthreads();       //! divergent_barrier divergence
    y[t] = x[t];
}
__global__ void barrier_in_branch(const float* x, float* y) {
    int t = threadIdx.x;
    if (t < 50) __syncthreads();        //! barrier_in_branch divergence
    y[t] = x[t];
}
__global__ void early_return(const float* x, float* y) {
    int t = threadIdx.x;
    if (t >= 100) return;
    __syncthreads();            //! early_return divergence
    y[t] = x[t];
}
__global__ void deadlock(const float* x, float* y) {
    int t = threadIdx.x;
    float v = x[t];
    if (t & 16) __syncthreads();
    v = __shfl_sync(0xffffffffu, v, 0); //! deadlock deadlock
    if (!(t & 16)) __syncthreads();
    y[t] = v;
}
__global__ void shuffle_in_branch(const float* x, float* y) {
    int t = threadIdx.x;
    float v = x[t];
    if (t % 32 < 20) v += __shfl_xor_sync(0xffffffffu, v, 1);   //! shuffle_in_branch deadlock divergence
    y[t] = v;
}
__global__ void two_shuffles(const float* x, float* y) {
    int t = threadIdx.x;
    float v = x[t];
    if (t & 1) v += __shfl_xor_sync(0xffffffffu, v, 1);
    else v += __shfl_xor_sync(0xffffffffu, v, 2);
    y[t] = v;                   // either shuffle may be named, so the test looks for the kind only
}
__global__ void shuffle_from_outside_mask(const float* x, float* y) {
    int t = threadIdx.x;
    float v = x[t];
    if (t % 32 < 16) v = __shfl_sync(0x0000ffffu, v, 20);       //! shuffle_from_outside_mask divergence
    y[t] = v;
}
__global__ void endless_loop(const float* x, float* y) {
    SHARED(int, flag, [1]);
    int t = threadIdx.x;
    if (t == 0) flag[0] = 0;
    __syncthreads();
    if (t == 5) while (*const_cast<volatile int*>(flag) == 0) {}        //! endless_loop timeout
    y[t] = x[t];
}
__device__ float deep(float* p, int n) {
    volatile float a[64];
    for (int i = 0; i < 64; i++) a[i] = p[0] + i;
    return n == 0 ? a[3] : deep(p, n - 1) + a[n & 63];
}
__global__ void stack_overflow(const float* x, float* y) {
    float v = x[threadIdx.x];
    y[threadIdx.x] = deep(&v, 100000);
}
__global__ void too_much_static(const float* x, float* y) {
    SHARED(float, s, [13000]);  //! too_much_static resources
    s[threadIdx.x] = x[threadIdx.x];
    y[threadIdx.x] = s[threadIdx.x];
}
__global__ void __launch_bounds__(64) beyond_launch_bounds(const float* x, float* y) { y[threadIdx.x] = x[threadIdx.x]; }
// Lane 0 writes for all: which of the lanes' values is kept depends on the order. (Every thread writes y[0].)
__global__ void order_dependent(const float* x, float* y) { y[0] = x[threadIdx.x]; }

// ---- right ones

__global__ void right_reduction(const float* x, float* y) {
    int t = threadIdx.x;
    float sum = block_sum<128>(x[t]), top = block_max<128>(x[t]);
    if (blockIdx.x == 0) y[t] = sum + top;
}
__global__ void right_syncwarp(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x, lane = t & 31;
    s[t] = x[t];
    unsigned half = lane < 16 ? 0xffffu : 0xffff0000u;
    __syncwarp(half);
    float v = s[t ^ 8];
    __syncwarp();
    s[t] = v;
    __syncwarp();
    if (blockIdx.x == 0) y[t] = s[t ^ 16];
}
__global__ void right_atomics(const float* x, float* y) {
    SHARED(int, histogram, [16]);
    int t = threadIdx.x;
    if (t < 16) histogram[t] = 0;
    __syncthreads();
    atomicAdd(&histogram[static_cast<int>(x[t]) & 15], 1);
    __syncthreads();
    if (blockIdx.x == 0) y[t] = static_cast<float>(histogram[t & 15]);
}
__global__ void right_bytes(const float* x, float* y) {
    SHARED(unsigned char, s, [128]);
    int t = threadIdx.x;
    s[t] = x[t] > 0;
    __syncthreads();
    if (blockIdx.x == 0) reinterpret_cast<unsigned char*>(y)[t] = s[t ^ 1];
}
__global__ void right_votes(const float* x, float* y) {
    int t = threadIdx.x, lane = t & 31;
    unsigned mask = lane < 16 ? 0xffffu : 0xffff0000u, bits;
    if (lane < 16) bits = __ballot_sync(mask, lane % 3 == 0);
    else bits = __ballot_sync(mask, lane % 5 == 0);
    int all = __syncthreads_count(x[t] > 0);
    if (blockIdx.x == 0) y[t] = __popc(bits) + all + __any_sync(0xffffffffu, lane == 31) + __all_sync(0xffffffffu, lane < 32);
}
__global__ void right_philox(const float* x, float* y) {
    uint4 r = philox(make_uint4(0, 0, 0, 0), make_uint2(0, 0));
    int t = threadIdx.x;
    if (blockIdx.x == 0 && x) y[t] = __uint_as_float(t == 0 ? r.x : t == 1 ? r.y : t == 2 ? r.z : r.w);
}

EXPORT_KERNEL(race_missing_barrier, (race_missing_barrier));
EXPORT_KERNEL(race_missing_barrier_in_loop, (race_missing_barrier_in_loop));
EXPORT_KERNEL(race_missing_syncwarp, (race_missing_syncwarp));
EXPORT_KERNEL(race_partial_syncwarp, (race_partial_syncwarp));
EXPORT_KERNEL(race_bytes, (race_bytes));
EXPORT_KERNEL(race_two_blocks, (race_two_blocks));
EXPORT_KERNEL(overrun_shared_write, (overrun_shared_write));
EXPORT_KERNEL(overrun_shared_read, (overrun_shared_read));
EXPORT_KERNEL(overrun_dynamic, (overrun_dynamic));
EXPORT_KERNEL(unwritten_shared, (unwritten_shared));
EXPORT_KERNEL(unwritten_global, (unwritten_global));
EXPORT_KERNEL(overrun_global_read, (overrun_global_read));
EXPORT_KERNEL(overrun_global_write, (overrun_global_write));
EXPORT_KERNEL(underrun_global_write, (underrun_global_write));
EXPORT_KERNEL(null_pointer, (null_pointer));
EXPORT_KERNEL(use_after_free, (use_after_free));
EXPORT_KERNEL(misaligned_vector, (misaligned_vector));
EXPORT_KERNEL(async_not_awaited, (async_not_awaited));
EXPORT_KERNEL(async_left_behind, (async_left_behind));
EXPORT_KERNEL(divergent_barrier, (divergent_barrier));
EXPORT_KERNEL(barrier_in_branch, (barrier_in_branch));
EXPORT_KERNEL(early_return, (early_return));
EXPORT_KERNEL(deadlock, (deadlock));
EXPORT_KERNEL(shuffle_in_branch, (shuffle_in_branch));
EXPORT_KERNEL(two_shuffles, (two_shuffles));
EXPORT_KERNEL(shuffle_from_outside_mask, (shuffle_from_outside_mask));
EXPORT_KERNEL(endless_loop, (endless_loop));
EXPORT_KERNEL(stack_overflow, (stack_overflow));
EXPORT_KERNEL(too_much_static, (too_much_static));
EXPORT_KERNEL(beyond_launch_bounds, (beyond_launch_bounds));
EXPORT_KERNEL(order_dependent, (order_dependent));
EXPORT_KERNEL(right_reduction, (right_reduction));
EXPORT_KERNEL(right_syncwarp, (right_syncwarp));
EXPORT_KERNEL(right_atomics, (right_atomics));
EXPORT_KERNEL(right_bytes, (right_bytes));
EXPORT_KERNEL(right_votes, (right_votes));
EXPORT_KERNEL(right_philox, (right_philox));
