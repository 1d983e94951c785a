// GEMM, C (M, N) = A B, row-major, with a fused prologue (DropPath) and epilogue, in three layouts named for the operands as stored:
//   NT: sums[m,n] = sum_k A[m,k] B[n,k]   a Linear's forward: A = input (M, K), B = weight (N, K), C = output
//       z = residual + keep(m) factor (sums + bias);   output = z, or gelu(z) with z written to `pre` if that is not null
//   NN: sums[m,n] = sum_k A[m,k] B[k,n]   its dInput: A = dOutput (M, K), B = weight (K, N)
//       dInput = residual + keep(m) factor sums gelu'(pre)     = or += (`accumulate`); pre (M, N): the input before its GELU, or null
//   TN: sums[m,n] = sum_k A[k,m] B[k,n]   its dWeight: A = dOutput (K, M), B = input (K, N)
//       dWeight = factor sums over the kept rows k, dBias[m] = factor sum_k A[k,m] likewise     = or += (`accumulate`, `accumulateBias`)
// keep(row) factor is DropPath's for the row's sample, row / rowsPerSample, drawn as in drop_path.cu; 1 if `step` is null. residual, pre
// (M, N), bias and dBias (M or N) may be null. gelu as in activation.cu. Everything but pre is read once. Saves pre; nothing else.
//
// _float32: float tensors, one fused multiply-add per product. _tf32: float tensors, operands rounded to tf32 (to nearest) on the matrix
// units. _bf16: bf16 tensors on the matrix units. bias, dBias, dWeight, partial results and all sums are float; dBias's are pairs (Sum of
// common.cuh). Compute-bound from about M, N, K = 256 up.
//
// A block of 128 threads owns a BM x BN tile of C: 64 x 64 for few tiles, 128 x 128, or in between 128 x 96, which fills channel counts of
// 96 2^i; without the matrix units 128 x 64.
// K is cut into slices of 64 bytes (16 float, 32 bf16). A pipeline of four stages moves them from global to shared memory (cp.async);
// elements outside the matrices, or of dropped rows, arrive as zeros. On the matrix units each of 2 x 2 warps owns a quarter of the tile;
// without them each of 16 x 8 threads owns BM / 16 rows of BN / 8 columns. The sums then go through the same shared memory, so that rows of
// C are read and written in whole sectors, and one loop for all layouts applies the epilogue.
// Split-K: block z sums over k from z depth to below (z + 1) depth only and writes to partial (splits, M, N); gemm_*_total adds the splits
// in order and applies the epilogue. dBias's partial sums go to partialBias (splits, M), pairs.
// Without `any`: addresses are multiples of 16 bytes, and so are the rows of A, B and C (of a bf16 C: 8 bytes). Rows that are not a
// multiple of 32 bytes cost up to 1.5 times the ideal sectors. `any` supports all shapes with one element per load; its rows are not
// aligned to sectors, and it reads up to 2 times the ideal sectors.
// Launch: 128 threads, grid (ceil(N / BN), ceil(M / BM), splits), splits = ceil(K / depth), depth a multiple of a slice, partial null if
// splits = 1; dynamic shared memory 4 (BM + BN) 64 bytes, float32 68. Totals: for_each_row_pack over (M, N), any grid, no shared memory.
// Over 1.25 times the ideal: gemm_nt_any_*, gemm_nn_any_bf16, gemm_tn_any_bf16: rows of a length off four elements begin anywhere in a sector.
#include "common.cuh"

constexpr int THREADS = 128, STAGES = 4;

enum Layout { NT, NN, TN };

// DropPath's mask; none if step is null.
struct Draw {
    const unsigned* step;
    int rowsPerSample;
    unsigned threshold;
    float factor;
    unsigned layer;
    unsigned long long seed;
    __device__ __forceinline__ bool keeps(int sample) const {
        return philox_element(static_cast<unsigned long long>(sample), *step, layer, seed).x >> 8 >= threshold;
    }
    __device__ __forceinline__ float of_row(int row) const { return !step ? 1.0f : keeps(row / rowsPerSample) ? factor : 0.0f; }
};
// The same for a thread that asks for rows in ascending order: one draw per sample.
struct KeptRows {
    Draw draw;
    int end;
    bool kept;
    __device__ __forceinline__ bool operator()(int row) {
        if (draw.step && row >= end) {
            int sample = row / draw.rowsPerSample;
            end = (sample + 1) * draw.rowsPerSample;
            kept = draw.keeps(sample);
        }
        return kept;
    }
};
struct AllRows {
    __device__ __forceinline__ bool operator()(int) const { return true; }
};

// A slice of an operand in shared memory: `OUTER` rows of `INNER` elements, as stored in global memory.
template <typename T, bool MATRIX, bool K_INNER, int OUTER, int INNER> struct Slice {
    static constexpr int PER = 16 / sizeof(T), CHUNKS = INNER / PER, SIZE = OUTER * INNER + (!MATRIX && K_INNER ? OUTER : 0);
    // Place of slice[o, i]. Matrix units: a swizzle permutes the 16-byte chunks of a row, so that the chunks read at once (one of each of
    // eight rows, or two of each of four for float with K outer) have no bank conflicts. Else: a padding of 16 bytes after every four rows
    // along K, because a thread owns four consecutive rows.
    static __device__ __forceinline__ int slot(int o, int i) {
        if (!MATRIX) return o * INNER + (K_INNER ? o / 4 * 4 : 0) + i;
        int turn = PER == 4 && !K_INNER ? o % 4 * 2 : CHUNKS % 8 == 0 ? o % 8 : o / 2 % 4;
        return o * INNER + (i / PER ^ turn) * PER + i % PER;
    }
    // slice[o, i] = matrix[o0 + o, i0 + i]; 0 from row `outers` and column `inners` on and where `keep` is false.
    template <int V, typename KEEP>
    static __device__ __forceinline__ void load(T* slice, const T* __restrict__ matrix, int stride, int o0, int i0, int outers, int inners, KEEP& keep) {
        constexpr int STEP = V == 4 ? PER : 1;
#pragma unroll
        for (int piece = threadIdx.x; piece < OUTER * INNER / STEP; piece += THREADS) {
            int o = piece / (INNER / STEP), i = piece % (INNER / STEP) * STEP;
            bool inside = o0 + o < outers && i0 + i < inners && keep(o0 + o);
            const T* from = inside ? matrix + static_cast<long long>(o0 + o) * stride + i0 + i : matrix;
            if (V == 4) cp_async_16(slice + slot(o, i), from, inside ? 16 : 0);
            else slice[slot(o, i)] = inside ? *from : T{};
        }
    }
};

// The slices of a layout: K is the inner dimension of an operand stored as (rows, K), else the outer one.
template <typename TYPE, Layout LAYOUT, bool MATRIX, int BM, int BN> struct Slices {
    using T = TYPE;
    static constexpr int BK = 64 / sizeof(T);
    static constexpr bool A_K_INNER = LAYOUT != TN, B_K_INNER = LAYOUT == NT;
    using A = Slice<T, MATRIX, A_K_INNER, A_K_INNER ? BM : BK, A_K_INNER ? BK : BM>;
    using B = Slice<T, MATRIX, B_K_INNER, B_K_INNER ? BN : BK, B_K_INNER ? BK : BN>;
    static constexpr int STAGE = A::SIZE + B::SIZE;
    // The slice at k0 of a block's share of K, which ends at `end`.
    template <int V, typename KEEP> static __device__ __forceinline__ void load(T* stage, const T* a, const T* b, int m0, int n0, int k0, int M, int N, int K, int end, KEEP& keep) {
        AllRows all;
        if (A_K_INNER) A::template load<V>(stage, a, K, m0, k0, M, end, all);
        else A::template load<V>(stage, a, M, k0, m0, end, M, keep);
        if (B_K_INNER) B::template load<V>(stage + A::SIZE, b, K, n0, k0, N, end, all);
        else B::template load<V>(stage + A::SIZE, b, N, k0, n0, end, N, all);
    }
};

// The sums wait for the epilogue at m * BN + place. The swizzle of groups of eight columns keeps the four rows that are written at once
// free of bank conflicts.
template <int BN> __device__ __forceinline__ int tile_slot(int m, int n) { return m * BN + (n ^ m % 4 * 8); }

// A thread's part of the tile: COUNT groups of four sums, how to multiply a slice into them, and where they belong.
template <typename S, int BM, int BN, bool MATRIX> struct Tile;

template <typename S, int BM, int BN> struct Tile<S, BM, BN, true> {
    using T = typename S::T;
    static constexpr int WM = BM / 2, WN = BN / 2, MT = WM / 16, NT8 = WN / 8, COUNT = MT * NT8, PER = 16 / sizeof(T);
    static __device__ __forceinline__ int warp_m() { return static_cast<int>(threadIdx.x) / 64 * WM; }
    static __device__ __forceinline__ int warp_n() { return static_cast<int>(threadIdx.x) / 32 % 2 * WN; }
    // Four matrices of eight rows of 16 bytes (four floats or eight bf16), as mma expects. Matrix i of A is rows +8 (i % 2), columns
    // +16 bytes (i / 2) of a fragment; of B, two adjacent blocks of eight columns: columns +8 (i / 2), k +16 bytes (i % 2).
    static __device__ __forceinline__ void fragments(unsigned (&v)[4], const T* row) {
        ldmatrix_x4(v, row);
        if (PER == 4)
#pragma unroll
            for (int i = 0; i < 4; i++) v[i] = float_to_tf32(__uint_as_float(v[i]));
    }
    static __device__ __forceinline__ void fragment_a(unsigned (&a)[4], const T* slice, int m, int k) {
        int lane = threadIdx.x % 32, i = lane / 8, r = lane % 8;
        if constexpr (S::A_K_INNER) fragments(a, slice + S::A::slot(m + r + i % 2 * 8, k + i / 2 * PER));
        else if constexpr (PER == 8) ldmatrix_x4_trans(a, slice + S::A::slot(k + r + i / 2 * 8, m + i % 2 * 8));
        else {
#pragma unroll
            for (int e = 0; e < 4; e++) a[e] = float_to_tf32(slice[S::A::slot(k + lane % 4 + e / 2 * 4, m + lane / 4 + e % 2 * 8)]);
        }
    }
    static __device__ __forceinline__ void fragment_b(unsigned (&b)[4], const T* slice, int n, int k) {
        int lane = threadIdx.x % 32, i = lane / 8, r = lane % 8;
        if constexpr (S::B_K_INNER) fragments(b, slice + S::B::slot(n + r + i / 2 * 8, k + i % 2 * PER));
        else if constexpr (PER == 8) ldmatrix_x4_trans(b, slice + S::B::slot(k + r + i % 2 * 8, n + i / 2 * 8));
        else {
#pragma unroll
            for (int e = 0; e < 4; e++) b[e] = float_to_tf32(slice[S::B::slot(k + lane % 4 + e % 2 * 4, n + lane / 4 + e / 2 * 8)]);
        }
    }
    static __device__ __forceinline__ void multiply(float (&sums)[COUNT][4], const T* slice_a, const T* slice_b) {
#pragma unroll
        for (int k = 0; k < S::BK; k += 2 * PER) {
            unsigned a[MT][4], b[NT8 / 2][4];
#pragma unroll
            for (int i = 0; i < MT; i++) fragment_a(a[i], slice_a, warp_m() + 16 * i, k);
#pragma unroll
            for (int j = 0; j < NT8 / 2; j++) fragment_b(b[j], slice_b, warp_n() + 16 * j, k);
#pragma unroll
            for (int i = 0; i < MT; i++)
#pragma unroll
                for (int j = 0; j < NT8; j++) {
                    unsigned pair[2] = {b[j / 2][j % 2 * 2], b[j / 2][j % 2 * 2 + 1]};
                    if constexpr (PER == 4) mma_m16n8k8_tf32(sums[i * NT8 + j], a[i], pair);
                    else mma_m16n8k16_bf16(sums[i * NT8 + j], a[i], pair);
                }
        }
    }
    static __device__ __forceinline__ void store(float* tile, const float (&sums)[COUNT][4]) {
        int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
        for (int i = 0; i < MT; i++)
#pragma unroll
            for (int j = 0; j < NT8; j++)
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    const float* pair = sums[i * NT8 + j] + 2 * half;
                    store2(tile + tile_slot<BN>(warp_m() + 16 * i + 8 * half + g, warp_n() + 8 * j + 2 * q), pair[0], pair[1]);
                }
    }
};

// Thread (ty, tx) of 16 x 8: rows 64 i + 4 ty ... + 3, columns 32 j + 4 tx ... + 3.
template <typename S, int BM, int BN> struct Tile<S, BM, BN, false> {
    static constexpr int ROWS = BM / 16, PIECES = BN / 32, COUNT = ROWS * PIECES;
    static __device__ __forceinline__ int row(int r) { return r / 4 * 64 + static_cast<int>(threadIdx.x) / 8 * 4 + r % 4; }
    static __device__ __forceinline__ int column(int p) { return 32 * p + static_cast<int>(threadIdx.x) % 8 * 4; }
    // v[c][e] = the element of row `c` of four and k + e
    template <typename SLICE, bool K_INNER> static __device__ __forceinline__ void four(float (*v)[4], const float* slice, int first, int k) {
#pragma unroll
        for (int i = 0; i < 4; i++) {
            float4 x = load4(slice + (K_INNER ? SLICE::slot(first + i, k) : SLICE::slot(k + i, first)));
            if (K_INNER) v[i][0] = x.x, v[i][1] = x.y, v[i][2] = x.z, v[i][3] = x.w;
            else v[0][i] = x.x, v[1][i] = x.y, v[2][i] = x.z, v[3][i] = x.w;
        }
    }
    static __device__ __forceinline__ void multiply(float (&sums)[COUNT][4], const float* slice_a, const float* slice_b) {
        // If this loop were unrolled, all loads would come first and use up the registers.
#pragma unroll 1
        for (int k = 0; k < S::BK; k += 4) {
            float a[ROWS][4];
#pragma unroll
            for (int r = 0; r < ROWS; r += 4) four<typename S::A, S::A_K_INNER>(a + r, slice_a, row(r), k);
#pragma unroll
            for (int p = 0; p < PIECES; p++) {
                float b[4][4];
                four<typename S::B, S::B_K_INNER>(b, slice_b, column(p), k);
#pragma unroll
                for (int e = 0; e < 4; e++)
#pragma unroll
                    for (int r = 0; r < ROWS; r++)
#pragma unroll
                        for (int c = 0; c < 4; c++) sums[r * PIECES + p][c] = fmaf(a[r][e], b[c][e], sums[r * PIECES + p][c]);
            }
        }
    }
    static __device__ __forceinline__ void store(float* tile, const float (&sums)[COUNT][4]) {
#pragma unroll
        for (int i = 0; i < COUNT; i++)
            store4(tile + tile_slot<BN>(row(i / PIECES), column(i % PIECES)), make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
    }
};

// The epilogue for V sums at (m, n), the pack `v`; scale: the row's factor (TN: one factor for all).
template <Layout LAYOUT, typename OUT>
__device__ __forceinline__ void finish(Pack v, float scale, const float* bias, const OUT* residual, OUT* pre, OUT* c, int m, int n, int N, int gelu, int accumulate, int V) {
    long long at = static_cast<long long>(m) * N + n;
    Pack b = {}, r = {}, x = {};
    if (LAYOUT == NT && bias) b = load_pack(bias + n, V);
    if (LAYOUT != TN && residual) r = load_pack(residual + at, V);
    if (LAYOUT == NN && pre) x = load_pack(pre + at, V);
#pragma unroll
    for (int k = 0; k < 4; k++) {
        // 0 for a dropped sample, even if its sums are not finite.
        v.v[k] = scale == 0.0f ? 0.0f : scale * (v.v[k] + b.v[k]);
        if (LAYOUT == NN && pre) v.v[k] *= gelu_derivative(x.v[k]);
        v.v[k] += r.v[k];
    }
    if (LAYOUT == NT && pre) store_pack(pre + at, v, V);
    if (LAYOUT == NT && gelu)
#pragma unroll
        for (int k = 0; k < 4; k++) v.v[k] = gelu_of(v.v[k]);
    give_pack(c + at, v, LAYOUT != NT && accumulate, V);
}

// bias: NT reads it; for TN it is dBias and is written.
template <typename T, typename OUT, Layout LAYOUT, bool MATRIX, int BM, int BN, int V>
__global__ void __launch_bounds__(THREADS, BM == 64 ? 4 : LAYOUT == NT && BN < 128 ? 3 : 2) gemm(const T* __restrict__ a, const T* __restrict__ b, float* bias, const OUT* residual, OUT* pre,
    OUT* c, float* __restrict__ partial, float2* __restrict__ partialBias, const unsigned* __restrict__ step, int M, int N, int K, int depth,
    int rowsPerSample, unsigned threshold, float factor, unsigned layer, unsigned long long seed, int gelu, int accumulate, int accumulateBias) {
    using S = Slices<T, LAYOUT, MATRIX, BM, BN>;
    using Mine = Tile<S, BM, BN, MATRIX>;
    SHARED_DYN(T, stages);
    SHARED(float, scales, [BM]);
    int t = threadIdx.x, m0 = blockIdx.y * BM, n0 = blockIdx.x * BN, split = blockIdx.z, begin = split * depth, end = min(K, begin + depth);
    int slices = (end - begin + S::BK - 1) / S::BK;
    Draw draw{step, rowsPerSample, threshold, factor, layer, seed};
    KeptRows keep{draw, 0, true};
    float sums[Mine::COUNT][4] = {};
    // Column t % BM of A, rows t / BM, t / BM + THREADS / BM, ...
    bool sumsBias = LAYOUT == TN && bias && blockIdx.x == 0;
    Sum biasSum = zero_sum();
    // Every round commits a group, empty or not, so that every round has the same number of groups in flight; those still in flight after
    // the last round are empty.
#pragma unroll
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (stage < slices) S::template load<V>(stages + stage * S::STAGE, a, b, m0, n0, begin + stage * S::BK, M, N, K, end, keep);
        cp_async_commit();
    }
    for (int slice = 0; slice < slices; slice++) {
        cp_async_wait<STAGES - 2>();
        // After this barrier every thread sees slice `slice`, and no thread still reads the stage that the next load overwrites.
        __syncthreads();
        int ahead = slice + STAGES - 1;
        if (ahead < slices) S::template load<V>(stages + ahead % STAGES * S::STAGE, a, b, m0, n0, begin + ahead * S::BK, M, N, K, end, keep);
        cp_async_commit();
        const T* slice_a = stages + slice % STAGES * S::STAGE;
        Mine::multiply(sums, slice_a, slice_a + S::A::SIZE);
        if (sumsBias) {
            float near = 0.0f;
            for (int k = t / BM; k < S::BK; k += THREADS / BM) near += to_float(slice_a[S::A::slot(k, t % BM)]);
            add(biasSum, near);
        }
    }
    // No thread reads the slices any more.
    __syncthreads();
    float* tile = reinterpret_cast<float*>(stages);
    Mine::store(tile, sums);
    if (t < BM) scales[t] = LAYOUT == TN ? (step ? factor : 1.0f) : draw.of_row(m0 + t);
    __syncthreads();
    for (int i = V * t; i < BM * BN; i += V * THREADS) {
        int row = i / BN, column = i % BN, m = m0 + row, n = n0 + column;
        if (m >= M || n >= N) continue;
        Pack v = load_pack(tile + tile_slot<BN>(row, column), V);
        if (partial) store_pack(partial + (static_cast<long long>(split) * M + m) * N + n, v, V);
        else finish<LAYOUT>(v, scales[row], bias, residual, pre, c, m, n, N, gelu, accumulate, V);
    }
    if (!sumsBias) return;
    SHARED(float2, shares, [THREADS]);
    store_sum(&shares[t], biasSum);
    __syncthreads();
    int m = m0 + t;
    if (t >= BM || m >= M) return;
    for (int i = t + BM; i < THREADS; i += BM) add(biasSum, load_sum(&shares[i]));
    if (partialBias) store_sum(partialBias + static_cast<long long>(split) * M + m, biasSum);
    else bias[m] = (accumulateBias ? bias[m] : 0.0f) + scales[t] * value(biasSum);
}

template <typename OUT, Layout LAYOUT>
__global__ void __launch_bounds__(256, 4) gemm_total(const float* __restrict__ partial, const float2* __restrict__ partialBias, float* bias,
    const OUT* residual, OUT* pre, OUT* c, const unsigned* __restrict__ step, int M, int N, int splits, int rowsPerSample, unsigned threshold,
    float factor, unsigned layer, unsigned long long seed, int gelu, int accumulate, int accumulateBias) {
    Draw draw{step, rowsPerSample, threshold, factor, layer, seed};
    for_each_row_pack(M, N, N % 4 == 0 && aligned16(partial, bias, residual, pre, c), [&](long long m, int n, int V) {
        Pack v = {};
        for (int split = 0; split < splits; split++) {
            Pack x = load_pack(partial + (static_cast<long long>(split) * M + m) * N + n, V);
#pragma unroll
            for (int k = 0; k < 4; k++) v.v[k] += x.v[k];
        }
        float scale = LAYOUT == TN ? (step ? factor : 1.0f) : draw.of_row(static_cast<int>(m));
        finish<LAYOUT>(v, scale, bias, residual, pre, c, static_cast<int>(m), n, N, gelu, accumulate, V);
        if (LAYOUT != TN || !bias || n != 0) return;
        Sum sum = zero_sum();
        for (int split = 0; split < splits; split++) add(sum, load_sum(partialBias + static_cast<long long>(split) * M + m));
        bias[m] = (accumulateBias ? bias[m] : 0.0f) + scale * value(sum);
    });
}

EXPORT_KERNEL(gemm_nt_64x64_float32, (gemm<float, float, NT, false, 64, 64, 4>));
EXPORT_KERNEL(gemm_nn_64x64_float32, (gemm<float, float, NN, false, 64, 64, 4>));
EXPORT_KERNEL(gemm_tn_64x64_float32, (gemm<float, float, TN, false, 64, 64, 4>));
EXPORT_KERNEL(gemm_nt_128x64_float32, (gemm<float, float, NT, false, 128, 64, 4>));
EXPORT_KERNEL(gemm_nn_128x64_float32, (gemm<float, float, NN, false, 128, 64, 4>));
EXPORT_KERNEL(gemm_tn_128x64_float32, (gemm<float, float, TN, false, 128, 64, 4>));
EXPORT_KERNEL(gemm_nt_128x128_float32, (gemm<float, float, NT, false, 128, 128, 4>));
EXPORT_KERNEL(gemm_nn_128x128_float32, (gemm<float, float, NN, false, 128, 128, 4>));
EXPORT_KERNEL(gemm_tn_128x128_float32, (gemm<float, float, TN, false, 128, 128, 4>));
EXPORT_KERNEL(gemm_nt_any_float32, (gemm<float, float, NT, false, 64, 64, 1>));
EXPORT_KERNEL(gemm_nn_any_float32, (gemm<float, float, NN, false, 64, 64, 1>));
EXPORT_KERNEL(gemm_tn_any_float32, (gemm<float, float, TN, false, 64, 64, 1>));

EXPORT_KERNEL(gemm_nt_64x64_tf32, (gemm<float, float, NT, true, 64, 64, 4>));
EXPORT_KERNEL(gemm_nn_64x64_tf32, (gemm<float, float, NN, true, 64, 64, 4>));
EXPORT_KERNEL(gemm_tn_64x64_tf32, (gemm<float, float, TN, true, 64, 64, 4>));
EXPORT_KERNEL(gemm_nt_128x96_tf32, (gemm<float, float, NT, true, 128, 96, 4>));
EXPORT_KERNEL(gemm_nn_128x96_tf32, (gemm<float, float, NN, true, 128, 96, 4>));
EXPORT_KERNEL(gemm_tn_128x96_tf32, (gemm<float, float, TN, true, 128, 96, 4>));
EXPORT_KERNEL(gemm_nt_128x128_tf32, (gemm<float, float, NT, true, 128, 128, 4>));
EXPORT_KERNEL(gemm_nn_128x128_tf32, (gemm<float, float, NN, true, 128, 128, 4>));
EXPORT_KERNEL(gemm_tn_128x128_tf32, (gemm<float, float, TN, true, 128, 128, 4>));
EXPORT_KERNEL(gemm_nt_any_tf32, (gemm<float, float, NT, true, 64, 64, 1>));
EXPORT_KERNEL(gemm_nn_any_tf32, (gemm<float, float, NN, true, 64, 64, 1>));
EXPORT_KERNEL(gemm_tn_any_tf32, (gemm<float, float, TN, true, 64, 64, 1>));

EXPORT_KERNEL(gemm_nt_64x64_bf16, (gemm<bf16, bf16, NT, true, 64, 64, 4>));
EXPORT_KERNEL(gemm_nn_64x64_bf16, (gemm<bf16, bf16, NN, true, 64, 64, 4>));
EXPORT_KERNEL(gemm_tn_64x64_bf16, (gemm<bf16, float, TN, true, 64, 64, 4>));
EXPORT_KERNEL(gemm_nt_128x96_bf16, (gemm<bf16, bf16, NT, true, 128, 96, 4>));
EXPORT_KERNEL(gemm_nn_128x96_bf16, (gemm<bf16, bf16, NN, true, 128, 96, 4>));
EXPORT_KERNEL(gemm_tn_128x96_bf16, (gemm<bf16, float, TN, true, 128, 96, 4>));
EXPORT_KERNEL(gemm_nt_128x128_bf16, (gemm<bf16, bf16, NT, true, 128, 128, 4>));
EXPORT_KERNEL(gemm_nn_128x128_bf16, (gemm<bf16, bf16, NN, true, 128, 128, 4>));
EXPORT_KERNEL(gemm_tn_128x128_bf16, (gemm<bf16, float, TN, true, 128, 128, 4>));
EXPORT_KERNEL(gemm_nt_any_bf16, (gemm<bf16, bf16, NT, true, 64, 64, 1>));
EXPORT_KERNEL(gemm_nn_any_bf16, (gemm<bf16, bf16, NN, true, 64, 64, 1>));
EXPORT_KERNEL(gemm_tn_any_bf16, (gemm<bf16, float, TN, true, 64, 64, 1>));

EXPORT_KERNEL(gemm_nt_total_float32, (gemm_total<float, NT>));
EXPORT_KERNEL(gemm_nn_total_float32, (gemm_total<float, NN>));
EXPORT_KERNEL(gemm_tn_total_float32, (gemm_total<float, TN>));
EXPORT_KERNEL(gemm_nt_total_bf16, (gemm_total<bf16, NT>));
EXPORT_KERNEL(gemm_nn_total_bf16, (gemm_total<bf16, NN>));
