// Activation functions, element by element, any shape: a functor per function, one template per pass.
//   output = f(input);   dInput = dOutput f'(input)     = or += (argument `accumulate`)
//   relu        max(x, 0)                                             f' = 1 where output > 0, else 0
//   relu6       min(max(x, 0), 6)                                     f' = 1 where 0 < output < 6, else 0
//   gelu        x Phi(x), Phi(x) = (1 + erf(x / sqrt 2)) / 2          f' = Phi(x) + x exp(-x^2 / 2) / sqrt(2 pi)
//               (Hendrycks and Gimpel 2016); Phi(x) = erfc(-x / sqrt 2) / 2, which for negative x does not cancel
//   silu        x s, s = sigmoid(x) (Elfwing et al. 2018)             f' = s (1 + x (1 - s))
//   sigmoid     s = 1 / (1 + exp(-x))                                 f' = s (1 - s)
//   hard_swish  x min(max(x + 3, 0), 6) / 6 (Howard et al. 2019)      f' = 0 up to -3, x / 3 + 1 / 2, 1 from 3 on
// A NaN stays one. All tensors: T, `count` elements, T = float or bf16. `saved` of the backward pass is the output of relu and relu6, and
// the input of the others. Memory-bound.
// Launch: blocks of 256 threads; any grid, ceil(count / 1024) or 16 blocks per multiprocessor, whichever is less. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

// value(x) = f(x);  gradient(saved, g) = g f'(x)
struct ReLU {
    static __device__ __forceinline__ float value(float x) { return x < 0.0f ? 0.0f : x; }
    static __device__ __forceinline__ float gradient(float y, float g) { return y > 0.0f ? g : 0.0f; }
};
struct ReLU6 {
    static __device__ __forceinline__ float value(float x) { return x < 0.0f ? 0.0f : x > 6.0f ? 6.0f : x; }
    static __device__ __forceinline__ float gradient(float y, float g) { return y > 0.0f && y < 6.0f ? g : 0.0f; }
};
struct GELU {
    static __device__ __forceinline__ float value(float x) { return gelu_of(x); }
    static __device__ __forceinline__ float gradient(float x, float g) { return g * gelu_derivative(x); }
};
struct Sigmoid {
    static __device__ __forceinline__ float value(float x) { return 1.0f / (1.0f + expf(-x)); }
    static __device__ __forceinline__ float gradient(float x, float g) {
        float s = value(x);
        return g * (s * (1.0f - s));
    }
};
struct SiLU {
    static __device__ __forceinline__ float value(float x) { return x * Sigmoid::value(x); }
    static __device__ __forceinline__ float gradient(float x, float g) {
        float s = Sigmoid::value(x);
        return g * (s * (1.0f + x * (1.0f - s)));
    }
};
struct HardSwish {
    static __device__ __forceinline__ float value(float x) { return x * (ReLU6::value(x + 3.0f) / 6.0f); }
    static __device__ __forceinline__ float gradient(float x, float g) { return x <= -3.0f ? 0.0f : x >= 3.0f ? g : g * (x / 3.0f + 0.5f); }
};

template <typename F, typename T>
__global__ void __launch_bounds__(THREADS) activation_forward(const T* __restrict__ input, T* __restrict__ output, long long count) {
    for_each_pack(count, aligned16(input, output), [&](long long i, int V) {
        Pack x = load_pack(input + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] = F::value(x.v[k]);
        store_pack(output + i, x, V);
    });
}

template <typename F, typename T>
__global__ void __launch_bounds__(THREADS) activation_backward(const T* __restrict__ saved, const T* __restrict__ dOutput,
    T* __restrict__ dInput, long long count, int accumulate) {
    for_each_pack(count, aligned16(saved, dOutput, dInput), [&](long long i, int V) {
        Pack s = load_pack(saved + i, V), g = load_pack(dOutput + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) g.v[k] = F::gradient(s.v[k], g.v[k]);
        give_pack(dInput + i, g, accumulate, V);
    });
}

EXPORT_KERNEL(relu_forward_float32, (activation_forward<ReLU, float>));
EXPORT_KERNEL(relu_forward_bf16, (activation_forward<ReLU, bf16>));
EXPORT_KERNEL(relu_backward_float32, (activation_backward<ReLU, float>));
EXPORT_KERNEL(relu_backward_bf16, (activation_backward<ReLU, bf16>));
EXPORT_KERNEL(relu6_forward_float32, (activation_forward<ReLU6, float>));
EXPORT_KERNEL(relu6_forward_bf16, (activation_forward<ReLU6, bf16>));
EXPORT_KERNEL(relu6_backward_float32, (activation_backward<ReLU6, float>));
EXPORT_KERNEL(relu6_backward_bf16, (activation_backward<ReLU6, bf16>));
EXPORT_KERNEL(gelu_forward_float32, (activation_forward<GELU, float>));
EXPORT_KERNEL(gelu_forward_bf16, (activation_forward<GELU, bf16>));
EXPORT_KERNEL(gelu_backward_float32, (activation_backward<GELU, float>));
EXPORT_KERNEL(gelu_backward_bf16, (activation_backward<GELU, bf16>));
EXPORT_KERNEL(silu_forward_float32, (activation_forward<SiLU, float>));
EXPORT_KERNEL(silu_forward_bf16, (activation_forward<SiLU, bf16>));
EXPORT_KERNEL(silu_backward_float32, (activation_backward<SiLU, float>));
EXPORT_KERNEL(silu_backward_bf16, (activation_backward<SiLU, bf16>));
EXPORT_KERNEL(sigmoid_forward_float32, (activation_forward<Sigmoid, float>));
EXPORT_KERNEL(sigmoid_forward_bf16, (activation_forward<Sigmoid, bf16>));
EXPORT_KERNEL(sigmoid_backward_float32, (activation_backward<Sigmoid, float>));
EXPORT_KERNEL(sigmoid_backward_bf16, (activation_backward<Sigmoid, bf16>));
EXPORT_KERNEL(hard_swish_forward_float32, (activation_forward<HardSwish, float>));
EXPORT_KERNEL(hard_swish_forward_bf16, (activation_forward<HardSwish, bf16>));
EXPORT_KERNEL(hard_swish_backward_float32, (activation_backward<HardSwish, float>));
EXPORT_KERNEL(hard_swish_backward_bf16, (activation_backward<HardSwish, bf16>));
