// Matrix product C (M, N) (+)= A B (+ bias), row-major, in three layouts named for the operands as stored:
//   NT: C[m,n] = sum_k A[m,k] B[n,k]   a Linear's forward: A = input (M, K), B = weight (N, K)
//   NN: C[m,n] = sum_k A[m,k] B[k,n]   its dInput: A = dOutput (M, K), B = weight (K, N)
//   TN: C[m,n] = sum_k A[k,m] B[k,n]   its dWeight: A = dOutput (K, M), B = input (K, N)
// tensor_core: float32 operands rounded to tf32 (to nearest) or bf16 operands, float32 accumulation on the matrix units.
// simt: float32 throughout, one fused multiply-add per product.
// bias: float (N) or null. accumulate: += instead of =, for gradients. Nothing is saved. Bound by arithmetic from about M, N, K = 256 up.
//
// A block of 128 threads owns a BM x BN tile of C, its four warps (2 x 2) a quarter each. STAGES slices of BK along K are in flight
// between global and shared memory (cp.async); rows and columns outside the matrices arrive as zeros.
// Rows of all operands are read in 16-byte pieces: the inner dimension of A and B must be a multiple of 4 (float32) or
// 8 (bf16), and N a multiple of 4.
#include "common.cuh"

constexpr int THREADS = 128;

enum Layout { NT, NN, TN };

// One slice of an operand in shared memory, as stored: `outer` rows of `inner` elements, with PAD elements after each row. The padding
// makes the rows that the lanes of a fragment read at once fall into different banks.
template <typename T, int OUTER, int INNER, int PAD> struct Slice {
    static constexpr int LD = INNER + PAD, SIZE = OUTER * LD, PER = 16 / sizeof(T);
    // slice[o, i] = matrix[outer0 + o, inner0 + i], 0 outside (outers, inners)
    static __device__ __forceinline__ void load(T* slice, const T* __restrict__ matrix, int outer0, int inner0, int outers, int inners) {
#pragma unroll
        for (int piece = threadIdx.x; piece < OUTER * INNER / PER; piece += THREADS) {
            int o = piece / (INNER / PER), i = piece % (INNER / PER) * PER;
            bool inside = outer0 + o < outers && inner0 + i < inners;
            const T* from = inside ? matrix + static_cast<long long>(outer0 + o) * inners + inner0 + i : matrix;
            cp_async_16(slice + o * LD + i, from, inside ? 16 : 0);
        }
    }
};

// The operand slices of a layout: K is the inner dimension where the operand is stored (rows, K), else the outer one.
template <typename T, Layout LAYOUT, int BM, int BN, int BK> struct Slices {
    // Fragments read 8 rows x 4 words of a K-inner slice, 4 rows x 8 words of a K-outer one: strides of 4 and 8 words (mod 32) are free of
    // conflicts. ldmatrix reads 8 rows of 16 bytes: 4 words again.
    static constexpr int WORD = 4 / sizeof(T);
    static constexpr bool A_K_INNER = LAYOUT != TN, B_K_INNER = LAYOUT == NT;
    using A = Slice<T, A_K_INNER ? BM : BK, A_K_INNER ? BK : BM, (A_K_INNER || WORD == 2 ? 4 : 8) * WORD>;
    using B = Slice<T, B_K_INNER ? BN : BK, B_K_INNER ? BK : BN, (B_K_INNER || WORD == 2 ? 4 : 8) * WORD>;
    static constexpr int STAGE = A::SIZE + B::SIZE;
    static __device__ __forceinline__ void load(T* stage, const T* a, const T* b, int m0, int n0, int k0, int M, int N, int K) {
        if (A_K_INNER) A::load(stage, a, m0, k0, M, K);
        else A::load(stage, a, k0, m0, K, M);
        if (B_K_INNER) B::load(stage + A::SIZE, b, n0, k0, N, K);
        else B::load(stage + A::SIZE, b, k0, n0, K, N);
    }
};

// Fragments of the 16 x 8 (tf32) or 16 x 16 (bf16) piece of A at (m, k) of its slice, and of the 8-column pieces of B at (k, n).
template <typename S, bool A_K_INNER> __device__ __forceinline__ void fragment_a(unsigned (&a)[4], const float* slice, int m, int k) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int row = m + g + i % 2 * 8, column = k + q + i / 2 * 4;
        a[i] = float_to_tf32(A_K_INNER ? slice[row * S::LD + column] : slice[column * S::LD + row]);
    }
}
template <typename S, bool B_K_INNER> __device__ __forceinline__ void fragment_b(unsigned (&b)[2][2], const float* slice, int n, int k) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int column = n + i / 2 * 8 + g, row = k + q + i % 2 * 4;
        b[i / 2][i % 2] = float_to_tf32(B_K_INNER ? slice[column * S::LD + row] : slice[row * S::LD + column]);
    }
}
// Matrix i of the four that ldmatrix loads is rows +8 (i % 2), columns +8 (i / 2) of a fragment of A; transposed where K is outer.
template <typename S, bool A_K_INNER> __device__ __forceinline__ void fragment_a(unsigned (&a)[4], const bf16* slice, int m, int k) {
    int lane = threadIdx.x % 32, i = lane / 8, r = lane % 8;
    if (A_K_INNER) ldmatrix_x4(a, slice + (m + r + i % 2 * 8) * S::LD + k + i / 2 * 8);
    else ldmatrix_x4_trans(a, slice + (k + r + i / 2 * 8) * S::LD + m + i % 2 * 8);
}
// Two neighbouring pieces of B at once: matrix i is columns +8 (i / 2), rows +8 (i % 2).
template <typename S, bool B_K_INNER> __device__ __forceinline__ void fragment_b(unsigned (&b)[2][2], const bf16* slice, int n, int k) {
    int lane = threadIdx.x % 32, i = lane / 8, r = lane % 8;
    unsigned v[4];
    if (B_K_INNER) ldmatrix_x4(v, slice + (n + r + i / 2 * 8) * S::LD + k + i % 2 * 8);
    else ldmatrix_x4_trans(v, slice + (k + r + i % 2 * 8) * S::LD + n + i / 2 * 8);
    b[0][0] = v[0], b[0][1] = v[1], b[1][0] = v[2], b[1][1] = v[3];
}
__device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], const float*) {
    mma_m16n8k8_tf32(c, a, b);
}
__device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], const bf16*) {
    mma_m16n8k16_bf16(c, a, b);
}

// c[m, n ... n + 3] (+)= v (+ bias)
template <typename T> __device__ __forceinline__ void store_four(T* c, const float* bias, int m, int n, int N, float4 v, int accumulate) {
    T* to = c + static_cast<long long>(m) * N + n;
    const float4 zero = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    float4 b = bias ? load4(bias + n) : zero, old = accumulate ? load4(to) : zero;
    store4(to, make_float4(v.x + b.x + old.x, v.y + b.y + old.y, v.z + b.z + old.z, v.w + b.w + old.w));
}

// Grid: ceil(N / BN) x ceil(M / BM). Dynamic shared memory: STAGES * STAGE elements of T (gemm_shared_bytes of the launch code).
template <typename T, typename OUT, Layout LAYOUT, int BM, int BN, int BK, int STAGES>
__global__ void __launch_bounds__(THREADS) gemm_tensor_core(const T* __restrict__ a, const T* __restrict__ b,
    const float* __restrict__ bias, OUT* __restrict__ c, int M, int N, int K, int accumulate) {
    using S = Slices<T, LAYOUT, BM, BN, BK>;
    constexpr int WM = BM / 2, WN = BN / 2, MT = WM / 16, NT8 = WN / 8, STEP = 32 / sizeof(T);   // STEP of k per instruction
    SHARED_DYN(T, stages);
    int warp = threadIdx.x / 32, lane = threadIdx.x % 32, g = lane / 4, q = lane % 4;
    int m0 = blockIdx.y * BM, n0 = blockIdx.x * BN, warp_m = warp / 2 * WM, warp_n = warp % 2 * WN;
    int slices = (K + BK - 1) / BK;
    float sums[MT][NT8][4] = {};
    // A group is committed in every round, empty or not, so that the same number of groups is in flight in every round; those still in
    // flight after the last round are empty.
#pragma unroll
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (stage < slices) S::load(stages + stage * S::STAGE, a, b, m0, n0, stage * BK, M, N, K);
        cp_async_commit();
    }
    for (int slice = 0; slice < slices; slice++) {
        cp_async_wait<STAGES - 2>();
        // After this barrier slice `slice` is there for all, and all are done with the slice that the next load overwrites.
        __syncthreads();
        int ahead = slice + STAGES - 1;
        if (ahead < slices) S::load(stages + ahead % STAGES * S::STAGE, a, b, m0, n0, ahead * BK, M, N, K);
        cp_async_commit();
        const T* slice_a = stages + slice % STAGES * S::STAGE;
        const T* slice_b = slice_a + S::A::SIZE;
#pragma unroll
        for (int k = 0; k < BK; k += STEP) {
            unsigned fa[MT][4], fb[NT8 / 2][2][2];
#pragma unroll
            for (int i = 0; i < MT; i++) fragment_a<typename S::A, S::A_K_INNER>(fa[i], slice_a, warp_m + 16 * i, k);
#pragma unroll
            for (int j = 0; j < NT8 / 2; j++) fragment_b<typename S::B, S::B_K_INNER>(fb[j], slice_b, warp_n + 16 * j, k);
#pragma unroll
            for (int i = 0; i < MT; i++)
#pragma unroll
                for (int j = 0; j < NT8; j++) multiply(sums[i][j], fa[i], fb[j / 2][j % 2], slice_a);
        }
    }
    // A lane holds two columns of every piece. Neighbours swap pairs of two adjacent pieces, so that each stores four columns in a row and
    // the four lanes of a row fill whole sectors (bf16 without the swap: twice the sectors).
    bool odd = q % 2;
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT8; j += 2)
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float *left = sums[i][j] + 2 * half, *right = sums[i][j + 1] + 2 * half;
                float x = __shfl_xor_sync(0xffffffffu, odd ? left[0] : right[0], 1);
                float y = __shfl_xor_sync(0xffffffffu, odd ? left[1] : right[1], 1);
                int m = m0 + warp_m + 16 * i + g + 8 * half, n = n0 + warp_n + 8 * j + 8 * odd + q / 2 * 4;
                float4 v = odd ? make_float4(x, y, right[0], right[1]) : make_float4(left[0], left[1], x, y);
                if (m < M && n < N) store_four(c, bias, m, n, N, v, accumulate);
            }
}

// 64 x 64 tile of C; thread (ty, tx) of 8 x 16 owns rows ty + 8 i (i < 8) and columns 4 tx ... + 3. One slice of 16 at a time.
template <Layout LAYOUT>
__global__ void __launch_bounds__(THREADS) gemm_simt(const float* __restrict__ a, const float* __restrict__ b,
    const float* __restrict__ bias, float* __restrict__ c, int M, int N, int K, int accumulate) {
    constexpr int BM = 64, BN = 64, BK = 16, LDA = BM + 4, LDB = BN + 4;
    SHARED(float, slice_a, [BK][LDA]);                  // [k][m]
    SHARED(float, slice_b, [BK][LDB]);                  // [k][n]
    int t = threadIdx.x, tx = t % 16, ty = t / 16, m0 = blockIdx.y * BM, n0 = blockIdx.x * BN;
    float sums[8][4] = {};
    for (int k0 = 0; k0 < K; k0 += BK) {
        // K-outer operands go over in rows, K-inner ones turned; lanes walk along the stored rows in both cases.
        for (int piece = t; piece < BM * BK / 4; piece += THREADS) {
            int k = LAYOUT == TN ? piece / (BM / 4) : piece % (BK / 4) * 4, m = LAYOUT == TN ? piece % (BM / 4) * 4 : piece / (BK / 4);
            bool inside = m0 + m < M && k0 + k < K;
            const float* from = LAYOUT == TN ? a + static_cast<long long>(k0 + k) * M + m0 + m
                : a + static_cast<long long>(m0 + m) * K + k0 + k;
            float4 v = inside ? load4(from) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            if (LAYOUT == TN) store4(&slice_a[k][m], v);
            else slice_a[k][m] = v.x, slice_a[k + 1][m] = v.y, slice_a[k + 2][m] = v.z, slice_a[k + 3][m] = v.w;
        }
        for (int piece = t; piece < BN * BK / 4; piece += THREADS) {
            int k = LAYOUT != NT ? piece / (BN / 4) : piece % (BK / 4) * 4, n = LAYOUT != NT ? piece % (BN / 4) * 4 : piece / (BK / 4);
            bool inside = n0 + n < N && k0 + k < K;
            const float* from = LAYOUT != NT ? b + static_cast<long long>(k0 + k) * N + n0 + n
                : b + static_cast<long long>(n0 + n) * K + k0 + k;
            float4 v = inside ? load4(from) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            if (LAYOUT != NT) store4(&slice_b[k][n], v);
            else slice_b[k][n] = v.x, slice_b[k + 1][n] = v.y, slice_b[k + 2][n] = v.z, slice_b[k + 3][n] = v.w;
        }
        __syncthreads();
#pragma unroll
        for (int k = 0; k < BK; k++) {
            float4 v = load4(&slice_b[k][4 * tx]);
#pragma unroll
            for (int i = 0; i < 8; i++) {
                float x = slice_a[k][ty + 8 * i];
                sums[i][0] = fmaf(x, v.x, sums[i][0]);
                sums[i][1] = fmaf(x, v.y, sums[i][1]);
                sums[i][2] = fmaf(x, v.z, sums[i][2]);
                sums[i][3] = fmaf(x, v.w, sums[i][3]);
            }
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + ty + 8 * i, n = n0 + 4 * tx;
        if (m < M && n < N) store_four(c, bias, m, n, N, make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]), accumulate);
    }
}

EXPORT_KERNEL(gemm_nt_tf32, (gemm_tensor_core<float, float, NT, 64, 64, 32, 3>));
EXPORT_KERNEL(gemm_nn_tf32, (gemm_tensor_core<float, float, NN, 64, 64, 32, 3>));
EXPORT_KERNEL(gemm_tn_tf32, (gemm_tensor_core<float, float, TN, 64, 64, 32, 3>));
EXPORT_KERNEL(gemm_nt_bf16, (gemm_tensor_core<bf16, bf16, NT, 64, 64, 64, 3>));
EXPORT_KERNEL(gemm_nn_bf16, (gemm_tensor_core<bf16, bf16, NN, 64, 64, 64, 3>));
EXPORT_KERNEL(gemm_tn_bf16, (gemm_tensor_core<bf16, float, TN, 64, 64, 64, 3>));
EXPORT_KERNEL(gemm_nt_float32, (gemm_simt<NT>));
EXPORT_KERNEL(gemm_nn_float32, (gemm_simt<NN>));
EXPORT_KERNEL(gemm_tn_float32, (gemm_simt<TN>));
