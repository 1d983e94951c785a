// Soft Dice loss (Milletari et al. 2016, squared denominators) of logits (rows, K) with an ignored label.
//   p = softmax(logits), g = onehot(label);  N_k = 2 sum_r p g + smooth,  D_k = sum_r (p^2 + g^2) + smooth, over the rows that count
//   loss = mean_k (1 - N_k / D_k)
//   dp_k = -dLoss (2 g - 2 p N_k / D_k) / (K D_k), 0 for rows that do not count;  dLogits = p (dp - sum_k(dp p))     = or += (`accumulate`)
// logits, softmax, dLogits: float (rows, K), K <= 256; labels: (rows) as load_label of common.cuh reads them; ignored ones do not
// count. Another label outside 0 ... K - 1 makes D_0, and with it the loss and the gradient of rows that count, NaN; invalid, a 64-bit
// integer, grows by one each. Saves softmax and fractions (2, K): N, then D. Memory-bound. Atomics on integers only.
// GROUP lanes share a row, lane l owning classes l + GROUP i, i < ITEMS, and their sums: pairs (Sum of common.cuh) in a fixed order.
// Launch: blocks of 256 threads; the number in the name is 8, 32 or 256: the most classes it takes; grid of forward and backward any,
// ceil(rows / (256 / GROUP)) at most is useful, 4 blocks per multiprocessor; partial: pairs (2, K, blocks). forward_total: one block. No
// dynamic shared memory.
// Over 1.25 times the ideal: soft_dice_forward_256_float32: with few rows and many classes the one pair per class and block that goes to partial shows.
#include "common.cuh"

constexpr int THREADS = 256;

// partial (2, K, gridDim.x): the block's sums of p g and of p^2 + g^2. Every thread takes part in every shuffle.
template <int GROUP, int ITEMS>
__global__ void __launch_bounds__(THREADS) soft_dice_forward(const float* __restrict__ logits, const void* __restrict__ labels,
    float* __restrict__ softmax, float2* __restrict__ partial, unsigned long long* __restrict__ invalid, long long rows, int K,
    int labelBytes, long long ignore) {
    constexpr int ROWS = THREADS / GROUP;
    SHARED(float2, sums, [THREADS]);
    int lane = threadIdx.x % GROUP;
    Sum products[ITEMS], squares[ITEMS];
#pragma unroll
    for (int i = 0; i < ITEMS; i++) products[i] = squares[i] = zero_sum();
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? K : 0, label = row < rows ? load_label(labels, labelBytes, row, K, ignore) : LABEL_IGNORED;
        float x[ITEMS], top;
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = lane + GROUP * i;
            // logits[row, k] is at row * K + k
            x[i] = k < width ? load1(logits + row * K + k) : -INFINITY;
        }
        group_softmax<GROUP>(x, top);
        if (label == LABEL_INVALID && lane == 0) {
            add(squares[0], __uint_as_float(0x7fc00000u));
            atomicAdd(invalid, 1ull);
        }
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = lane + GROUP * i;
            if (k >= width) continue;
            store1(softmax + row * K + k, x[i]);
            if (label < 0) continue;
            add(squares[i], x[i] * x[i] + (k == label ? 1.0f : 0.0f));
            if (k == label) add(products[i], x[i]);
        }
    }
    // The groups' sums meet in shared memory; the first group's threads add them in order.
#pragma unroll
    for (int i = 0; i < 2 * ITEMS; i++) {
        store_sum(&sums[threadIdx.x], i < ITEMS ? products[i % ITEMS] : squares[i % ITEMS]);
        __syncthreads();
        int k = threadIdx.x + GROUP * (i % ITEMS);
        if (threadIdx.x < GROUP && k < K) {
            Sum sum = zero_sum();
            for (int group = 0; group < ROWS; group++) add(sum, load_sum(&sums[group * GROUP + threadIdx.x]));
            // partial[which, k, block] is at (which * K + k) * blocks + block
            store_sum(partial + (i / ITEMS * K + k) * static_cast<long long>(gridDim.x) + blockIdx.x, sum);
        }
        __syncthreads();
    }
}

// One block: a warp per class, in turn.
__global__ void __launch_bounds__(THREADS) soft_dice_forward_total(const float2* __restrict__ partial, float* __restrict__ loss,
    float* __restrict__ fractions, int blocks, int K, float smooth) {
    SHARED(float, terms, [256]);
    int lane = threadIdx.x % 32;
    for (int k = threadIdx.x / 32; k < K; k += THREADS / 32) {
        Sum product = zero_sum(), square = zero_sum();
        for (int block = lane; block < blocks; block += 32) {
            add(product, load_sum(partial + static_cast<long long>(k) * blocks + block));
            add(square, load_sum(partial + static_cast<long long>(K + k) * blocks + block));
        }
        product = lanes_sum<1, 32>(product);
        square = lanes_sum<1, 32>(square);
        if (lane) continue;
        float numerator = 2.0f * value(product) + smooth, denominator = value(square) + smooth;
        fractions[k] = numerator;
        fractions[K + k] = denominator;
        terms[k] = 1.0f - numerator / denominator;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        Sum sum = zero_sum();
        for (int k = 0; k < K; k++) add(sum, terms[k]);
        *loss = value(sum) / static_cast<float>(K);
    }
}

// dLoss: one float in device memory. Every thread takes part in every shuffle.
template <int GROUP, int ITEMS>
__global__ void __launch_bounds__(THREADS) soft_dice_backward(const float* __restrict__ softmax, const void* __restrict__ labels,
    const float* __restrict__ fractions, const float* __restrict__ dLoss, float* __restrict__ dLogits, long long rows, int K, int labelBytes,
    long long ignore, int accumulate) {
    constexpr int ROWS = THREADS / GROUP;
    int lane = threadIdx.x % GROUP;
    // dp_k = slope (onehot - p ratio)
    float ratio[ITEMS], slope[ITEMS], scale = -2.0f * *dLoss / static_cast<float>(K);
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        int k = lane + GROUP * i;
        ratio[i] = k < K ? fractions[k] / fractions[K + k] : 0.0f;
        slope[i] = k < K ? scale / fractions[K + k] : 0.0f;
    }
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? K : 0, label = row < rows ? load_label(labels, labelBytes, row, K, ignore) : LABEL_IGNORED;
        float p[ITEMS], dp[ITEMS], dot = 0.0f;
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = lane + GROUP * i;
            p[i] = k < width ? load1(softmax + row * K + k) : 0.0f;
            dp[i] = label < 0 ? 0.0f : slope[i] * ((k == label ? 1.0f : 0.0f) - p[i] * ratio[i]);
            dot = fmaf(dp[i], p[i], dot);
        }
        dot = group_sum<GROUP>(dot);
#pragma unroll
        for (int i = 0; i < ITEMS; i++)
            if (lane + GROUP * i < width)
                give_pack(dLogits + row * K + lane + GROUP * i, Pack{{p[i] * (dp[i] - dot), 0.0f, 0.0f, 0.0f}}, accumulate, 1);
    }
}

EXPORT_KERNEL(soft_dice_forward_8_float32, (soft_dice_forward<8, 1>));
EXPORT_KERNEL(soft_dice_forward_32_float32, (soft_dice_forward<32, 1>));
EXPORT_KERNEL(soft_dice_forward_256_float32, (soft_dice_forward<32, 8>));
EXPORT_KERNEL(soft_dice_forward_total, (soft_dice_forward_total));
EXPORT_KERNEL(soft_dice_backward_8_float32, (soft_dice_backward<8, 1>));
EXPORT_KERNEL(soft_dice_backward_32_float32, (soft_dice_backward<32, 1>));
EXPORT_KERNEL(soft_dice_backward_256_float32, (soft_dice_backward<32, 8>));
