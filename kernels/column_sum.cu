// A block of 256 threads owns 32 channels of `blockRows` rows. Sums over the rows of a matrix, the gradient of a bias. No atomics.
//   sums[c] = sum_r input[r, c]     = or += (argument `accumulate`), to about twice float's precision (Sum of common.cuh)
// input: T (rows, C), T = float or bf16. Saves nothing. Memory-bound. A block has 8 lanes of four channels by 32 rows (C % 4 == 0), or 32
// lanes of one channel by 8 rows. column_sum_partial writes one sum per block to partial, pairs (blocks, C); column_sum_total adds them in
// block order.
// Launch: column_sum_partial grid (ceil(C / 32), blocks), blocks = ceil(rows / blockRows), blockRows >= 256, chosen so that the grid has
// about 4 blocks per multiprocessor; column_sum_total grid (ceil(C / 32)). Blocks of 256 threads, no dynamic shared memory.
// Over 1.25 times the ideal: column_sum_partial_bf16: rows of bf16 that are no multiple of 32 bytes begin inside a sector, which the row before shares.
#include "common.cuh"

constexpr int THREADS = 256;

// V: channels of a thread, 4 or 1.
template <int V, typename T>
__device__ __forceinline__ void column_sum_of_block(const T* __restrict__ input, float2* __restrict__ partial, int rows, int C, int blockRows) {
    constexpr int LANES = 32 / V, ROWS = THREADS / LANES, SHORT = 32;
    // Channel V lane + k is at k LANES + lane of a row of 40: neither writes nor reads have bank conflicts.
    SHARED(float2, sums, [ROWS][40]);
    int lane = threadIdx.x % LANES, ty = threadIdx.x / LANES, c = blockIdx.x * 32 + V * lane;
    int first = blockIdx.y * blockRows, end = min(rows, first + blockRows);
    Sum total[V];
#pragma unroll
    for (int k = 0; k < V; k++) total[k] = zero_sum();
    if (c < C)
        // Plain float sums over at most 32 rows, then pairs: almost free, and as precise as pairs alone.
        for (int row = first + ty; row < end;) {
            float near[V] = {};
#pragma unroll 4
            for (int n = 0; n < SHORT && row < end; n++, row += ROWS) {
                // input[row, c] is at row * C + c
                Pack x = load_pack(input + static_cast<long long>(row) * C + c, V);
#pragma unroll
                for (int k = 0; k < V; k++) near[k] += x.v[k];
            }
#pragma unroll
            for (int k = 0; k < V; k++) add(total[k], near[k]);
        }
#pragma unroll
    for (int k = 0; k < V; k++) store_sum(&sums[ty][k * LANES + lane], total[k]);
    __syncthreads();
    c = blockIdx.x * 32 + V * lane + ty;
    if (threadIdx.x < 32 && c < C) {
        Sum sum = zero_sum();
        for (int i = 0; i < ROWS; i++) add(sum, load_sum(&sums[i][threadIdx.x]));
        // partial[block, c] is at block * C + c
        store_sum(partial + static_cast<long long>(blockIdx.y) * C + c, sum);
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) column_sum_partial(const T* __restrict__ input, float2* __restrict__ partial, int rows, int C, int blockRows) {
    if (C % 4 == 0 && aligned16(input)) column_sum_of_block<4>(input, partial, rows, C, blockRows);
    else column_sum_of_block<1>(input, partial, rows, C, blockRows);
}

__global__ void __launch_bounds__(THREADS) column_sum_total(const float2* __restrict__ partial, float* __restrict__ sums, int blocks, int C, int accumulate) {
    // 32 channels by 8 shares of the blocks
    SHARED(float2, shares, [8][32]);
    int lane = threadIdx.x % 32, share = threadIdx.x / 32, c = blockIdx.x * 32 + lane;
    Sum sum = zero_sum();
    if (c < C)
        for (int block = share; block < blocks; block += 8) add(sum, load_sum(partial + static_cast<long long>(block) * C + c));
    store_sum(&shares[share][lane], sum);
    __syncthreads();
    if (share == 0 && c < C) {
        for (int i = 1; i < 8; i++) add(sum, load_sum(&shares[i][lane]));
        sums[c] = accumulate ? sums[c] + value(sum) : value(sum);
    }
}

EXPORT_KERNEL(column_sum_partial_float32, (column_sum_partial<float>));
EXPORT_KERNEL(column_sum_partial_bf16, (column_sum_partial<bf16>));
EXPORT_KERNEL(column_sum_total, (column_sum_total));
