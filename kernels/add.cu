// Sum of two tensors of equal shape, the residual connection.
//   output = a + b;   da = dOutput, db = dOutput     (tensor_math_copy writes a gradient, tensor_math_axpy adds to it)
// All tensors: T, `count` elements, T = float or bf16. Saves nothing. output may alias a or b. Memory-bound.
// Launch: blocks of 256 threads; any grid, useful up to min(ceil(count / 1024), 16 blocks per multiprocessor). No dynamic shared memory.
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
