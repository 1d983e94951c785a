// GROUP lanes per row. The predicted label of each row, and the confusion matrix of predicted against true labels.
//   argmax: labels[r] = the first k with the largest logits[r, k]; a NaN ranks lowest, except at k = 0 where it wins (as in a scan by >)
//   confusion: counts[truth[r], prediction[r]] += 1 for every row whose truth is not `ignore`; counts[K K] += 1 for every row whose truth
//   or prediction is K or more
// logits: T (rows, K), T = float or bf16, K <= 256; labels, prediction: bytes (rows); truth: (rows), in the formats of load_label of
// common.cuh; counts: 64-bit integers (K K + 1), +=, so that batches accumulate. Integer atomics: their order does not change the result.
// Memory-bound.
// Launch: blocks of 256 threads. argmax: the number in the name, 8 or 256, is the largest K it supports; GROUP = 8 or 32;
// grid any, ceil(rows / (256 / GROUP)) at most is useful. confusion: grid any, 2 blocks per multiprocessor; dynamic shared memory
// 4 (K K + 1) bytes if K <= 64, else none.
// Over 1.25 times the ideal: argmax_256_*: rows of more than 8 classes that are no multiple of 32 bytes begin inside a sector.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T, int GROUP>
__global__ void __launch_bounds__(THREADS) argmax(const T* __restrict__ logits, unsigned char* __restrict__ labels, long long rows, int K) {
    constexpr int ROWS = THREADS / GROUP;
    int lane = threadIdx.x % GROUP;
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        float best = -INFINITY;
        int place = lane;
        for (int k = lane; row < rows && k < K; k += GROUP) {
            // logits[row, k] is at row * K + k
            float x = load1(logits + row * K + k);
            if (x != x) x = k == 0 ? INFINITY : -INFINITY;
            if (x > best) best = x, place = k;
        }
#pragma unroll
        for (int offset = GROUP / 2; offset > 0; offset >>= 1) {
            float other = __shfl_xor_sync(0xffffffffu, best, offset);
            int other_place = __shfl_xor_sync(0xffffffffu, place, offset);
            if (other > best || (other == best && other_place < place)) best = other, place = other_place;
        }
        if (lane == 0 && row < rows) labels[row] = static_cast<unsigned char>(place);
    }
}

__global__ void __launch_bounds__(THREADS) confusion(const unsigned char* __restrict__ prediction, const void* __restrict__ truth,
    unsigned long long* __restrict__ counts, long long rows, int K, int labelBytes, long long ignore) {
    SHARED_DYN(unsigned, block_counts);
    bool in_shared = K <= 64;
    if (in_shared) {
        for (int i = threadIdx.x; i <= K * K; i += THREADS) block_counts[i] = 0;
        __syncthreads();
    }
    for (long long row = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x; row < rows; row += static_cast<long long>(gridDim.x) * THREADS) {
        int t = load_label(truth, labelBytes, row, K, ignore), p = prediction[row];
        if (t == LABEL_IGNORED) continue;
        int cell = t < 0 || p >= K ? K * K : t * K + p;
        if (in_shared) atomicAdd(block_counts + cell, 1u);
        else atomicAdd(counts + cell, 1ull);
    }
    if (!in_shared) return;
    __syncthreads();
    for (int i = threadIdx.x; i <= K * K; i += THREADS)
        if (block_counts[i]) atomicAdd(counts + i, static_cast<unsigned long long>(block_counts[i]));
}

EXPORT_KERNEL(argmax_8_float32, (argmax<float, 8>));
EXPORT_KERNEL(argmax_256_float32, (argmax<float, 32>));
EXPORT_KERNEL(argmax_8_bf16, (argmax<bf16, 8>));
EXPORT_KERNEL(argmax_256_bf16, (argmax<bf16, 32>));
EXPORT_KERNEL(confusion, (confusion));
