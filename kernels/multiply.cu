// Product of two tensors of one shape, element by element.
//   output = a b;   da = dOutput b, db = dOutput a     = or += (argument `accumulate`); `other` is the input that the gradient is not of
// All tensors: T, `count` elements, T = float or bf16. Saves nothing. Memory-bound.
// Launch: blocks of 256 threads; any grid, ceil(count / 1024) or 16 blocks per multiprocessor, whichever is less. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T>
__global__ void __launch_bounds__(THREADS) multiply_forward(const T* a, const T* b, T* __restrict__ output, long long count) {
    for_each_pack(count, aligned16(a, b, output), [&](long long i, int V) {
        Pack x = load_pack(a + i, V), y = load_pack(b + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] *= y.v[k];
        store_pack(output + i, x, V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) multiply_backward(const T* __restrict__ dOutput, const T* __restrict__ other, T* __restrict__ dInput,
    long long count, int accumulate) {
    for_each_pack(count, aligned16(dOutput, other, dInput), [&](long long i, int V) {
        Pack g = load_pack(dOutput + i, V), y = load_pack(other + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) g.v[k] *= y.v[k];
        give_pack(dInput + i, g, accumulate, V);
    });
}

EXPORT_KERNEL(multiply_forward_float32, (multiply_forward<float>));
EXPORT_KERNEL(multiply_forward_bf16, (multiply_forward<bf16>));
EXPORT_KERNEL(multiply_backward_float32, (multiply_backward<float>));
EXPORT_KERNEL(multiply_backward_bf16, (multiply_backward<bf16>));
