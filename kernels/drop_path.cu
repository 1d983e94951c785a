// Stochastic depth per sample (Huang et al. 2016) and dropout per element (Srivastava et al. 2014). A kept sample or element is
// multiplied by `factor` = 1 / (1 - probability), a dropped one becomes 0. The backward pass applies the same mask, redrawn, to dOutput.
//   drop_path: output[b, i] = keep(b) factor input[b, i];   dropout: output[i] = keep(i) factor input[i]      = or += (`accumulate`)
//   keep(e) = uniform(e) >= probability, uniform(e) = (philox(e, step, layer; seed).x >> 8) 2^-24, the numbers of RandomKey.Uniform.
// `threshold` = ceil(probability 2^24): comparing the 24 bits with an integer is exact; comparing with a float probability might not be.
// `step` is in device memory, so a recorded launch draws new numbers in every replay. `output` may alias `input` unless it accumulates.
// All tensors: T (samples, perSample) or T (count), T = float or bf16. Saves nothing. drop_path is memory-bound; dropout computes a
// Philox block per element, because the element is its counter.
// Launch: blocks of 256 threads; grid of drop_path: any x (ceil(perSample / 1024) at most is useful), y = min(samples, 65535);
// grid of dropout: any, at most min(ceil(count / 1024), 16 blocks per multiprocessor) is useful. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T>
__device__ __forceinline__ void drop_path_run(const T* input, T* output, long long perSample, float factor, int accumulate, int V) {
    long long first = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x, step = static_cast<long long>(gridDim.x) * THREADS;
    for (long long i = V * first; i < perSample; i += V * step) {
        // A dropped sample is not read: 0 even where the input is not finite.
        Pack x = {};
        if (factor != 0.0f) x = load_pack(input + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] *= factor;
        give_pack(output + i, x, accumulate, V);
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) drop_path(const T* input, T* output, const unsigned* __restrict__ step, long long perSample,
    int samples, unsigned threshold, float factor, unsigned layer, unsigned long long seed, int accumulate) {
    for (int b = blockIdx.y; b < samples; b += gridDim.y) {
        float keep = philox_element(static_cast<unsigned long long>(b), *step, layer, seed).x >> 8 < threshold ? 0.0f : factor;
        // input[b, i] is at b * perSample + i
        const T* from = input + b * perSample;
        T* to = output + b * perSample;
        if (aligned16(from, to) && perSample % 4 == 0) drop_path_run(from, to, perSample, keep, accumulate, 4);
        else drop_path_run(from, to, perSample, keep, accumulate, 1);
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) dropout(const T* input, T* output, const unsigned* __restrict__ step, long long count,
    unsigned threshold, float factor, unsigned layer, unsigned long long seed, int accumulate) {
    unsigned now = *step;
    for_each_pack(count, aligned16(input, output), [&](long long i, int V) {
        Pack x = load_pack(input + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++)
            if (k < V) x.v[k] = philox_element(static_cast<unsigned long long>(i + k), now, layer, seed).x >> 8 < threshold ? 0.0f : factor * x.v[k];
        give_pack(output + i, x, accumulate, V);
    });
}

EXPORT_KERNEL(drop_path_float32, (drop_path<float>));
EXPORT_KERNEL(drop_path_bf16, (drop_path<bf16>));
EXPORT_KERNEL(dropout_float32, (dropout<float>));
EXPORT_KERNEL(dropout_bf16, (dropout<bf16>));
