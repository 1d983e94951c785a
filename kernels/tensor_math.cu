// Arithmetic on whole tensors of `count` elements, one pass each. Saves nothing. Memory-bound.
//   copy: target = source, from float to bf16 (to nearest) or back      axpy: target += factor * source, T = float or bf16
// Launch: blocks of 256 threads; any grid, useful up to min(ceil(count / 1024), 16 blocks per multiprocessor). No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename FROM, typename TO>
__global__ void __launch_bounds__(THREADS) tensor_math_copy(const FROM* __restrict__ source, TO* __restrict__ target, long long count) {
    for_each_pack(count, aligned16(source, target), [&](long long i, int V) {
        store_pack(target + i, load_pack(source + i, V), V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) tensor_math_axpy(const T* __restrict__ source, T* __restrict__ target, float factor,
    long long count) {
    for_each_pack(count, aligned16(source, target), [&](long long i, int V) {
        Pack x = load_pack(source + i, V), y = load_pack(target + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) y.v[k] = fmaf(factor, x.v[k], y.v[k]);
        store_pack(target + i, y, V);
    });
}

EXPORT_KERNEL(tensor_math_copy_float32_to_bf16, (tensor_math_copy<float, bf16>));
EXPORT_KERNEL(tensor_math_copy_bf16_to_float32, (tensor_math_copy<bf16, float>));
EXPORT_KERNEL(tensor_math_axpy_float32, (tensor_math_axpy<float>));
EXPORT_KERNEL(tensor_math_axpy_bf16, (tensor_math_axpy<bf16>));
