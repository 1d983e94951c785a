// Sum of two tensors of one shape, the residual connection.
//   output = a + b;   da = dOutput, db = dOutput     (tensor_math_copy to write a gradient, tensor_math_axpy to add to it)
// All tensors: T, `count` elements, T = float or bf16. Saves nothing. output may be a or b. Memory-bound.
// Launch: blocks of 256 threads; any grid, ceil(count / 1024) or 16 blocks per multiprocessor, whichever is less. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T> __global__ void __launch_bounds__(THREADS) add_forward(const T* a, const T* b, T* output, long long count) {
    for_each_pack(count, aligned16(a, b, output), [&](long long i, int V) {
        Pack x = load_pack(a + i, V), y = load_pack(b + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] += y.v[k];
        store_pack(output + i, x, V);
    });
}

EXPORT_KERNEL(add_forward_float32, (add_forward<float>));
EXPORT_KERNEL(add_forward_bf16, (add_forward<bf16>));
