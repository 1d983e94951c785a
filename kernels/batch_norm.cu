// Batch normalisation over all but the last dimension (Ioffe and Szegedy 2015), fused with a ResNet's residual and ReLU.
//   output = relu?((input - mean) rstd weight + bias + residual?) = relu?(input scale + shift + residual?)
//   scale = weight rstd, shift = bias - mean scale, rstd = 1 / sqrt(variance + eps). Training uses the batch's mean and biased variance,
//   evaluation the running ones. running = (1 - momentum) running + momentum batch, with the unbiased variance
// Backward, g = dOutput where output > 0 (everywhere without ReLU), sumG = sum_r g, sumGX = sum_r g (input - mean):
//   dWeight = sumGX rstd, dBias = sumG     = or += (arguments),  dResidual = g
//   dInput = a g + b input + d             = or += (argument `accumulate`)
//   a = scale; in training b = -scale rstd^2 sumGX / rows, d = -scale sumG / rows - b mean, else b = d = 0
// Without a residual, output > 0 exactly where input scale + shift > 0: the ReLU mask does not need the output. coefficients (4, C) holds
// a, b, d and that shift (infinity: no mask, or already masked), with which another kernel can compute dInput as it loads (conv2d.cu).
// input, output, residual, dOutput, masked, dInput: T (rows, C), T = float or bf16; everything else is float (C).
// Saves mean, rstd, and with a ReLU scale and shift. Memory-bound.
//
// A block of 256 threads owns 32 channels: 8 lanes of four channels by 32 rows (C % 4 == 0) or 32 lanes by 8 rows: 128 bytes of a row.
// No atomics: every block writes pairs (Sum of common.cuh) to `partial` (blocks, 2, C), and the *_coefficients kernels add them in block
// order. Pairs are needed: these sums nearly cancel, and AdamW divides by their size. Plain float sums cost two digits of the logits after
// ten steps. Deviations are taken from a centre near the mean (the mean of eight rows), so one pass suffices: the cancellation in "sum of
// squares minus squared sum" stays below a fraction of the variance.
// Launch: grid (ceil(C / 32), blocks) of 256 threads. For the sums blocks = ceil(rows / blockRows), blockRows >= 256, chosen so that the
// grid has about 4 blocks per multiprocessor. For apply and backward_input any number of blocks; ceil(rows / 128) at most is useful.
// The *_coefficients kernels: grid (ceil(C / 32)), batch_norm_forward_coefficients_of_tiles (ceil(C / 8)). No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256, CENTRE_ROWS = 8;

// Adds the sums of the block's rows, first[k] and second[k] per channel of a thread, and writes them to partial[blockIdx.y, 0 and 1, c].
template <int V> __device__ __forceinline__ void write_partial(float2* __restrict__ partial, const Sum (&first)[V], const Sum (&second)[V], int C) {
    constexpr int LANES = 32 / V, ROWS = THREADS / LANES;
    // Channel V lane + k is at k LANES + lane of a row of 40: neither writes nor reads have bank conflicts.
    SHARED(float2, sums, [ROWS][40]);
    int lane = threadIdx.x % LANES, ty = threadIdx.x / LANES, c = blockIdx.x * 32 + V * lane + ty;
#pragma unroll
    for (int which = 0; which < 2; which++) {
#pragma unroll
        for (int k = 0; k < V; k++) store_sum(&sums[ty][k * LANES + lane], which ? second[k] : first[k]);
        __syncthreads();
        if (threadIdx.x < 32 && c < C) {
            Sum sum = zero_sum();
            for (int i = 0; i < ROWS; i++) add(sum, load_sum(&sums[i][threadIdx.x]));
            // partial[block, which, c] is at (block * 2 + which) * C + c
            store_sum(partial + (2ll * blockIdx.y + which) * C + c, sum);
        }
        __syncthreads();
    }
}

// The sums over all blocks for channel blockIdx.x 32 + threadIdx.x % 32. Threads below 32 hold the complete sums.
__device__ __forceinline__ void read_partial(const float2* __restrict__ partial, int blocks, int C, Sum& first, Sum& second) {
    SHARED(float2, shares, [2][8][32]);
    int lane = threadIdx.x % 32, share = threadIdx.x / 32, c = blockIdx.x * 32 + lane;
    first = second = zero_sum();
    if (c < C)
        for (int block = share; block < blocks; block += 8) {
            add(first, load_sum(partial + 2ll * block * C + c));
            add(second, load_sum(partial + (2ll * block + 1) * C + c));
        }
    store_sum(&shares[0][share][lane], first);
    store_sum(&shares[1][share][lane], second);
    __syncthreads();
    if (share == 0)
        for (int i = 1; i < 8; i++) {
            add(first, load_sum(&shares[0][i][lane]));
            add(second, load_sum(&shares[1][i][lane]));
        }
}

// The mean of eight rows spread over the batch, identical in every block; the coefficients kernels call it for one channel.
template <int V, typename T> __device__ __forceinline__ Pack centre_of(const T* __restrict__ input, int rows, int C, int c) {
    Pack sum = {};
#pragma unroll
    for (int i = 0; i < CENTRE_ROWS; i++) {
        Pack x = load_pack(input + static_cast<long long>(rows) * i / CENTRE_ROWS * C + c, V);
#pragma unroll
        for (int k = 0; k < V; k++) sum.v[k] += x.v[k] * (1.0f / CENTRE_ROWS);
    }
    return sum;
}

template <int V, typename T>
__device__ __forceinline__ void statistics_of_block(const T* __restrict__ input, float2* __restrict__ partial, int rows, int C, int blockRows) {
    constexpr int LANES = 32 / V, ROWS = THREADS / LANES, SHORT = 16;
    int c = blockIdx.x * 32 + V * (threadIdx.x % LANES), row = blockIdx.y * blockRows + threadIdx.x / LANES;
    int end = min(rows, static_cast<int>(blockIdx.y + 1) * blockRows);
    Sum sums[V], squares[V];
#pragma unroll
    for (int k = 0; k < V; k++) sums[k] = squares[k] = zero_sum();
    if (c < C) {
        Pack centre = centre_of<V>(input, rows, C, c);
        // Plain float sums over a few rows, then pairs.
        while (row < end) {
            float near[V] = {}, near_squares[V] = {};
#pragma unroll 4
            for (int n = 0; n < SHORT && row < end; n++, row += ROWS) {
                // input[row, c] is at row * C + c
                Pack x = load_pack(input + static_cast<long long>(row) * C + c, V);
#pragma unroll
                for (int k = 0; k < V; k++) {
                    float d = x.v[k] - centre.v[k];
                    near[k] += d;
                    near_squares[k] = fmaf(d, d, near_squares[k]);
                }
            }
#pragma unroll
            for (int k = 0; k < V; k++) {
                add(sums[k], near[k]);
                add(squares[k], near_squares[k]);
            }
        }
    }
    write_partial<V>(partial, sums, squares, C);
}

// partial (blocks, 2, C): sums of input - centre and of its square.
template <typename T>
__global__ void __launch_bounds__(THREADS) batch_norm_forward_statistics(const T* __restrict__ input, float2* __restrict__ partial, int rows,
    int C, int blockRows) {
    if (C % 4 == 0 && aligned16(input)) statistics_of_block<4>(input, partial, rows, C, blockRows);
    else statistics_of_block<1>(input, partial, rows, C, blockRows);
}

struct Coefficients {
    const float *weight, *bias;
    float *runningMean, *runningVariance, *mean, *rstd, *scale, *shift;
};
// Statistics from the sums over n rows of the deviations from `centre` and of their squares.
__device__ __forceinline__ void write_coefficients(const Coefficients& of, int c, float centre, Sum sum, Sum squares, float n, float eps, float momentum) {
    float offset = value(sum) / n, m = centre + offset, deviations = value(squares) - offset * value(sum);
    float variance = fmaxf(deviations / n, 0.0f), r = 1.0f / sqrtf(variance + eps), s = of.weight[c] * r;
    of.runningMean[c] = (1.0f - momentum) * of.runningMean[c] + momentum * m;
    of.runningVariance[c] = (1.0f - momentum) * of.runningVariance[c] + momentum * (deviations / (n - 1.0f));
    of.mean[c] = m;
    of.rstd[c] = r;
    of.scale[c] = s;
    of.shift[c] = fmaf(-m, s, of.bias[c]);
}

// Turns the sums into mean, rstd, scale and shift, and updates the running statistics in place. rows > 1.
template <typename T>
__global__ void __launch_bounds__(THREADS) batch_norm_forward_coefficients(const T* __restrict__ input, const float2* __restrict__ partial,
    const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ runningMean, float* __restrict__ runningVariance,
    float* __restrict__ mean, float* __restrict__ rstd, float* __restrict__ scale, float* __restrict__ shift, int rows, int C, int blocks,
    float eps, float momentum) {
    Sum sum, squares;
    read_partial(partial, blocks, C, sum, squares);
    int c = blockIdx.x * 32 + threadIdx.x;
    if (threadIdx.x >= 32 || c >= C) return;
    Coefficients of = {weight, bias, runningMean, runningVariance, mean, rstd, scale, shift};
    write_coefficients(of, c, centre_of<1>(input, rows, C, c).v[0], sum, squares, static_cast<float>(rows), eps, momentum);
}

// The same from the statistics of a convolution (conv2d.cu), float (tiles, 3, C) for tiles of tileRows rows: each tile's mean, and the sums
// of the deviations from it and of their squares. Two passes: first the mean of all tiles, then the deviations from it. A block has 8
// channels by 32 shares of the tiles, so that eight channels fill a sector.
__global__ void __launch_bounds__(THREADS) batch_norm_forward_coefficients_of_tiles(const float* __restrict__ statistics,
    const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ runningMean, float* __restrict__ runningVariance,
    float* __restrict__ mean, float* __restrict__ rstd, float* __restrict__ scale, float* __restrict__ shift, int rows, int C, int tileRows,
    float eps, float momentum) {
    constexpr int LANES = 8, SHARES = THREADS / LANES;
    SHARED(float2, shares, [3][SHARES][LANES]);
    int lane = threadIdx.x % LANES, share = threadIdx.x / LANES, c = blockIdx.x * LANES + lane, tiles = (rows + tileRows - 1) / tileRows;
    Sum total = zero_sum(), sum = zero_sum(), squares = zero_sum();
    if (c < C)
        for (int tile = share; tile < tiles; tile += SHARES) {
            // statistics[tile, which, c] is at (tile * 3 + which) * C + c
            const float* at = statistics + 3ll * tile * C + c;
            add(total, static_cast<float>(min(tileRows, rows - tile * tileRows)) * at[0]);
            add(total, at[C]);
        }
    store_sum(&shares[0][share][lane], total);
    __syncthreads();
    total = zero_sum();
    for (int i = 0; i < SHARES; i++) add(total, load_sum(&shares[0][i][lane]));
    float centre = value(total) / static_cast<float>(rows);
    if (c < C)
        for (int tile = share; tile < tiles; tile += SHARES) {
            const float* at = statistics + 3ll * tile * C + c;
            float n = static_cast<float>(min(tileRows, rows - tile * tileRows)), apart = at[0] - centre, d = at[C];
            add(sum, fmaf(n, apart, d));
            add(squares, fmaf(apart, fmaf(n, apart, 2.0f * d), at[2 * C]));
        }
    store_sum(&shares[1][share][lane], sum);
    store_sum(&shares[2][share][lane], squares);
    __syncthreads();
    if (share > 0 || c >= C) return;
    sum = squares = zero_sum();
    for (int i = 0; i < SHARES; i++) {
        add(sum, load_sum(&shares[1][i][lane]));
        add(squares, load_sum(&shares[2][i][lane]));
    }
    Coefficients of = {weight, bias, runningMean, runningVariance, mean, rstd, scale, shift};
    write_coefficients(of, c, centre, sum, squares, static_cast<float>(rows), eps, momentum);
}

// The same from the running statistics, for evaluation. Grid: ceil(C / THREADS).
__global__ void __launch_bounds__(THREADS) batch_norm_forward_running(const float* __restrict__ runningMean,
    const float* __restrict__ runningVariance, const float* __restrict__ weight, const float* __restrict__ bias, float* __restrict__ mean,
    float* __restrict__ rstd, float* __restrict__ scale, float* __restrict__ shift, int C, float eps) {
    int c = blockIdx.x * THREADS + threadIdx.x;
    if (c >= C) return;
    float m = runningMean[c], r = 1.0f / sqrtf(runningVariance[c] + eps), s = weight[c] * r;
    mean[c] = m;
    rstd[c] = r;
    scale[c] = s;
    shift[c] = fmaf(-m, s, bias[c]);
}

template <int V, typename T>
__device__ __forceinline__ void apply_to_block(const T* input, const float* __restrict__ scale, const float* __restrict__ shift, const T* residual,
    T* output, int rows, int C, int relu) {
    constexpr int LANES = 32 / V, ROWS = THREADS / LANES;
    int c = blockIdx.x * 32 + V * (threadIdx.x % LANES);
    if (c >= C) return;
    Pack s = load_pack(scale + c, V), t = load_pack(shift + c, V);
#pragma unroll 2
    for (int row = blockIdx.y * ROWS + threadIdx.x / LANES; row < rows; row += gridDim.y * ROWS) {
        // input[row, c] is at row * C + c
        long long at = static_cast<long long>(row) * C + c;
        Pack x = load_pack(input + at, V), r = {};
        if (residual) r = load_pack(residual + at, V);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float y = fmaf(x.v[k], s.v[k], t.v[k]) + r.v[k];
            x.v[k] = relu && y < 0.0f ? 0.0f : y;
        }
        store_pack(output + at, x, V);
    }
}

// residual may be null; output may be input or residual.
template <typename T>
__global__ void __launch_bounds__(THREADS) batch_norm_forward_apply(const T* input, const float* __restrict__ scale, const float* __restrict__ shift,
    const T* residual, T* output, int rows, int C, int relu) {
    if (C % 4 == 0 && aligned16(input, scale, shift, residual, output)) apply_to_block<4>(input, scale, shift, residual, output, rows, C, relu);
    else apply_to_block<1>(input, scale, shift, residual, output, rows, C, relu);
}

template <int V, typename T>
__device__ __forceinline__ void backward_sums_of_block(const T* __restrict__ input, const T* __restrict__ output,
    const float* __restrict__ scale, const float* __restrict__ shift, const T* dOutput, const float* __restrict__ mean, T* masked, float2* __restrict__ partial, int rows, int C, int blockRows) {
    constexpr int LANES = 32 / V, ROWS = THREADS / LANES, SHORT = 16;
    int c = blockIdx.x * 32 + V * (threadIdx.x % LANES), row = blockIdx.y * blockRows + threadIdx.x / LANES;
    int end = min(rows, static_cast<int>(blockIdx.y + 1) * blockRows);
    Sum sums[V], products[V];
#pragma unroll
    for (int k = 0; k < V; k++) sums[k] = products[k] = zero_sum();
    if (c < C) {
        Pack m = load_pack(mean + c, V), s = {}, t = {};
        if (scale) s = load_pack(scale + c, V), t = load_pack(shift + c, V);
        while (row < end) {
            float near[V] = {}, near_products[V] = {};
#pragma unroll 2
            for (int n = 0; n < SHORT && row < end; n++, row += ROWS) {
                long long at = static_cast<long long>(row) * C + c;
                Pack x = load_pack(input + at, V), g = load_pack(dOutput + at, V);
                if (output) {
                    Pack y = load_pack(output + at, V);
#pragma unroll
                    for (int k = 0; k < V; k++) g.v[k] = y.v[k] > 0.0f ? g.v[k] : 0.0f;
                } else if (scale) {
#pragma unroll
                    for (int k = 0; k < V; k++) g.v[k] = fmaf(x.v[k], s.v[k], t.v[k]) > 0.0f ? g.v[k] : 0.0f;
                }
                if (masked) store_pack(masked + at, g, V);
#pragma unroll
                for (int k = 0; k < V; k++) {
                    near[k] += g.v[k];
                    near_products[k] = fmaf(g.v[k], x.v[k] - m.v[k], near_products[k]);
                }
            }
#pragma unroll
            for (int k = 0; k < V; k++) {
                add(sums[k], near[k]);
                add(products[k], near_products[k]);
            }
        }
    }
    write_partial<V>(partial, sums, products, C);
}

// partial (blocks, 2, C): sumG and sumGX of the block's rows. The ReLU mask comes from output; if that is null, from scale and shift; if
// those are null too, there is no mask. masked null: g is not written; masked may alias dOutput.
template <typename T>
__global__ void __launch_bounds__(THREADS) batch_norm_backward_sums(const T* __restrict__ input, const T* __restrict__ output,
    const float* __restrict__ scale, const float* __restrict__ shift, const T* dOutput, const float* __restrict__ mean, T* masked,
    float2* __restrict__ partial, int rows, int C, int blockRows) {
    bool vectors = C % 4 == 0 && aligned16(input, output, scale, shift, dOutput, mean, masked);
    if (vectors) backward_sums_of_block<4>(input, output, scale, shift, dOutput, mean, masked, partial, rows, C, blockRows);
    else backward_sums_of_block<1>(input, output, scale, shift, dOutput, mean, masked, partial, rows, C, blockRows);
}

// coefficients (4, C): a, b, d and shift, or infinity if that is null. dWeight and dBias may be null.
__global__ void __launch_bounds__(THREADS) batch_norm_backward_coefficients(const float2* __restrict__ partial, const float* __restrict__ weight,
    const float* __restrict__ mean, const float* __restrict__ rstd, const float* __restrict__ shift, float* __restrict__ coefficients,
    float* __restrict__ dWeight, float* __restrict__ dBias, int rows, int C, int blocks, int training, int accumulateWeight, int accumulateBias) {
    Sum sumG, sumGX;
    read_partial(partial, blocks, C, sumG, sumGX);
    int c = blockIdx.x * 32 + threadIdx.x;
    if (threadIdx.x >= 32 || c >= C) return;
    float r = rstd[c], n = static_cast<float>(rows), g = value(sumG), gx = value(sumGX);
    float scale = weight[c] * r, slope = training ? -scale * r * r * gx / n : 0.0f;
    coefficients[c] = scale;
    coefficients[C + c] = slope;
    coefficients[2 * C + c] = training ? -scale * g / n - slope * mean[c] : 0.0f;
    coefficients[3 * C + c] = shift ? shift[c] : INFINITY;
    if (dWeight) dWeight[c] = accumulateWeight ? dWeight[c] + gx * r : gx * r;
    if (dBias) dBias[c] = accumulateBias ? dBias[c] + g : g;
}

template <int V, typename T>
__device__ __forceinline__ void backward_input_of_block(const T* __restrict__ input, const T* dOutput,
    const float* __restrict__ coefficients, T* dInput, int rows, int C, int accumulate) {
    constexpr int LANES = 32 / V, ROWS = THREADS / LANES;
    int c = blockIdx.x * 32 + V * (threadIdx.x % LANES);
    if (c >= C) return;
    Pack a = load_pack(coefficients + c, V), b = load_pack(coefficients + C + c, V), d = load_pack(coefficients + 2 * C + c, V);
    Pack shift = load_pack(coefficients + 3 * C + c, V);
#pragma unroll 2
    for (int row = blockIdx.y * ROWS + threadIdx.x / LANES; row < rows; row += gridDim.y * ROWS) {
        long long at = static_cast<long long>(row) * C + c;
        Pack x = load_pack(input + at, V), g = load_pack(dOutput + at, V);
#pragma unroll
        for (int k = 0; k < V; k++) {
            float masked = fmaf(x.v[k], a.v[k], shift.v[k]) > 0.0f ? g.v[k] : 0.0f;
            g.v[k] = fmaf(masked, a.v[k], fmaf(x.v[k], b.v[k], d.v[k]));
        }
        give_pack(dInput + at, g, accumulate, V);
    }
}

// dInput may alias dOutput unless it accumulates.
template <typename T>
__global__ void __launch_bounds__(THREADS) batch_norm_backward_input(const T* __restrict__ input, const T* dOutput,
    const float* __restrict__ coefficients, T* dInput, int rows, int C, int accumulate) {
    bool vectors = C % 4 == 0 && aligned16(input, dOutput, coefficients, dInput);
    if (vectors) backward_input_of_block<4>(input, dOutput, coefficients, dInput, rows, C, accumulate);
    else backward_input_of_block<1>(input, dOutput, coefficients, dInput, rows, C, accumulate);
}

// Folds batch norm into the convolution before it, for evaluation: folded[o, i] = weight[o, i] scale[o]; shift becomes the bias.
// Grid: any; at most one block per row of weight is useful.
template <typename T>
__global__ void __launch_bounds__(THREADS) batch_norm_fold(const float* __restrict__ weight, const float* __restrict__ scale,
    T* __restrict__ folded, int filters, int perFilter) {
    for (int o = blockIdx.x; o < filters; o += gridDim.x)
        for (int i = threadIdx.x; i < perFilter; i += THREADS) {
            long long at = static_cast<long long>(o) * perFilter + i;
            store1(folded + at, weight[at] * scale[o]);
        }
}

EXPORT_KERNEL(batch_norm_forward_statistics_float32, (batch_norm_forward_statistics<float>));
EXPORT_KERNEL(batch_norm_forward_statistics_bf16, (batch_norm_forward_statistics<bf16>));
EXPORT_KERNEL(batch_norm_forward_coefficients_float32, (batch_norm_forward_coefficients<float>));
EXPORT_KERNEL(batch_norm_forward_coefficients_bf16, (batch_norm_forward_coefficients<bf16>));
EXPORT_KERNEL(batch_norm_forward_coefficients_of_tiles, (batch_norm_forward_coefficients_of_tiles));
EXPORT_KERNEL(batch_norm_forward_running, (batch_norm_forward_running));
EXPORT_KERNEL(batch_norm_forward_apply_float32, (batch_norm_forward_apply<float>));
EXPORT_KERNEL(batch_norm_forward_apply_bf16, (batch_norm_forward_apply<bf16>));
EXPORT_KERNEL(batch_norm_backward_sums_float32, (batch_norm_backward_sums<float>));
EXPORT_KERNEL(batch_norm_backward_sums_bf16, (batch_norm_backward_sums<bf16>));
EXPORT_KERNEL(batch_norm_backward_coefficients, (batch_norm_backward_coefficients));
EXPORT_KERNEL(batch_norm_backward_input_float32, (batch_norm_backward_input<float>));
EXPORT_KERNEL(batch_norm_backward_input_bf16, (batch_norm_backward_input<bf16>));
EXPORT_KERNEL(batch_norm_fold_float32, (batch_norm_fold<float>));
EXPORT_KERNEL(batch_norm_fold_bf16, (batch_norm_fold<bf16>));
