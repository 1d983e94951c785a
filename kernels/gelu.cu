// Gaussian error linear unit (Hendrycks and Gimpel 2016) in the exact form, any shape.
//   Phi(x) = (1 + erf(x / sqrt 2)) / 2 = erfc(-x / sqrt 2) / 2,  which for negative x does not cancel
//   output = x Phi(x);   dInput = dOutput (Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi))     = or += (argument `accumulate`)
// All tensors: T, `count` elements, T = float or bf16. Needs input for the backward pass, saves nothing. Memory-bound.
// Launch: blocks of 256 threads; any grid, ceil(count / 1024) or 16 blocks per multiprocessor, whichever is less. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T>
__global__ void __launch_bounds__(THREADS) gelu_forward(const T* __restrict__ input, T* __restrict__ output, long long count) {
    for_each_pack(count, aligned16(input, output), [&](long long i, int V) {
        Pack x = load_pack(input + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] = gelu_of(x.v[k]);
        store_pack(output + i, x, V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) gelu_backward(const T* __restrict__ input, const T* __restrict__ dOutput, T* __restrict__ dInput,
    long long count, int accumulate) {
    for_each_pack(count, aligned16(input, dOutput, dInput), [&](long long i, int V) {
        Pack x = load_pack(input + i, V), g = load_pack(dOutput + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) g.v[k] *= gelu_derivative(x.v[k]);
        give_pack(dInput + i, g, accumulate, V);
    });
}

EXPORT_KERNEL(gelu_forward_float32, (gelu_forward<float>));
EXPORT_KERNEL(gelu_forward_bf16, (gelu_forward<bf16>));
EXPORT_KERNEL(gelu_backward_float32, (gelu_backward<float>));
EXPORT_KERNEL(gelu_backward_bf16, (gelu_backward<bf16>));
