// Rectifier, any shape.
//   output = max(input, 0), a NaN stays one;   dInput = dOutput where output > 0, else 0     = or += (argument `accumulate`)
// All tensors: T, `count` elements, T = float or bf16. Needs output for the backward pass, saves nothing else. Memory-bound.
// Launch: blocks of 256 threads; any grid, ceil(count / 1024) or 16 blocks per multiprocessor, whichever is less. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T>
__global__ void __launch_bounds__(THREADS) relu_forward(const T* __restrict__ input, T* __restrict__ output, long long count) {
    for_each_pack(count, aligned16(input, output), [&](long long i, int V) {
        Pack x = load_pack(input + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] = x.v[k] < 0.0f ? 0.0f : x.v[k];
        store_pack(output + i, x, V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) relu_backward(const T* __restrict__ output, const T* __restrict__ dOutput, T* __restrict__ dInput,
    long long count, int accumulate) {
    for_each_pack(count, aligned16(output, dOutput, dInput), [&](long long i, int V) {
        Pack y = load_pack(output + i, V), g = load_pack(dOutput + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) g.v[k] = y.v[k] > 0.0f ? g.v[k] : 0.0f;
        give_pack(dInput + i, g, accumulate, V);
    });
}

EXPORT_KERNEL(relu_forward_float32, (relu_forward<float>));
EXPORT_KERNEL(relu_forward_bf16, (relu_forward<bf16>));
EXPORT_KERNEL(relu_backward_float32, (relu_backward<float>));
EXPORT_KERNEL(relu_backward_bf16, (relu_backward<bf16>));
