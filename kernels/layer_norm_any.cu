// A warp per row. Layer normalisation for shapes that layer_norm.cu does not support: channels that are not a multiple of 4 (in a merged
// layout: C / 4), or more than 1536. Same formulas, layouts, arguments and saved tensors. One element per access; every pass reads the row
// again from the L1 cache.
//   input, output and their gradients: T, T = float or bf16; weight, bias, mean, rstd: float; dInput = or += (`accumulate`)
//   partial (blocks, 2, C): float, a block's sums for dWeight and dBias; layer_norm_backward_parameters of layer_norm.cu adds them.
// forward and backward_input: a warp per row. backward_partial: a thread per channel and block of rows. Memory-bound. Rows whose size is
// not a multiple of 32 bytes begin inside a sector: up to 2 times the ideal for narrow rows.
// Launch: blocks of 128 threads; forward and backward_input grid any, ceil(rows / 4) at most is useful; backward_partial grid
// (ceil(C / 128), blocks), blocks = ceil(rows / blockRows), blockRows at least 32. No dynamic shared memory.
// Over 1.25 times the ideal: layer_norm_any_forward_bf16, layer_norm_any_backward_*_bf16: rows that are no multiple of 32 bytes begin inside a sector.
#include "common.cuh"

constexpr int THREADS = 128, WARPS = THREADS / 32;

template <typename T>
__global__ void __launch_bounds__(THREADS) layer_norm_any_forward(const T* __restrict__ input, const float* __restrict__ weight,
    const float* __restrict__ bias, T* __restrict__ output, float* __restrict__ mean, float* __restrict__ rstd, int rows, int C, float eps, int layout, int W, int s) {
    RowPlace place{layout, W, s, C};
    int lane = threadIdx.x % 32;
    for (int row = blockIdx.x * WARPS + threadIdx.x / 32; row < rows; row += gridDim.x * WARPS) {
        // output[row, c] is at row * C + c
        long long in_order = static_cast<long long>(row) * C;
        const T* x = input + place.start(row);
        float total = 0.0f, squares = 0.0f;
        for (int c = lane; c < C; c += 32) total += load1(x + place.offset(c));
        float m = warp_sum(total) / static_cast<float>(C);
        for (int c = lane; c < C; c += 32) {
            float d = load1(x + place.offset(c)) - m;
            squares = fmaf(d, d, squares);
        }
        float r = 1.0f / sqrtf(warp_sum(squares) / static_cast<float>(C) + eps);
        for (int c = lane; c < C; c += 32) store1(output + in_order + c, (load1(x + place.offset(c)) - m) * r * weight[c] + bias[c]);
        if (lane == 0) {
            mean[row] = m;
            rstd[row] = r;
        }
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) layer_norm_any_backward_input(const T* __restrict__ dOutput, const T* __restrict__ input,
    const float* __restrict__ weight, const float* __restrict__ mean, const float* __restrict__ rstd, T* __restrict__ dInput,
    int rows, int C, int layout, int W, int s, int accumulate) {
    RowPlace place{layout, W, s, C};
    int lane = threadIdx.x % 32;
    for (int row = blockIdx.x * WARPS + threadIdx.x / 32; row < rows; row += gridDim.x * WARPS) {
        long long in_order = static_cast<long long>(row) * C, start = place.start(row);
        const T *x = input + start, *dy = dOutput + in_order;
        float m = mean[row], r = rstd[row], sum_g = 0.0f, sum_gx = 0.0f;
        for (int c = lane; c < C; c += 32) {
            float g = load1(dy + c) * weight[c];
            sum_g += g;
            sum_gx = fmaf(g, (load1(x + place.offset(c)) - m) * r, sum_gx);
        }
        float mean_g = warp_sum(sum_g) / static_cast<float>(C), mean_gx = warp_sum(sum_gx) / static_cast<float>(C);
        for (int c = lane; c < C; c += 32) {
            float d = r * (load1(dy + c) * weight[c] - mean_g - (load1(x + place.offset(c)) - m) * r * mean_gx);
            give_pack(dInput + start + place.offset(c), Pack{{d, 0.0f, 0.0f, 0.0f}}, accumulate, 1);
        }
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) layer_norm_any_backward_partial(const T* __restrict__ dOutput, const T* __restrict__ input,
    const float* __restrict__ mean, const float* __restrict__ rstd, float* __restrict__ partial, int rows, int C, int blockRows, int layout,
    int W, int s) {
    RowPlace place{layout, W, s, C};
    int c = blockIdx.x * THREADS + threadIdx.x, first = blockIdx.y * blockRows, end = min(rows, first + blockRows);
    if (c >= C) return;
    Sum dWeight = zero_sum(), dBias = zero_sum();
    for (int row = first; row < end; row++) {
        float g = load1(dOutput + static_cast<long long>(row) * C + c);
        add(dWeight, g * ((load1(input + place.start(row) + place.offset(c)) - mean[row]) * rstd[row]));
        add(dBias, g);
    }
    // partial[block, which, c] is at (block * 2 + which) * C + c
    partial[2ll * blockIdx.y * C + c] = value(dWeight);
    partial[(2ll * blockIdx.y + 1) * C + c] = value(dBias);
}

EXPORT_KERNEL(layer_norm_any_forward_float32, (layer_norm_any_forward<float>));
EXPORT_KERNEL(layer_norm_any_forward_bf16, (layer_norm_any_forward<bf16>));
EXPORT_KERNEL(layer_norm_any_backward_input_float32, (layer_norm_any_backward_input<float>));
EXPORT_KERNEL(layer_norm_any_backward_input_bf16, (layer_norm_any_backward_input<bf16>));
EXPORT_KERNEL(layer_norm_any_backward_partial_float32, (layer_norm_any_backward_partial<float>));
EXPORT_KERNEL(layer_norm_any_backward_partial_bf16, (layer_norm_any_backward_partial<bf16>));
