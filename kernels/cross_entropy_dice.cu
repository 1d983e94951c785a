// a times softmax cross-entropy plus b times soft Dice of the same logits (rows, K): one pass over the logits each way. With b = 0 nothing
// of Dice is computed; W, which says whether all labels are classes, is needed with a = 0 too.
//   p = softmax(logits), g = onehot(label), sums over the rows that count
//   W = sum_r w[label],  E = sum_r w[label] (log sum exp(logits) - logits[label]) / W, 0 if W = 0
//   N_k = 2 sum_r p g + smooth,  D_k = sum_r (p^2 + g^2) + smooth,  loss = a E + b mean_k (1 - N_k / D_k)
//   dp_k = -2 b dLoss (g - p N_k / D_k) / (K D_k)
//   dLogits = p (dp - sum_k(dp p)) + a dLoss w[label] / W (p - g), 0 for rows that do not count     = or += (argument `accumulate`)
// logits, dLogits: float (rows, K), K <= 256; labels: (rows) as load_label of common.cuh reads them; weights w: float (K) or null for all 1;
// ignore: a label that does not count (none: a number that no label has). Another label outside 0 ... K - 1 makes W, and with it the loss
// and the gradient of rows that count, NaN; invalid, a 64-bit integer, grows by one each. Atomics on integers only.
// Saves totals (1 + 2 K): W, N, D, but not the softmax: it costs less to make again than to write and read. Memory-bound.
// GROUP lanes share a row, lane l owning classes l + GROUP i, i < ITEMS, and their sums: pairs (Sum of common.cuh) in a fixed order.
// Launch: blocks of 256 threads; the number in the name is 8, 32 or 256: the most classes it takes; grid of forward and backward any,
// ceil(rows / (256 / GROUP)) at most is useful, 4 blocks per multiprocessor; partial: pairs (2 + 2 K, blocks). forward_total: one block.
// No dynamic shared memory.
// Over 1.25 times the ideal: cross_entropy_dice_forward_256_float32: with few rows and many classes the one pair per class and block that goes to partial shows.
#include "common.cuh"

constexpr int THREADS = 256;

// The probabilities of a row, x[i] those of class lane + GROUP i; every thread takes part. Returns log sum exp - logits[label].
template <int GROUP, int ITEMS>
__device__ __forceinline__ float probabilities(const float* __restrict__ logits, long long row, int width, int K, int label, float (&x)[ITEMS]) {
    float top, at_label = 0.0f;
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        int k = threadIdx.x % GROUP + GROUP * i;
        // logits[row, k] is at row * K + k
        x[i] = k < width ? load1(logits + row * K + k) : -INFINITY;
        if (k == label) at_label = x[i];
    }
    at_label = group_sum<GROUP>(at_label);
    float log_sum = group_softmax<GROUP>(x, top);
    return log_sum - (at_label - top);
}

// partial (2 + 2 K, gridDim.x): the block's sums of the cross-entropy and of w, then if `dice` per class those of p g, then of p^2 + g^2.
template <int GROUP, int ITEMS>
__global__ void __launch_bounds__(THREADS) cross_entropy_dice_forward(const float* __restrict__ logits, const void* __restrict__ labels,
    const float* __restrict__ weights, float2* __restrict__ partial, unsigned long long* __restrict__ invalid, long long rows, int K,
    int labelBytes, long long ignore, int dice) {
    constexpr int ROWS = THREADS / GROUP;
    SHARED(float2, sums, [THREADS]);
    int lane = threadIdx.x % GROUP;
    Sum entropy = zero_sum(), weight = zero_sum(), products[ITEMS], squares[ITEMS];
#pragma unroll
    for (int i = 0; i < ITEMS; i++) products[i] = squares[i] = zero_sum();
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? K : 0, label = row < rows ? load_label(labels, labelBytes, row, K, ignore) : LABEL_IGNORED;
        float p[ITEMS], entropy_of_row = probabilities<GROUP>(logits, row, width, K, label, p);
        if (label == LABEL_INVALID && lane == 0) {
            add(weight, __uint_as_float(0x7fc00000u));
            atomicAdd(invalid, 1ull);
        }
        if (label < 0) continue;
        if (lane == 0) {
            float w = weights ? weights[label] : 1.0f;
            add(entropy, w * entropy_of_row);
            add(weight, w);
        }
        if (!dice) continue;
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = lane + GROUP * i;
            if (k >= K) continue;
            add(squares[i], p[i] * p[i] + (k == label ? 1.0f : 0.0f));
            if (k == label) add(products[i], p[i]);
        }
    }
    entropy = block_sum<THREADS>(entropy);
    weight = block_sum<THREADS>(weight);
    if (threadIdx.x == 0) {
        // partial[which, block] is at which * blocks + block
        store_sum(partial + blockIdx.x, entropy);
        store_sum(partial + gridDim.x + blockIdx.x, weight);
    }
    if (!dice) return;
    // The groups' sums per class meet in shared memory; the first group's threads add them in order.
#pragma unroll
    for (int i = 0; i < 2 * ITEMS; i++) {
        store_sum(&sums[threadIdx.x], i < ITEMS ? products[i % ITEMS] : squares[i % ITEMS]);
        __syncthreads();
        int k = threadIdx.x + GROUP * (i % ITEMS);
        if (threadIdx.x < GROUP && k < K) {
            Sum sum = zero_sum();
            for (int group = 0; group < ROWS; group++) add(sum, load_sum(&sums[group * GROUP + threadIdx.x]));
            store_sum(partial + (2 + i / ITEMS * K + k) * static_cast<long long>(gridDim.x) + blockIdx.x, sum);
        }
        __syncthreads();
    }
}

// One block: a warp per row of `partial`, in turn.
__global__ void __launch_bounds__(THREADS) cross_entropy_dice_forward_total(const float2* __restrict__ partial, float* __restrict__ loss,
    float* __restrict__ totals, int blocks, int K, float smooth, float a, float b) {
    SHARED(float, sums, [2 + 2 * 256]);
    int lane = threadIdx.x % 32, last = b == 0.0f ? 2 : 2 + 2 * K;
    for (int which = threadIdx.x / 32; which < last; which += THREADS / 32) {
        Sum sum = zero_sum();
        for (int block = lane; block < blocks; block += 32) add(sum, load_sum(partial + static_cast<long long>(which) * blocks + block));
        sum = lanes_sum<1, 32>(sum);
        if (lane) continue;
        float total = which < 2 ? value(sum) : (which < 2 + K ? 2.0f : 1.0f) * value(sum) + smooth;
        sums[which] = total;
        if (which) totals[which - 1] = total;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        Sum dice = zero_sum();
        for (int k = 0; k < K && b != 0.0f; k++) add(dice, 1.0f - sums[2 + k] / sums[2 + K + k]);
        float entropy = sums[1] == 0.0f ? 0.0f : sums[0] / sums[1];
        *loss = a * entropy + b * (value(dice) / static_cast<float>(K));
    }
}

// dLoss: one float in device memory.
template <int GROUP, int ITEMS>
__global__ void __launch_bounds__(THREADS) cross_entropy_dice_backward(const float* __restrict__ logits, const void* __restrict__ labels,
    const float* __restrict__ weights, const float* __restrict__ totals, const float* __restrict__ dLoss, float* __restrict__ dLogits,
    long long rows, int K, int labelBytes, long long ignore, float a, float b, int accumulate) {
    constexpr int ROWS = THREADS / GROUP;
    int lane = threadIdx.x % GROUP;
    float g = *dLoss, W = totals[0], slope_entropy = W == 0.0f ? 0.0f : a * g / W;
    // dp_k = slope (onehot - p ratio)
    float ratio[ITEMS], slope[ITEMS], scale = -2.0f * b * g / static_cast<float>(K);
#pragma unroll
    for (int i = 0; i < ITEMS; i++) {
        int k = lane + GROUP * i;
        ratio[i] = k < K && b != 0.0f ? totals[1 + k] / totals[1 + K + k] : 0.0f;
        slope[i] = k < K && b != 0.0f ? scale / totals[1 + K + k] : 0.0f;
    }
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? K : 0, label = row < rows ? load_label(labels, labelBytes, row, K, ignore) : LABEL_IGNORED;
        float p[ITEMS], dp[ITEMS], dot = 0.0f;
        probabilities<GROUP>(logits, row, width, K, label, p);
        float factor = label < 0 ? 0.0f : weights ? weights[label] * slope_entropy : slope_entropy;
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            float onehot = lane + GROUP * i == label ? 1.0f : 0.0f;
            dp[i] = label < 0 ? 0.0f : slope[i] * (onehot - p[i] * ratio[i]);
            dot = fmaf(dp[i], p[i], dot);
        }
        dot = group_sum<GROUP>(dot);
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = lane + GROUP * i;
            if (k >= width) continue;
            float d = fmaf(p[i], dp[i] - dot, factor * (p[i] - (k == label ? 1.0f : 0.0f)));
            give_pack(dLogits + row * K + k, Pack{{d, 0.0f, 0.0f, 0.0f}}, accumulate, 1);
        }
    }
}

EXPORT_KERNEL(cross_entropy_dice_forward_8_float32, (cross_entropy_dice_forward<8, 1>));
EXPORT_KERNEL(cross_entropy_dice_forward_32_float32, (cross_entropy_dice_forward<32, 1>));
EXPORT_KERNEL(cross_entropy_dice_forward_256_float32, (cross_entropy_dice_forward<32, 8>));
EXPORT_KERNEL(cross_entropy_dice_forward_total, (cross_entropy_dice_forward_total));
EXPORT_KERNEL(cross_entropy_dice_backward_8_float32, (cross_entropy_dice_backward<8, 1>));
EXPORT_KERNEL(cross_entropy_dice_backward_32_float32, (cross_entropy_dice_backward<32, 1>));
EXPORT_KERNEL(cross_entropy_dice_backward_256_float32, (cross_entropy_dice_backward<32, 8>));
