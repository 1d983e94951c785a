// LANES threads per row. Layer normalisation over the last dimension of rows (rows, C), fused with a rearrangement before it.
//   mean = sum_c x / C,  rstd = 1 / sqrt(sum_c (x - mean)^2 / C + eps),  xhat = (x - mean) rstd,  output = xhat weight + bias
// Backward, g = dOutput weight:
//   dInput = rstd (g - mean_c(g) - xhat mean_c(g xhat))    = or += (argument `accumulate`)
//   dWeight = sum_rows dOutput xhat,  dBias = sum_rows dOutput       = or +=, without atomics: partial sums per block, then added in order
// x is a row of `input`, which lies there as `layout` says (RowPlace of common.cuh): in order; in the four places that patch merging
// gathers (Liu et al. 2021, Swin); or in the place that pixel shuffle takes it from. dInput lies as input does.
// input, output and their gradients: T, T = float or bf16; weight, bias, mean, rstd, dWeight, dBias: float.
// Saves mean, rstd (rows). Lane l of a row owns channels 4 (l + LANES i) ... + 3, i < 3: C % 4 == 0, C <= 12 LANES, the number in the
// name; C / 4 is a multiple of 4 for a merged layout. Memory-bound: the row stays in registers, so memory is read once. Two passes over the
// registers keep a large mean from cancelling the variance. 96, 192, 384, 768 and 1536 channels, those of Swin, leave no lane idle.
// Launch: blocks of 128 threads, grid any, ceil(rows / (128 / LANES)) at most is useful. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 128, GROUPS = 3;

__device__ __forceinline__ float4 zero4() { return make_float4(0.0f, 0.0f, 0.0f, 0.0f); }
__device__ __forceinline__ float4 add4(float4 a, float4 b) { return make_float4(a.x + b.x, a.y + b.y, a.z + b.z, a.w + b.w); }
__device__ __forceinline__ float sum4(float4 a) { return (a.x + a.y) + (a.z + a.w); }

// Sums both numbers over the LANES threads of a row, in a fixed order. All threads of the block must call it.
template <int LANES> __device__ __forceinline__ float2 row_sum(float a, float b) {
    constexpr int GROUP = LANES < 32 ? LANES : 32, WARPS = LANES / GROUP;
    a = group_sum<GROUP>(a);
    b = group_sum<GROUP>(b);
    if constexpr (WARPS > 1) {
        SHARED(float2, of_warps, [THREADS / 32]);
        int warp = threadIdx.x / 32;
        if (threadIdx.x % 32 == 0) store_vector(&of_warps[warp], make_float2(a, b));
        __syncthreads();
        a = b = 0.0f;
        for (int i = 0; i < WARPS; i++) {
            float2 one = load_vector(&of_warps[warp / WARPS * WARPS + i]);
            a += one.x;
            b += one.y;
        }
        __syncthreads();
    }
    return make_float2(a, b);
}

template <typename T, int LANES>
__global__ void __launch_bounds__(THREADS, 7) layer_norm_forward(const T* __restrict__ input, const float* __restrict__ weight,
    const float* __restrict__ bias, T* __restrict__ output, float* __restrict__ mean, float* __restrict__ rstd, int rows, int C, float eps, int layout, int W, int s) {
    constexpr int ROWS = THREADS / LANES;
    RowPlace place{layout, W, s, C};
    int lane = threadIdx.x % LANES, offsets[GROUPS];
    float4 weights[GROUPS], biases[GROUPS];
#pragma unroll
    for (int i = 0; i < GROUPS; i++) {
        int c = 4 * (lane + LANES * i);
        offsets[i] = place.offset(c);
        weights[i] = c < C ? load4(weight + c) : zero4();
        biases[i] = c < C ? load4(bias + c) : zero4();
    }
    for (int first = blockIdx.x * ROWS; first < rows; first += gridDim.x * ROWS) {
        int row = first + threadIdx.x / LANES, width = row < rows ? C : 0;
        // output[row, c] is at row * C + c
        long long in_order = static_cast<long long>(row) * C;
        const T* x = input + (width ? place.start(row) : 0);
        float4 v[GROUPS];
#pragma unroll
        for (int i = 0; i < GROUPS; i++) v[i] = 4 * (lane + LANES * i) < width ? load4(x + offsets[i]) : zero4();
        float total = 0.0f, squares = 0.0f;
#pragma unroll
        for (int i = 0; i < GROUPS; i++) total += sum4(v[i]);
        float m = row_sum<LANES>(total, 0.0f).x / static_cast<float>(C);
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            if (4 * (lane + LANES * i) >= width) continue;
            v[i] = make_float4(v[i].x - m, v[i].y - m, v[i].z - m, v[i].w - m);
            squares += (v[i].x * v[i].x + v[i].y * v[i].y) + (v[i].z * v[i].z + v[i].w * v[i].w);
        }
        float r = rsqrtf(row_sum<LANES>(squares, 0.0f).x / static_cast<float>(C) + eps);
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            int c = 4 * (lane + LANES * i);
            if (c >= width) continue;
            float4 w = weights[i], b = biases[i];
            store4(output + in_order + c,
                make_float4(v[i].x * r * w.x + b.x, v[i].y * r * w.y + b.y, v[i].z * r * w.z + b.z, v[i].w * r * w.w + b.w));
        }
        if (lane == 0 && width) {
            mean[row] = m;
            rstd[row] = r;
        }
    }
}

// dInput may be null. partial (gridDim.x, 2, C): the block's sums for dWeight and dBias.
template <typename T, int LANES>
__global__ void __launch_bounds__(THREADS) layer_norm_backward(const T* __restrict__ dOutput, const T* __restrict__ input,
    const float* __restrict__ weight, const float* __restrict__ mean, const float* __restrict__ rstd, T* __restrict__ dInput,
    float* __restrict__ partial, int rows, int C, int layout, int W, int s, int accumulate) {
    constexpr int ROWS = THREADS / LANES;
    SHARED(float4, sums, [THREADS]);
    RowPlace place{layout, W, s, C};
    int lane = threadIdx.x % LANES, offsets[GROUPS];
    float4 weights[GROUPS], dWeight[GROUPS], dBias[GROUPS];
#pragma unroll
    for (int i = 0; i < GROUPS; i++) {
        int c = 4 * (lane + LANES * i);
        offsets[i] = place.offset(c);
        weights[i] = c < C ? load4(weight + c) : zero4();
        dWeight[i] = dBias[i] = zero4();
    }
    for (int first = blockIdx.x * ROWS; first < rows; first += gridDim.x * ROWS) {
        int row = first + threadIdx.x / LANES, width = row < rows ? C : 0;
        long long in_order = static_cast<long long>(row) * C, start = width ? place.start(row) : 0;
        float m = width ? mean[row] : 0.0f, r = width ? rstd[row] : 0.0f, sum_g = 0.0f, sum_gx = 0.0f;
        // g; xhat; and the gradient that is added to
        float4 g[GROUPS], h[GROUPS], more[GROUPS];
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            int c = 4 * (lane + LANES * i);
            bool inside = c < width;
            g[i] = inside ? load4(dOutput + in_order + c) : zero4();
            h[i] = inside ? load4(input + start + offsets[i]) : zero4();
            more[i] = inside && accumulate && dInput ? load4(dInput + start + offsets[i]) : zero4();
        }
#pragma unroll
        for (int i = 0; i < GROUPS; i++) {
            if (4 * (lane + LANES * i) >= width) continue;
            float4 dy = g[i], w = weights[i];
            h[i] = make_float4((h[i].x - m) * r, (h[i].y - m) * r, (h[i].z - m) * r, (h[i].w - m) * r);
            dWeight[i] = add4(dWeight[i], make_float4(dy.x * h[i].x, dy.y * h[i].y, dy.z * h[i].z, dy.w * h[i].w));
            dBias[i] = add4(dBias[i], dy);
            g[i] = make_float4(dy.x * w.x, dy.y * w.y, dy.z * w.z, dy.w * w.w);
            sum_g += sum4(g[i]);
            sum_gx += (g[i].x * h[i].x + g[i].y * h[i].y) + (g[i].z * h[i].z + g[i].w * h[i].w);
        }
        float2 means = row_sum<LANES>(sum_g, sum_gx);
        float mean_g = means.x / static_cast<float>(C), mean_gx = means.y / static_cast<float>(C);
        if (!dInput) continue;
#pragma unroll
        for (int i = 0; i < GROUPS; i++)
            if (4 * (lane + LANES * i) < width)
                store4(dInput + start + offsets[i], add4(more[i], make_float4(r * (g[i].x - mean_g - h[i].x * mean_gx),
                    r * (g[i].y - mean_g - h[i].y * mean_gx), r * (g[i].z - mean_g - h[i].z * mean_gx), r * (g[i].w - mean_g - h[i].w * mean_gx))));
    }
    // Sums the rows in shared memory, one group of channels after the other; the threads of the first row add them in order.
#pragma unroll
    for (int i = 0; i < 2 * GROUPS; i++) {
        store_vector(&sums[threadIdx.x], i < GROUPS ? dWeight[i % GROUPS] : dBias[i % GROUPS]);
        __syncthreads();
        int c = 4 * (lane + LANES * (i % GROUPS));
        if (threadIdx.x < LANES && c < C) {
            float4 total = load_vector(&sums[lane]);
            for (int other = 1; other < ROWS; other++) total = add4(total, load_vector(&sums[other * LANES + lane]));
            // partial[block, which, c] is at (block * 2 + which) * C + c
            store4(partial + (2ll * blockIdx.x + i / GROUPS) * C + c, total);
        }
        __syncthreads();
    }
}

// dWeight[c] = [dWeight[c] +] sum_b partial[b, 0, c], dBias[c] = [dBias[c] +] sum_b partial[b, 1, c]; either may be null. A block of 256
// threads owns 32 channels, eight shares of the blocks each; sums in pairs (Sum of common.cuh). Grid: ceil(C / 32).
__global__ void __launch_bounds__(256) layer_norm_backward_parameters(const float* __restrict__ partial, float* __restrict__ dWeight,
    float* __restrict__ dBias, int blocks, int C, int accumulateWeight, int accumulateBias) {
    SHARED(float2, shares, [2][8][32]);
    int lane = threadIdx.x % 32, share = threadIdx.x / 32, c = blockIdx.x * 32 + lane;
    Sum weight = zero_sum(), bias = zero_sum();
    if (c < C)
#pragma unroll 4
        for (int block = share; block < blocks; block += 8) {
            const float* from = partial + 2ll * block * C + c;
            add(weight, from[0]);
            add(bias, from[C]);
        }
    store_sum(&shares[0][share][lane], weight);
    store_sum(&shares[1][share][lane], bias);
    __syncthreads();
    // One warp for dWeight, one for dBias
    float* target = share == 0 ? dWeight : dBias;
    if (share > 1 || c >= C || !target) return;
    Sum sum = zero_sum();
    for (int i = 0; i < 8; i++) add(sum, load_sum(&shares[share][i][lane]));
    target[c] = (share == 0 ? accumulateWeight : accumulateBias) ? target[c] + value(sum) : value(sum);
}

EXPORT_KERNEL(layer_norm_forward_96_float32, (layer_norm_forward<float, 8>));
EXPORT_KERNEL(layer_norm_forward_192_float32, (layer_norm_forward<float, 16>));
EXPORT_KERNEL(layer_norm_forward_384_float32, (layer_norm_forward<float, 32>));
EXPORT_KERNEL(layer_norm_forward_768_float32, (layer_norm_forward<float, 64>));
EXPORT_KERNEL(layer_norm_forward_1536_float32, (layer_norm_forward<float, 128>));
EXPORT_KERNEL(layer_norm_forward_96_bf16, (layer_norm_forward<bf16, 8>));
EXPORT_KERNEL(layer_norm_forward_192_bf16, (layer_norm_forward<bf16, 16>));
EXPORT_KERNEL(layer_norm_forward_384_bf16, (layer_norm_forward<bf16, 32>));
EXPORT_KERNEL(layer_norm_forward_768_bf16, (layer_norm_forward<bf16, 64>));
EXPORT_KERNEL(layer_norm_forward_1536_bf16, (layer_norm_forward<bf16, 128>));
EXPORT_KERNEL(layer_norm_backward_96_float32, (layer_norm_backward<float, 8>));
EXPORT_KERNEL(layer_norm_backward_192_float32, (layer_norm_backward<float, 16>));
EXPORT_KERNEL(layer_norm_backward_384_float32, (layer_norm_backward<float, 32>));
EXPORT_KERNEL(layer_norm_backward_768_float32, (layer_norm_backward<float, 64>));
EXPORT_KERNEL(layer_norm_backward_1536_float32, (layer_norm_backward<float, 128>));
EXPORT_KERNEL(layer_norm_backward_96_bf16, (layer_norm_backward<bf16, 8>));
EXPORT_KERNEL(layer_norm_backward_192_bf16, (layer_norm_backward<bf16, 16>));
EXPORT_KERNEL(layer_norm_backward_384_bf16, (layer_norm_backward<bf16, 32>));
EXPORT_KERNEL(layer_norm_backward_768_bf16, (layer_norm_backward<bf16, 64>));
EXPORT_KERNEL(layer_norm_backward_1536_bf16, (layer_norm_backward<bf16, 128>));
EXPORT_KERNEL(layer_norm_backward_parameters, (layer_norm_backward_parameters));
