// Pointwise convolutions (1x1, stride 1, one group) with at most four filters, such as a network's last layer.
//   input (pixels, C), weight (O, C), bias (O) or null, output (pixels, O); O at most 4, rows of C a multiple of 16 bytes
//   output[p,o] = bias[o] + sum_c input[p,c] weight[o,c]
//   dInput[p,c] = sum_o dOutput[p,o] weight[o,c]     = or += (`accumulate`)
//   dWeight[o,c] = sum_p dOutput[p,o] input[p,c]: backward_weight writes one sum per block of pixels to partial, pairs (blocks, O, C);
//     column_sum_total adds them as (blocks, O C), = or +=. dBias: column_sum.
// T = float or bf16: input, output, dOutput and dInput; weight, bias and all sums are float. Saves nothing. Addresses are multiples of 16.
// Memory-bound: the forward pass reads the input once, the backward pass writes dInput once.
//
// forward: four lanes share eight pixels and read 16 bytes of each, so one vector of the weight serves eight pixels. They then exchange
// sums until each lane has two pixels, and the block stores its 512 pixels in order.
// backward: a thread keeps one 16-byte vector of the channels, and its weights or sums, in registers; a block takes as many rows as fit.
// Launch: blocks of 256 threads, no dynamic shared memory.
//   forward           grid (ceil(pixels / 512))
//   backward_input    grid any, ceil(pixels / R) at most is useful, R = 256 / min(256, pieces of C), rounded down
//   backward_weight   grid (blocks), blocks = ceil(pixels / blockPixels), about 4 per multiprocessor
#include "common.cuh"

constexpr int THREADS = 256, FILTERS = 4, LANES = 4, PIXELS = 8, BLOCK_PIXELS = THREADS / LANES * PIXELS;
template <typename T> constexpr int PER = 16 / sizeof(T);

__device__ __forceinline__ void load_piece(const float* p, float (&v)[4]) {
    float4 x = load4(p);
    v[0] = x.x, v[1] = x.y, v[2] = x.z, v[3] = x.w;
}
__device__ __forceinline__ void load_piece(const bf16* p, float (&v)[8]) { load8(p, v); }
__device__ __forceinline__ void store_piece(float* p, const float (&v)[4]) { store4(p, make_float4(v[0], v[1], v[2], v[3])); }
__device__ __forceinline__ void store_piece(bf16* p, const float (&v)[8]) { store8(p, v); }
// N channels from c on of every filter; 0 for the filters from O on.
template <int N> __device__ __forceinline__ void load_weights(float (&w)[FILTERS][N], const float* __restrict__ weight, int O, int C, int c) {
#pragma unroll
    for (int o = 0; o < FILTERS; o++)
#pragma unroll
        for (int k = 0; k < N; k += 4) {
            // weight[o,c] is at o * C + c
            float4 v = o < O ? load4(weight + o * C + c + k) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
            w[o][k] = v.x, w[o][k + 1] = v.y, w[o][k + 2] = v.z, w[o][k + 3] = v.w;
        }
}
template <typename T> __device__ __forceinline__ void load_gradient(float (&g)[FILTERS], const T* __restrict__ dOutput, long long pixel, int O) {
#pragma unroll
    for (int o = 0; o < FILTERS; o++) g[o] = o < O ? load1(dOutput + pixel * O + o) : 0.0f;
}
// Adds the sums of two lanes. Each keeps those of half the pixels, the upper lane those of the second half.
template <int HALF> __device__ __forceinline__ void exchange(float (&sums)[PIXELS][FILTERS], int offset) {
    bool upper = threadIdx.x & offset;
#pragma unroll
    for (int p = 0; p < HALF; p++)
#pragma unroll
        for (int o = 0; o < FILTERS; o++) {
            float kept = upper ? sums[p + HALF][o] : sums[p][o], given = upper ? sums[p][o] : sums[p + HALF][o];
            sums[p][o] = kept + __shfl_xor_sync(0xffffffffu, given, offset, 32);
        }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) conv2d_few_filters_forward(const T* __restrict__ input, const float* __restrict__ weight,
    const float* __restrict__ bias, T* __restrict__ output, int pixels, int C, int O) {
    constexpr int N = PER<T>;
    SHARED(float, tile, [BLOCK_PIXELS * FILTERS]);
    // A warp has 64 pixels. Of the group's sums[p], lane p / 2 gets those of pixel p % 2 * 32 + its own lane number.
    int lane = threadIdx.x % LANES, first = blockIdx.x * BLOCK_PIXELS, warp = threadIdx.x / 32 * 64, group = threadIdx.x % 32 / LANES * LANES;
    float sums[PIXELS][FILTERS] = {};
    // Warps without pixels do not load weights either.
    for (int c = lane * N; c < C && first + warp < pixels; c += LANES * N) {
        float w[FILTERS][N];
        load_weights(w, weight, O, C, c);
#pragma unroll
        for (int p = 0; p < PIXELS; p++) {
            int pixel = first + warp + p % 2 * 32 + group + p / 2;
            float x[N] = {};
            // input[p,c] is at p * C + c
            if (pixel < pixels) load_piece(input + static_cast<long long>(pixel) * C + c, x);
#pragma unroll
            for (int o = 0; o < FILTERS; o++)
#pragma unroll
                for (int k = 0; k < N; k++) sums[p][o] = fmaf(x[k], w[o][k], sums[p][o]);
        }
    }
    exchange<PIXELS / 2>(sums, 2);
    exchange<PIXELS / 4>(sums, 1);
#pragma unroll
    for (int p = 0; p < PIXELS / LANES; p++) {
        float* at = tile + (warp + 32 * p + group + lane) * O;
#pragma unroll
        for (int o = 0; o < FILTERS; o++)
            if (bias && o < O) sums[p][o] += load1(bias + o);
        // One filter at a time: storing four filters at once would cause bank conflicts.
        if (O == FILTERS) store4(at, make_float4(sums[p][0], sums[p][1], sums[p][2], sums[p][3]));
        else
#pragma unroll
            for (int o = 0; o < FILTERS - 1; o++)
                if (o < O) store1(at + o, sums[p][o]);
    }
    __syncthreads();
    int count = min(BLOCK_PIXELS, pixels - first) * O;
    T* target = output + static_cast<long long>(first) * O;
    for (int i = 4 * threadIdx.x; i < count; i += 4 * THREADS)
        if (i + 4 <= count) store_pack(target + i, load_pack(tile + i, 4), 4);
        else
            for (int k = i; k < count; k++) store1(target + k, load1(tile + k));
}

template <typename T>
__global__ void __launch_bounds__(THREADS) conv2d_few_filters_backward_input(const T* __restrict__ dOutput, const float* __restrict__ weight,
    T* __restrict__ dInput, int pixels, int C, int O, int accumulate) {
    constexpr int N = PER<T>;
    int width = min(C / N, THREADS), rows = THREADS / width, row = threadIdx.x / width, lane = threadIdx.x - row * width;
    if (row >= rows) return;
    for (int c = lane * N; c < C; c += width * N) {
        float w[FILTERS][N];
        load_weights(w, weight, O, C, c);
#pragma unroll 4
        for (long long pixel = static_cast<long long>(blockIdx.x) * rows + row; pixel < pixels; pixel += static_cast<long long>(gridDim.x) * rows) {
            float g[FILTERS], v[N] = {};
            load_gradient(g, dOutput, pixel, O);
            // dInput[p,c] is at p * C + c
            if (accumulate) load_piece(dInput + pixel * C + c, v);
#pragma unroll
            for (int k = 0; k < N; k++) {
                float sum = 0.0f;
#pragma unroll
                for (int o = 0; o < FILTERS; o++) sum = fmaf(g[o], w[o][k], sum);
                v[k] += sum;
            }
            store_piece(dInput + pixel * C + c, v);
        }
    }
}

template <typename T>
__global__ void __launch_bounds__(THREADS) conv2d_few_filters_backward_weight(const T* __restrict__ dOutput, const T* __restrict__ input,
    float2* __restrict__ partial, int pixels, int C, int O, int blockPixels) {
    constexpr int N = PER<T>;
    // Channels k ... k + 3 of thread t's vector are at k / 4 * half + 4 t: no bank conflicts, here or where the halves are added below.
    SHARED(float, shares, [THREADS * N + 32]);
    int width = min(C / N, THREADS), rows = THREADS / width, row = threadIdx.x / width, lane = threadIdx.x - row * width;
    int from = blockIdx.x * blockPixels, to = min(pixels, from + blockPixels), half = 4 * THREADS + 4 * width % 32;
    for (int c0 = 0; c0 < C; c0 += width * N) {
        int c = c0 + lane * N;
        float sums[FILTERS][N] = {};
        if (row < rows && c < C)
#pragma unroll 4
            for (int pixel = from + row; pixel < to; pixel += rows) {
                float g[FILTERS], x[N];
                load_gradient(g, dOutput, pixel, O);
                load_piece(input + static_cast<long long>(pixel) * C + c, x);
#pragma unroll
                for (int o = 0; o < FILTERS; o++)
#pragma unroll
                    for (int k = 0; k < N; k++) sums[o][k] = fmaf(g[o], x[k], sums[o][k]);
            }
#pragma unroll
        for (int o = 0; o < FILTERS; o++) {
            if (o >= O) break;
#pragma unroll
            for (int k = 0; k < N; k += 4)
                store4(shares + k / 4 * half + 4 * threadIdx.x, make_float4(sums[o][k], sums[o][k + 1], sums[o][k + 2], sums[o][k + 3]));
            __syncthreads();
            for (int i = threadIdx.x; i < width * N; i += THREADS) {
                int upper = i / (4 * width), within = i - upper * 4 * width, channel = c0 + within / 4 * N + 4 * upper + within % 4;
                Sum sum = zero_sum();
                for (int r = 0; r < rows; r++) add(sum, load1(shares + upper * half + 4 * r * width + within));
                // partial[block, o, c] is at (block * O + o) * C + c
                if (channel < C) store_sum(partial + (static_cast<long long>(blockIdx.x) * O + o) * C + channel, sum);
            }
            __syncthreads();
        }
    }
}

EXPORT_KERNEL(conv2d_few_filters_forward_float32, (conv2d_few_filters_forward<float>));
EXPORT_KERNEL(conv2d_few_filters_forward_bf16, (conv2d_few_filters_forward<bf16>));
EXPORT_KERNEL(conv2d_few_filters_backward_input_float32, (conv2d_few_filters_backward_input<float>));
EXPORT_KERNEL(conv2d_few_filters_backward_input_bf16, (conv2d_few_filters_backward_input<bf16>));
EXPORT_KERNEL(conv2d_few_filters_backward_weight_float32, (conv2d_few_filters_backward_weight<float>));
EXPORT_KERNEL(conv2d_few_filters_backward_weight_bf16, (conv2d_few_filters_backward_weight<bf16>));
