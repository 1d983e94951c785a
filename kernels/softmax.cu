// GROUP lanes per row. Softmax over the last dimension of input (rows, C).
//   output = exp(input - max) / sum of the same;   dInput = output (dOutput - sum_c(dOutput output))     = or += (`accumulate`)
// All tensors: T (rows, C), T = float or bf16. The backward pass needs output; saves nothing else. Memory-bound.
// Lane l of a row owns elements l, l + GROUP, ... The rows of a warp are adjacent, so narrow rows use whole sectors. Passes after the first
// read the row from the L1 cache. Rows wider than GROUP whose size is not a multiple of 32 bytes begin inside a sector: up to 1.5 times the
// ideal sectors, all but the row's own from the L1 cache.
// Launch: blocks of 256 threads, grid any, ceil(rows / (256 / GROUP)) at most is useful; GROUP, the number in the name, is 8 for C <= 8,
// else 32. No dynamic shared memory.
// Over 1.25 times the ideal: softmax_forward_32_*, softmax_backward_32_*: rows that are no multiple of 32 bytes begin inside a sector; narrower ones lie side by side.
#include "common.cuh"

constexpr int THREADS = 256;

// Every thread takes part in every shuffle, even in a group without a row.
template <typename T, int GROUP>
__global__ void __launch_bounds__(THREADS) softmax_forward(const T* __restrict__ input, T* __restrict__ output, long long rows, int C) {
    constexpr int ROWS = THREADS / GROUP;
    int lane = threadIdx.x % GROUP;
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? C : 0;
        // input[row, c] is at row * C + c
        const T* x = input + row * C;
        T* y = output + row * C;
        float top = -INFINITY, sum = 0.0f;
        for (int c = lane; c < width; c += GROUP) top = fmaxf(top, load1(x + c));
        top = group_max<GROUP>(top);
        for (int c = lane; c < width; c += GROUP) sum += expf(load1(x + c) - top);
        sum = group_sum<GROUP>(sum);
        for (int c = lane; c < width; c += GROUP) store1(y + c, expf(load1(x + c) - top) / sum);
    }
}

template <typename T, int GROUP>
__global__ void __launch_bounds__(THREADS) softmax_backward(const T* __restrict__ output, const T* __restrict__ dOutput, T* __restrict__ dInput,
    long long rows, int C, int accumulate) {
    constexpr int ROWS = THREADS / GROUP;
    int lane = threadIdx.x % GROUP;
    for (long long first = static_cast<long long>(blockIdx.x) * ROWS; first < rows; first += static_cast<long long>(gridDim.x) * ROWS) {
        long long row = first + threadIdx.x / GROUP;
        int width = row < rows ? C : 0;
        const T *y = output + row * C, *dy = dOutput + row * C;
        float dot = 0.0f;
        for (int c = lane; c < width; c += GROUP) dot = fmaf(load1(dy + c), load1(y + c), dot);
        dot = group_sum<GROUP>(dot);
        for (int c = lane; c < width; c += GROUP)
            give_pack(dInput + row * C + c, Pack{{load1(y + c) * (load1(dy + c) - dot), 0.0f, 0.0f, 0.0f}}, accumulate, 1);
    }
}

EXPORT_KERNEL(softmax_forward_8_float32, (softmax_forward<float, 8>));
EXPORT_KERNEL(softmax_forward_32_float32, (softmax_forward<float, 32>));
EXPORT_KERNEL(softmax_forward_8_bf16, (softmax_forward<bf16, 8>));
EXPORT_KERNEL(softmax_forward_32_bf16, (softmax_forward<bf16, 32>));
EXPORT_KERNEL(softmax_backward_8_float32, (softmax_backward<float, 8>));
EXPORT_KERNEL(softmax_backward_32_float32, (softmax_backward<float, 32>));
EXPORT_KERNEL(softmax_backward_8_bf16, (softmax_backward<bf16, 8>));
EXPORT_KERNEL(softmax_backward_32_bf16, (softmax_backward<bf16, 32>));
