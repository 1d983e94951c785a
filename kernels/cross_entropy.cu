// Softmax cross-entropy of logits (rows, K) with class weights w and an ignored label.
//   p = softmax(logits);   loss = sum_r w[label] (log sum exp(logits) - logits[label]) / W,  W = sum_r w[label], over the rows that count
//   dLogits = w[label] / W dLoss (p - onehot(label)), 0 for rows that do not count     = or += (argument `accumulate`)
// logits, softmax, dLogits: float (rows, K); labels: (rows) as load_label of common.cuh reads them; weights: float (K) or null for all 1;
// ignore: a label that does not count (none: a number that no label has). If no row counts, the loss and its gradient are 0. Another label
// outside 0 ... K - 1 makes W, and with it the loss and the gradient of rows that count, NaN; invalid, a 64-bit integer, grows by one each.
// Saves softmax and W (1). Memory-bound. Atomics on integers only.
// GROUP lanes share a row, lane l owning classes l + GROUP i, i < ITEMS. Loss and W are pairs (Sum of common.cuh), added in a fixed order.
// Launch: blocks of 256 threads; the number in the name is 8, 32 or 256: the most classes it takes; grid of forward and backward any,
// ceil(rows / (256 / GROUP)) at most is useful, 4 blocks per multiprocessor; partial: pairs (2, blocks). forward_total: one block. No
// dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

// partial (2, gridDim.x): the block's sums of loss and weight. Every thread takes part in every shuffle.
template <int GROUP, int ITEMS>
__global__ void __launch_bounds__(THREADS) cross_entropy_forward(const float* __restrict__ logits, const void* __restrict__ labels,
    const float* __restrict__ weights, float* __restrict__ softmax, float2* __restrict__ partial, unsigned long long* __restrict__ invalid,
    long long rows, int K, int labelBytes, long long ignore) {
    constexpr int ROWS = THREADS / GROUP;
    int lane = threadIdx.x % GROUP;
    Sum loss = zero_sum(), weight = zero_sum();
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? K : 0, label = row < rows ? load_label(labels, labelBytes, row, K, ignore) : LABEL_IGNORED;
        float x[ITEMS], top, at_label = 0.0f;
#pragma unroll
        for (int i = 0; i < ITEMS; i++) {
            int k = lane + GROUP * i;
            // logits[row, k] is at row * K + k
            x[i] = k < width ? load1(logits + row * K + k) : -INFINITY;
            if (k == label) at_label = x[i];
        }
        at_label = group_sum<GROUP>(at_label);
        float log_sum = group_softmax<GROUP>(x, top);
#pragma unroll
        for (int i = 0; i < ITEMS; i++)
            if (lane + GROUP * i < width) store1(softmax + row * K + lane + GROUP * i, x[i]);
        if (lane) continue;
        if (label >= 0) {
            float w = weights ? weights[label] : 1.0f;
            add(loss, w * (log_sum - (at_label - top)));
            add(weight, w);
        }
        if (label == LABEL_INVALID) {
            add(weight, __uint_as_float(0x7fc00000u));
            atomicAdd(invalid, 1ull);
        }
    }
    loss = block_sum<THREADS>(loss);
    weight = block_sum<THREADS>(weight);
    if (threadIdx.x == 0) {
        // partial[which, block] is at which * blocks + block
        store_sum(partial + blockIdx.x, loss);
        store_sum(partial + gridDim.x + blockIdx.x, weight);
    }
}

__global__ void __launch_bounds__(THREADS) cross_entropy_forward_total(const float2* __restrict__ partial, float* __restrict__ loss,
    float* __restrict__ totalWeight, int blocks) {
    Sum sums[2] = {zero_sum(), zero_sum()};
    for (int block = threadIdx.x; block < blocks; block += THREADS)
#pragma unroll
        for (int which = 0; which < 2; which++) add(sums[which], load_sum(partial + which * blocks + block));
#pragma unroll
    for (int which = 0; which < 2; which++) sums[which] = block_sum<THREADS>(sums[which]);
    if (threadIdx.x == 0) {
        float weight = value(sums[1]);
        *loss = weight == 0.0f ? 0.0f : value(sums[0]) / weight;
        *totalWeight = weight;
    }
}

// dLoss: one float in device memory.
template <int GROUP>
__global__ void __launch_bounds__(THREADS) cross_entropy_backward(const float* __restrict__ softmax, const void* __restrict__ labels,
    const float* __restrict__ weights, const float* __restrict__ totalWeight, const float* __restrict__ dLoss, float* __restrict__ dLogits,
    long long rows, int K, int labelBytes, long long ignore, int accumulate) {
    constexpr int ROWS = THREADS / GROUP;
    float weight = *totalWeight, scale = weight == 0.0f ? 0.0f : *dLoss / weight;
    for (long long row = static_cast<long long>(blockIdx.x) * ROWS + threadIdx.x / GROUP; row < rows; row += static_cast<long long>(gridDim.x) * ROWS) {
        int label = load_label(labels, labelBytes, row, K, ignore);
        float factor = label < 0 ? 0.0f : weights ? weights[label] * scale : scale;
        for (int k = threadIdx.x % GROUP; k < K; k += GROUP) {
            float g = factor * (load1(softmax + row * K + k) - (k == label ? 1.0f : 0.0f));
            give_pack(dLogits + row * K + k, Pack{{g, 0.0f, 0.0f, 0.0f}}, accumulate, 1);
        }
    }
}

EXPORT_KERNEL(cross_entropy_forward_8_float32, (cross_entropy_forward<8, 1>));
EXPORT_KERNEL(cross_entropy_forward_32_float32, (cross_entropy_forward<32, 1>));
EXPORT_KERNEL(cross_entropy_forward_256_float32, (cross_entropy_forward<32, 8>));
EXPORT_KERNEL(cross_entropy_forward_total, (cross_entropy_forward_total));
EXPORT_KERNEL(cross_entropy_backward_8_float32, (cross_entropy_backward<8>));
EXPORT_KERNEL(cross_entropy_backward_256_float32, (cross_entropy_backward<32>));
