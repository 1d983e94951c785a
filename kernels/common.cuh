// The only header that kernels include, and the only host/device #if of the project. On a GPU (NVRTC 11.8 to 13, sm_80 and newer) the
// functions below are PTX; for the emulator (g++) each has a plain C++ twin of the same name in emulator/device. It needs no header of the
// CUDA toolkit.
//
//   SHARED(type, name, [dims]);   SHARED_DYN(type, name);   EXPORT_KERNEL(name, (instantiation));
//   load_vector, store_vector, load2, load4, load8, store2, ...  memory, in accesses of 4 to 16 bytes
//   float_to_tf32, to_float, from_float<T>, pack_bf16x2          conversions; bf16 is a type of its own
//   mma_m16n8k8_tf32, mma_m16n8k16_bf16, ldmatrix_x4, ldmatrix_x4_trans
//   cp_async_16, cp_async_commit, cp_async_wait<N>
//   warp_sum, warp_max, block_sum<THREADS>, block_max<THREADS>   reductions in a fixed order
//   philox, philox_element, uniform_from_bits                    random numbers
//   Sum, add, value, lanes_sum, block_sum                        sums to about twice float's precision, in a fixed order
//   column_statistics                                            mean, deviations and their squares per column of a tile
//   group_sum<GROUP>, group_max, group_softmax, load_label       rows that a part of a warp shares
//   gelu_of, gelu_derivative                                       activations
//   load_pack, store_pack, give_pack, for_each_pack                 passes over memory, four elements at a time and one at a time
//   RowPlace                                                     rows of merged or shuffled patches
#pragma once

#if defined(__CUDACC__) || defined(__CUDACC_RTC__)

// Shared arrays are aligned to 16 bytes, as vector accesses, ldmatrix and cp.async require.
#define SHARED(type, name, ...) __shared__ __align__(16) type name __VA_ARGS__
#define SHARED_DYN(type, name) \
    extern __shared__ __align__(16) unsigned char dynamic_shared_memory[]; \
    type* const name = reinterpret_cast<type*>(dynamic_shared_memory)
// The loader reads these lines and asks NVRTC for each instantiation (nvrtcAddNameExpression).
#define EXPORT_KERNEL(name, ...) static_assert(true, "")
// See below: reports of the emulator attribute a helper's accesses to the line that called it.
#define CALLER
#define FROM_CALLER
#define FROM_CALLER_ONLY
#ifndef INFINITY
#define INFINITY __int_as_float(0x7f800000)
#endif

template <typename V> __device__ __forceinline__ V load_vector(const V* p) { return *p; }
template <typename V> __device__ __forceinline__ void store_vector(V* p, V value) { *p = value; }

__device__ __forceinline__ unsigned float_to_tf32(float x) {
    unsigned r;
    asm("cvt.rna.tf32.f32 %0, %1;" : "=r"(r) : "f"(x));
    return r;
}
__device__ __forceinline__ unsigned short float_to_bf16_bits(float x) {
    unsigned short r;
    asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r) : "f"(x));
    return r;
}
__device__ __forceinline__ unsigned pack_bf16x2(float low, float high) {
    unsigned r;
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(r) : "f"(high), "f"(low));
    return r;
}

// c += a * b. Lane 4g+q of the warp holds (m16n8k8, tf32): a[g][q], a[g+8][q], a[g][q+4], a[g+8][q+4]; b[q][g], b[q+4][g];
// c[g][2q], c[g][2q+1], c[g+8][2q], c[g+8][2q+1].
__device__ __forceinline__ void mma_m16n8k8_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}
// m16n8k16, bf16: pairs along k. a: (g, 2q), (g+8, 2q), (g, 2q+8), (g+8, 2q+8); b: (2q, g), (2q+8, g); c as above.
__device__ __forceinline__ void mma_m16n8k16_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3]) : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

// Lane 8i+r gives the address of row r (16 bytes) of the 8x8 matrix i of 2-byte elements; lane l receives (l/4, 2(l%4)) and +1 of each.
__device__ __forceinline__ void ldmatrix_x4(unsigned (&r)[4], const void* row) {
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}
__device__ __forceinline__ void ldmatrix_x4_trans(unsigned (&r)[4], const void* row) {
    unsigned address = static_cast<unsigned>(__cvta_generic_to_shared(row));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
        : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3]) : "r"(address) : "memory");
}

// Copies the first `bytes` and fills the rest of the 16 with zeros; with 0 the source is not read.
__device__ __forceinline__ void cp_async_16(void* shared, const void* global, int bytes = 16) {
    unsigned to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes) : "memory");
}
__device__ __forceinline__ void cp_async_commit() { asm volatile("cp.async.commit_group;" ::: "memory"); }
// Waits until at most N of this thread's committed groups are in flight. Other threads see the data after the next barrier.
template <int N> __device__ __forceinline__ void cp_async_wait() { asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory"); }

#else

#include "emulated_device.h"
#define EXPORT_KERNEL(name, ...) static_assert(true, "")
#define CALLER , CSUNET_HERE
#define FROM_CALLER , csunet_at
#define FROM_CALLER_ONLY csunet_at

#endif

// ---- bf16: the upper half of a float32

struct __align__(2) bf16 { unsigned short bits; };

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float(static_cast<unsigned>(x.bits) << 16); }
template <typename T> __device__ __forceinline__ T from_float(float x);
template <> __device__ __forceinline__ float from_float<float>(float x) { return x; }
template <> __device__ __forceinline__ bf16 from_float<bf16>(float x) { return bf16{float_to_bf16_bits(x)}; }
__device__ __forceinline__ float bf16_low(unsigned pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float bf16_high(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }

// ---- vector accesses: the address is a multiple of the bytes moved

__device__ __forceinline__ float4 load4(const float* p CALLER) { return load_vector(reinterpret_cast<const float4*>(p) FROM_CALLER); }
__device__ __forceinline__ float4 load4(const bf16* p CALLER) {
    uint2 v = load_vector(reinterpret_cast<const uint2*>(p) FROM_CALLER);
    return make_float4(bf16_low(v.x), bf16_high(v.x), bf16_low(v.y), bf16_high(v.y));
}
__device__ __forceinline__ void store4(float* p, float4 v CALLER) { store_vector(reinterpret_cast<float4*>(p), v FROM_CALLER); }
__device__ __forceinline__ void store4(bf16* p, float4 v CALLER) {
    store_vector(reinterpret_cast<uint2*>(p), make_uint2(pack_bf16x2(v.x, v.y), pack_bf16x2(v.z, v.w)) FROM_CALLER);
}
__device__ __forceinline__ float2 load2(const float* p CALLER) { return load_vector(reinterpret_cast<const float2*>(p) FROM_CALLER); }
__device__ __forceinline__ float2 load2(const bf16* p CALLER) {
    unsigned v = load_vector(reinterpret_cast<const unsigned*>(p) FROM_CALLER);
    return make_float2(bf16_low(v), bf16_high(v));
}
__device__ __forceinline__ void store2(float* p, float x, float y CALLER) {
    store_vector(reinterpret_cast<float2*>(p), make_float2(x, y) FROM_CALLER);
}
__device__ __forceinline__ void store2(bf16* p, float x, float y CALLER) {
    store_vector(reinterpret_cast<unsigned*>(p), pack_bf16x2(x, y) FROM_CALLER);
}
// Eight bf16 in one 16-byte access.
__device__ __forceinline__ void load8(const bf16* p, float (&v)[8] CALLER) {
    uint4 u = load_vector(reinterpret_cast<const uint4*>(p) FROM_CALLER);
    v[0] = bf16_low(u.x), v[1] = bf16_high(u.x), v[2] = bf16_low(u.y), v[3] = bf16_high(u.y);
    v[4] = bf16_low(u.z), v[5] = bf16_high(u.z), v[6] = bf16_low(u.w), v[7] = bf16_high(u.w);
}
__device__ __forceinline__ void store8(bf16* p, const float (&v)[8] CALLER) {
    store_vector(reinterpret_cast<uint4*>(p),
        make_uint4(pack_bf16x2(v[0], v[1]), pack_bf16x2(v[2], v[3]), pack_bf16x2(v[4], v[5]), pack_bf16x2(v[6], v[7])) FROM_CALLER);
}

// ---- reductions: every thread gets the result; the order of the sum depends only on the number of threads

__device__ __forceinline__ float warp_sum(float v CALLER) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) v += __shfl_xor_sync(0xffffffffu, v, offset, 32 FROM_CALLER);
    return v;
}
__device__ __forceinline__ float warp_max(float v CALLER) {
#pragma unroll
    for (int offset = 16; offset > 0; offset >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, offset, 32 FROM_CALLER));
    return v;
}
// THREADS = threads of the block, a multiple of 32. The barrier at the end lets the next call write `partial` again.
template <int THREADS> __device__ __forceinline__ float block_sum(float v CALLER) {
    SHARED(float, partial, [32]);
    v = warp_sum(v FROM_CALLER);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
    __syncthreads(FROM_CALLER_ONLY);
    v = warp_sum(threadIdx.x % 32 < THREADS / 32 ? partial[threadIdx.x % 32] : 0.0f FROM_CALLER);
    __syncthreads(FROM_CALLER_ONLY);
    return v;
}
template <int THREADS> __device__ __forceinline__ float block_max(float v CALLER) {
    SHARED(float, partial, [32]);
    v = warp_max(v FROM_CALLER);
    if (threadIdx.x % 32 == 0) partial[threadIdx.x / 32] = v;
    __syncthreads(FROM_CALLER_ONLY);
    v = warp_max(threadIdx.x % 32 < THREADS / 32 ? partial[threadIdx.x % 32] : -INFINITY FROM_CALLER);
    __syncthreads(FROM_CALLER_ONLY);
    return v;
}

// ---- random numbers: Philox4x32-10 (Salmon et al. 2011), the same bits as Philox.Block of src/Tensor/Philox.cs

__device__ __forceinline__ uint4 philox(uint4 counter, uint2 key) {
#pragma unroll
    for (int round = 0; round < 10; round++) {
        unsigned high_a = __umulhi(0xD2511F53u, counter.x), low_a = 0xD2511F53u * counter.x;
        unsigned high_b = __umulhi(0xCD9E8D57u, counter.z), low_b = 0xCD9E8D57u * counter.z;
        counter = make_uint4(high_b ^ counter.y ^ key.x, low_b, high_a ^ counter.w ^ key.y, low_a);
        key.x += 0x9E3779B9u;
        key.y += 0xBB67AE85u;
    }
    return counter;
}
// The numbers of one element of one consumer in one step, as RandomKey.Bits.
__device__ __forceinline__ uint4 philox_element(unsigned long long element, unsigned step, unsigned layer, unsigned long long seed) {
    return philox(make_uint4(static_cast<unsigned>(element), static_cast<unsigned>(element >> 32), step, layer),
        make_uint2(static_cast<unsigned>(seed), static_cast<unsigned>(seed >> 32)));
}
// Uniform in [0, 1), a multiple of 2^-24, as RandomKey.Uniform.
__device__ __forceinline__ float uniform_from_bits(unsigned bits) { return static_cast<float>(bits >> 8) * (1.0f / (1 << 24)); }

// ---- compensated sums to about twice float's precision, without double: high + low is the sum, low is the rounding error of high

struct Sum { float high, low; };

__device__ __forceinline__ Sum zero_sum() { return Sum{0.0f, 0.0f}; }
// Knuth's two-sum: s + e is exactly a + b. Only additions, so no contraction to fused multiply-adds can change it.
__device__ __forceinline__ void add(Sum& sum, float x) {
    float s = sum.high + x, b = s - sum.high;
    sum.low += (sum.high - (s - b)) + (x - b);
    sum.high = s;
}
__device__ __forceinline__ void add(Sum& sum, Sum x) {
    add(sum, x.high);
    sum.low += x.low;
}
__device__ __forceinline__ float value(Sum sum) { return sum.high + sum.low; }
// Sums over the lanes whose numbers differ in the bits from FIRST to below LAST (powers of two); every lane gets the same sum.
template <int FIRST, int LAST> __device__ __forceinline__ Sum lanes_sum(Sum v CALLER) {
#pragma unroll
    for (int offset = LAST / 2; offset >= FIRST; offset >>= 1) {
        Sum other;
        other.high = __shfl_xor_sync(0xffffffffu, v.high, offset, 32 FROM_CALLER);
        other.low = __shfl_xor_sync(0xffffffffu, v.low, offset, 32 FROM_CALLER);
        // Both lanes put the lower lane's sum first, so that both compute the same bits.
        bool upper = threadIdx.x & offset;
        Sum first = upper ? other : v, second = upper ? v : other;
        add(first, second);
        v = first;
    }
    return v;
}
// Like block_sum. The barrier at the end lets the next call write `partial` again.
template <int THREADS> __device__ __forceinline__ Sum block_sum(Sum v CALLER) {
    SHARED(float2, partial, [32]);
    v = lanes_sum<1, 32>(v FROM_CALLER);
    if (threadIdx.x % 32 == 0) store_vector(&partial[threadIdx.x / 32], make_float2(v.high, v.low) FROM_CALLER);
    __syncthreads(FROM_CALLER_ONLY);
    float2 mine = threadIdx.x % 32 < THREADS / 32 ? load_vector(&partial[threadIdx.x % 32] FROM_CALLER) : make_float2(0.0f, 0.0f);
    v = lanes_sum<1, 32>(Sum{mine.x, mine.y} FROM_CALLER);
    __syncthreads(FROM_CALLER_ONLY);
    return v;
}
// Partial sums in global memory are pairs as well.
__device__ __forceinline__ void store_sum(float2* p, Sum v CALLER) { store_vector(p, make_float2(v.high, v.low) FROM_CALLER); }
__device__ __forceinline__ Sum load_sum(const float2* p CALLER) {
    float2 v = load_vector(p FROM_CALLER);
    return Sum{v.x, v.y};
}

// ---- statistics of a tile in shared memory, tile[row * ld + column], row < rows; only the first min(COLUMNS, `columns`) columns count

// Per column, of the values as T stores them: result[column] = centre, their mean to float's precision; result[stride + column] and
// result[2 stride + column] = the sums of the deviations from it and of their squares. A mean far from 0 therefore cancels nothing.
// No barrier at the end: the tile may still be read, but not written, and this function must not be called again before one.
template <typename T, int THREADS, int COLUMNS>
__device__ __forceinline__ void column_statistics(const float* tile, int ld, int rows, float* __restrict__ result, int stride, int columns CALLER) {
    constexpr int SHARES = THREADS / COLUMNS, SHORT = 16;
    SHARED(float, shares, [3][SHARES][COLUMNS]);
    int column = threadIdx.x % COLUMNS, share = threadIdx.x / COLUMNS;
    float sum = 0.0f;
    for (int row = share; row < rows; row += SHARES) sum += to_float(from_float<T>(load_vector(tile + row * ld + column FROM_CALLER)));
    store_vector(&shares[0][share][column], sum FROM_CALLER);
    __syncthreads(FROM_CALLER_ONLY);
    float centre = 0.0f;
#pragma unroll
    for (int i = 0; i < SHARES; i++) centre += load_vector(&shares[0][i][column] FROM_CALLER);
    centre /= static_cast<float>(rows);
    Sum deviations = zero_sum(), squares = zero_sum();
    for (int row = share; row < rows;) {
        float near = 0.0f, near_squares = 0.0f;
        for (int n = 0; n < SHORT && row < rows; n++, row += SHARES) {
            float d = to_float(from_float<T>(load_vector(tile + row * ld + column FROM_CALLER))) - centre;
            near += d;
            near_squares = fmaf(d, d, near_squares);
        }
        add(deviations, near);
        add(squares, near_squares);
    }
    store_vector(&shares[1][share][column], value(deviations) FROM_CALLER);
    store_vector(&shares[2][share][column], value(squares) FROM_CALLER);
    __syncthreads(FROM_CALLER_ONLY);
    if (share > 0 || column >= columns) return;
    float total = 0.0f, total_squares = 0.0f;
#pragma unroll
    for (int i = 0; i < SHARES; i++) {
        total += load_vector(&shares[1][i][column] FROM_CALLER);
        total_squares += load_vector(&shares[2][i][column] FROM_CALLER);
    }
    store_vector(result + column, centre FROM_CALLER);
    store_vector(result + stride + column, total FROM_CALLER);
    store_vector(result + 2 * stride + column, total_squares FROM_CALLER);
}

// ---- rows shared by GROUP lanes: every lane gets the result

template <int GROUP> __device__ __forceinline__ float group_sum(float v CALLER) {
#pragma unroll
    for (int offset = GROUP / 2; offset > 0; offset >>= 1) v += __shfl_xor_sync(0xffffffffu, v, offset, 32 FROM_CALLER);
    return v;
}
template <int GROUP> __device__ __forceinline__ float group_max(float v CALLER) {
#pragma unroll
    for (int offset = GROUP / 2; offset > 0; offset >>= 1) v = fmaxf(v, __shfl_xor_sync(0xffffffffu, v, offset, 32 FROM_CALLER));
    return v;
}
// Softmax of a row of K numbers, lane l holding x[i] = element l + GROUP i, -INFINITY from K on; x becomes the probabilities.
// Returns log of the sum of exp(x - top); top is the largest.
template <int GROUP, int ITEMS> __device__ __forceinline__ float group_softmax(float (&x)[ITEMS], float& top CALLER) {
    top = x[0];
#pragma unroll
    for (int i = 1; i < ITEMS; i++) top = fmaxf(top, x[i]);
    top = group_max<GROUP>(top FROM_CALLER);
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) sum += x[i] = expf(x[i] - top);
    sum = group_sum<GROUP>(sum FROM_CALLER);
#pragma unroll
    for (int i = 0; i < ITEMS; i++) x[i] /= sum;
    return logf(sum);
}

// ---- exact GELU: x Phi(x), Phi(x) = erfc(-x / sqrt 2) / 2, which does not cancel for negative x

__device__ __forceinline__ float normal_distribution(float x) { return 0.5f * erfcf(-0.70710678118654752f * x); }
__device__ __forceinline__ float gelu_of(float x) { return x * normal_distribution(x); }
__device__ __forceinline__ float gelu_derivative(float x) { return normal_distribution(x) + x * (0.39894228040143268f * expf(-0.5f * x * x)); }

// ---- class labels, one per row: uint8 (bytes = 1), int32 (bytes = 4) or int64 (bytes = 8)

constexpr int LABEL_IGNORED = -1, LABEL_INVALID = -2;
__device__ __forceinline__ int load_label(const void* labels, int bytes, long long row, int K, long long ignore CALLER) {
    long long label = bytes == 1 ? load_vector(static_cast<const unsigned char*>(labels) + row FROM_CALLER)
                    : bytes == 4 ? load_vector(static_cast<const int*>(labels) + row FROM_CALLER)
                                 : load_vector(static_cast<const long long*>(labels) + row FROM_CALLER);
    return label == ignore ? LABEL_IGNORED : label >= 0 && label < K ? static_cast<int>(label) : LABEL_INVALID;
}

// ---- elementwise passes

template <typename... P> __device__ __forceinline__ bool aligned16(const P*... p) {
    return ((reinterpret_cast<unsigned long long>(p) | ...) & 15) == 0;
}
__device__ __forceinline__ float load1(const float* p CALLER) { return load_vector(p FROM_CALLER); }
__device__ __forceinline__ float load1(const bf16* p CALLER) { return to_float(load_vector(p FROM_CALLER)); }
__device__ __forceinline__ void store1(float* p, float v CALLER) { store_vector(p, v FROM_CALLER); }
__device__ __forceinline__ void store1(bf16* p, float v CALLER) { store_vector(p, from_float<bf16>(v) FROM_CALLER); }

// Four elements to shared memory as float: asynchronously if they are floats; cp_async_commit, cp_async_wait and a barrier must follow.
__device__ __forceinline__ void stage4(float* shared, const float* global CALLER) { cp_async_16(shared, global, 16 FROM_CALLER); }
__device__ __forceinline__ void stage4(float* shared, const bf16* global CALLER) { store4(shared, load4(global FROM_CALLER) FROM_CALLER); }

// V elements at once, V = 1 or 4, so that one template serves both widths; with V = 1 the other three are 0. V is a plain argument because
// NVRTC 11.8 treats generic lambdas as host functions; after inlining it is a constant.
struct Pack { float v[4]; };
template <typename T> __device__ __forceinline__ Pack load_pack(const T* p, int V CALLER) {
    if (V == 1) return Pack{{load1(p FROM_CALLER), 0.0f, 0.0f, 0.0f}};
    float4 four = load4(p FROM_CALLER);
    return Pack{{four.x, four.y, four.z, four.w}};
}
template <typename T> __device__ __forceinline__ void store_pack(T* p, const Pack& pack, int V CALLER) {
    if (V == 1) store1(p, pack.v[0] FROM_CALLER);
    else store4(p, make_float4(pack.v[0], pack.v[1], pack.v[2], pack.v[3]) FROM_CALLER);
}
// = or, if `accumulate`, +=. Every gradient is written this way.
template <typename T> __device__ __forceinline__ void give_pack(T* p, Pack pack, int accumulate, int V CALLER) {
    if (accumulate) {
        Pack old = load_pack(p, V FROM_CALLER);
#pragma unroll
        for (int k = 0; k < 4; k++) pack.v[k] += old.v[k];
    }
    store_pack(p, pack, V FROM_CALLER);
}

// A pass over `count` elements by a one-dimensional grid of any size: f(i, 4) for groups of four elements if `vectors`, which
// needs every address to be a multiple of 16, and f(i, 1) for each of the rest.
template <typename F> __device__ __forceinline__ void for_each_pack(long long count, bool vectors, const F& f) {
    long long thread = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x, threads = static_cast<long long>(gridDim.x) * blockDim.x;
    long long groups = vectors ? count / 4 : 0;
    for (long long i = thread; i < groups; i += threads) f(4 * i, 4);
    for (long long i = 4 * groups + thread; i < count; i += threads) f(i, 1);
}
// A pass over (rows, elements): f(row, i, 4) for every group of four elements of a row if `vectors`, which needs elements % 4 == 0
// and every address to be a multiple of 16; otherwise f(row, i, 1) for every element.
// Launch: blocks (x, 256 / x), x = the packs of a row rounded up to a power of two from 8 to 256, so that narrow rows fill a warp
// together; grid (any, ceil(packs / x) at most is useful; any up to 65535, ceil(rows / (256 / x)) at most is useful).
template <typename F> __device__ __forceinline__ void for_each_row_pack(long long rows, int elements, bool vectors, const F& f) {
    int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x;
    for (long long row = static_cast<long long>(blockIdx.y) * blockDim.y + threadIdx.y; row < rows; row += static_cast<long long>(gridDim.y) * blockDim.y) {
        if (vectors)
            for (int i = first; i < elements / 4; i += step) f(row, 4 * i, 4);
        else
            for (int i = first; i < elements; i += step) f(row, i, 1);
    }
}

// ---- the addresses of rows that patch merging gathers or pixel shuffle spreads

enum RowLayout { IN_ORDER, MERGED, SHUFFLED };

// Element c of row r of a tensor is at start(r) + offset(c).
struct RowPlace {
    int layout, W, s, C;
    __device__ __forceinline__ long long start(int row) const {
        if (layout == IN_ORDER) return static_cast<long long>(row) * C;
        if (layout == MERGED) {
            // row = (b H + y) W + x, merged[b,y,x,(2 dx + dy) K + k] = input[b,2y+dy,2x+dx,k], K = C / 4: (2 (b H + y) 2 W + 2 x) K
            int line = row / W, x = row - line * W;
            return (4ll * line * W + 2 * x) * (C / 4);
        }
        // row = ((b H + y) s + p1) s W + s x + p2, shuffled[b,s y+p1,s x+p2,c] = input[b,y,x,(p1 s + p2) C + c]
        int fine_line = row / (s * W), fine_x = row - fine_line * (s * W), line = fine_line / s, p1 = fine_line - line * s;
        int x = fine_x / s, p2 = fine_x - x * s;
        return ((static_cast<long long>(line) * W + x) * (s * s) + p1 * s + p2) * C;
    }
    __device__ __forceinline__ int offset(int c) const {
        if (layout != MERGED) return c;
        int K = C / 4, part = c / K;
        // dy = part % 2, dx = part / 2: (dy 2 W + dx) K + k
        return (part % 2 * 2 * W + part / 2) * K + c - part * K;
    }
};
