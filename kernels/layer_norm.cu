// Layer normalisation over the last dimension of input (rows, C).
//   mean = sum_c x / C,  rstd = 1 / sqrt(sum_c (x - mean)^2 / C + eps),  xhat = (x - mean) rstd,  output = xhat weight + bias
// Backward, g = dOutput weight:
//   dInput = rstd (g - mean_c(g) - xhat mean_c(g xhat))        = or += (argument `accumulate`)
//   dWeight = sum_rows dOutput xhat,  dBias = sum_rows dOutput  = or +=, without atomics: partial sums per block, then added in order
// input, output, dOutput, dInput: T (rows, C), T = float or bf16; weight, bias, mean, rstd, dWeight, dBias: float.
// One warp per row; a lane owns channels 4 (lane + 32 i) ... + 3. Saves mean, rstd (rows). C % 4 == 0, C <= 128 GROUPS. Memory-bound:
// the row stays in registers, so input and output pass once; two passes over the registers keep a large mean from cancelling the variance.
#include "common.cuh"

constexpr int WARPS = 4;
constexpr int THREADS = 32 * WARPS;

// GROUPS = ceil(C / 128): how many groups of four channels a lane owns. Grid: ceil(rows / WARPS) blocks of THREADS.
template <typename T, int GROUPS>
__global__ void __launch_bounds__(THREADS) layer_norm_forward(const T* __restrict__ input, const float* __restrict__ weight,
    const float* __restrict__ bias, T* __restrict__ output, float* __restrict__ mean, float* __restrict__ rstd, int rows,
    int C, float eps) {
    int lane = threadIdx.x % 32;
    long long row = static_cast<long long>(blockIdx.x) * WARPS + threadIdx.x / 32;
    if (row >= rows) return;                            // whole warps leave, and no block barrier follows
    // input[row, c] is at row * C + c
    const T* x = input + row * C;
    float4 v[GROUPS];
    float sum = 0.0f;
#pragma unroll
    for (int i = 0; i < GROUPS; i++) {
        int c = 4 * (lane + 32 * i);
        v[i] = c < C ? load4(x + c) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        sum += (v[i].x + v[i].y) + (v[i].z + v[i].w);
    }
    float m = warp_sum(sum) / C, squares = 0.0f;
#pragma unroll
    for (int i = 0; i < GROUPS; i++) {
        if (4 * (lane + 32 * i) >= C) continue;
        float a = v[i].x - m, b = v[i].y - m, c = v[i].z - m, d = v[i].w - m;
        squares += (a * a + b * b) + (c * c + d * d);
    }
    float s = rsqrtf(warp_sum(squares) / C + eps);
#pragma unroll
    for (int i = 0; i < GROUPS; i++) {
        int c = 4 * (lane + 32 * i);
        if (c >= C) continue;
        float4 w = load4(weight + c), b = load4(bias + c);
        store4(output + row * C + c, make_float4((v[i].x - m) * s * w.x + b.x, (v[i].y - m) * s * w.y + b.y,
            (v[i].z - m) * s * w.z + b.z, (v[i].w - m) * s * w.w + b.w));
    }
    if (lane == 0) {
        mean[row] = m;
        rstd[row] = s;
    }
}

// Grid: any number of blocks (the partials are per block); block b takes rows b WARPS + warp, then every gridDim.x WARPS further.
// partial (gridDim.x, 2, C): the block's sums for dWeight and dBias.
template <typename T, int GROUPS>
__global__ void __launch_bounds__(THREADS) layer_norm_backward(const T* __restrict__ dOutput, const T* __restrict__ input,
    const float* __restrict__ weight, const float* __restrict__ mean, const float* __restrict__ rstd, T* __restrict__ dInput,
    float* __restrict__ partial, int rows, int C, int accumulate) {
    SHARED(float4, sums, [WARPS][32]);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32;
    float4 weights[GROUPS], dWeight[GROUPS], dBias[GROUPS];
#pragma unroll
    for (int i = 0; i < GROUPS; i++) {
        int c = 4 * (lane + 32 * i);
        weights[i] = c < C ? load4(weight + c) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
        dWeight[i] = dBias[i] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
    for (long long row = static_cast<long long>(blockIdx.x) * WARPS + warp; row < rows; row += static_cast<long long>(gridDim.x) * WARPS) {
        float m = mean[row], s = rstd[row], sum_g = 0.0f, sum_gx = 0.0f;
        float4 g[GROUPS] = {}, xhat[GROUPS] = {};
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            int c = 4 * (lane + 32 * i);
            if (c >= C) continue;
            float4 dy = load4(dOutput + row * C + c), x = load4(input + row * C + c), w = weights[i];
            float4 h = make_float4((x.x - m) * s, (x.y - m) * s, (x.z - m) * s, (x.w - m) * s);
            dWeight[i].x += dy.x * h.x, dWeight[i].y += dy.y * h.y, dWeight[i].z += dy.z * h.z, dWeight[i].w += dy.w * h.w;
            dBias[i].x += dy.x, dBias[i].y += dy.y, dBias[i].z += dy.z, dBias[i].w += dy.w;
            g[i] = make_float4(dy.x * w.x, dy.y * w.y, dy.z * w.z, dy.w * w.w);
            xhat[i] = h;
            sum_g += (g[i].x + g[i].y) + (g[i].z + g[i].w);
            sum_gx += (g[i].x * h.x + g[i].y * h.y) + (g[i].z * h.z + g[i].w * h.w);
        }
        float mean_g = warp_sum(sum_g) / C, mean_gx = warp_sum(sum_gx) / C;
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            int c = 4 * (lane + 32 * i);
            if (c >= C) continue;
            float4 d = make_float4(s * (g[i].x - mean_g - xhat[i].x * mean_gx), s * (g[i].y - mean_g - xhat[i].y * mean_gx),
                s * (g[i].z - mean_g - xhat[i].z * mean_gx), s * (g[i].w - mean_g - xhat[i].w * mean_gx));
            T* to = dInput + row * C + c;
            if (accumulate) {
                float4 old = load4(to);
                d = make_float4(old.x + d.x, old.y + d.y, old.z + d.z, old.w + d.w);
            }
            store4(to, d);
        }
    }
    // The warps' sums meet in shared memory, one group of 128 channels after the other; warp 0 adds them in order.
    // partial[block, which, c] is at (block * 2 + which) * C + c
    float* out = partial + static_cast<long long>(blockIdx.x) * 2 * C;
#pragma unroll
    for (int i = 0; i < 2 * GROUPS; i++) {
        store_vector(&sums[warp][lane], i < GROUPS ? dWeight[i % GROUPS] : dBias[i % GROUPS]);
        __syncthreads();
        int c = 4 * (lane + 32 * (i % GROUPS));
        if (warp == 0 && c < C) {
            float4 total = load_vector(&sums[0][lane]);
            for (int w = 1; w < WARPS; w++) {
                float4 v = load_vector(&sums[w][lane]);
                total = make_float4(total.x + v.x, total.y + v.y, total.z + v.z, total.w + v.w);
            }
            store4(out + i / GROUPS * C + c, total);
        }
        __syncthreads();
    }
}

// dWeight[c] (+)= sum_b partial[b, 0, c], dBias[c] (+)= sum_b partial[b, 1, c], in the order of b. One thread per channel.
__global__ void __launch_bounds__(THREADS) layer_norm_backward_parameters(const float* __restrict__ partial, float* __restrict__ dWeight,
    float* __restrict__ dBias, int blocks, int C, int accumulate) {
    int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= C) return;
    float w = accumulate ? dWeight[c] : 0.0f, b = accumulate ? dBias[c] : 0.0f;
    for (int block = 0; block < blocks; block++) {
        const float* from = partial + static_cast<long long>(block) * 2 * C + c;
        w += from[0];
        b += from[C];
    }
    dWeight[c] = w;
    dBias[c] = b;
}

EXPORT_KERNEL(layer_norm_forward_128_float32, (layer_norm_forward<float, 1>));
EXPORT_KERNEL(layer_norm_forward_256_float32, (layer_norm_forward<float, 2>));
EXPORT_KERNEL(layer_norm_forward_512_float32, (layer_norm_forward<float, 4>));
EXPORT_KERNEL(layer_norm_forward_1024_float32, (layer_norm_forward<float, 8>));
EXPORT_KERNEL(layer_norm_forward_128_bf16, (layer_norm_forward<bf16, 1>));
EXPORT_KERNEL(layer_norm_forward_256_bf16, (layer_norm_forward<bf16, 2>));
EXPORT_KERNEL(layer_norm_forward_512_bf16, (layer_norm_forward<bf16, 4>));
EXPORT_KERNEL(layer_norm_forward_1024_bf16, (layer_norm_forward<bf16, 8>));
EXPORT_KERNEL(layer_norm_backward_128_float32, (layer_norm_backward<float, 1>));
EXPORT_KERNEL(layer_norm_backward_256_float32, (layer_norm_backward<float, 2>));
EXPORT_KERNEL(layer_norm_backward_512_float32, (layer_norm_backward<float, 4>));
EXPORT_KERNEL(layer_norm_backward_1024_float32, (layer_norm_backward<float, 8>));
EXPORT_KERNEL(layer_norm_backward_128_bf16, (layer_norm_backward<bf16, 1>));
EXPORT_KERNEL(layer_norm_backward_256_bf16, (layer_norm_backward<bf16, 2>));
EXPORT_KERNEL(layer_norm_backward_512_bf16, (layer_norm_backward<bf16, 4>));
EXPORT_KERNEL(layer_norm_backward_1024_bf16, (layer_norm_backward<bf16, 8>));
EXPORT_KERNEL(layer_norm_backward_parameters, (layer_norm_backward_parameters));
