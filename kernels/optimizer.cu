// A block per chunk of 16384 elements. Update rules and gradient norm over all tensors of a model in one launch (multi-tensor apply).
//   adamw (Loshchilov and Hutter 2019):  m += (1 - beta1) (g - m);  v = beta2 v + (1 - beta2) g^2
//     p = (1 - lr decay) p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon)
//   sgd:  d = g + decay p;  u = momentum u + d;  p -= lr u        (without u: p -= lr d)
//   gradient_norm:  norm = sqrt(sum over all tensors and elements of g^2);  factor = min(1, limit / (norm + 1e-6)), 1 if limit <= 0
// with g = gradient, multiplied by *factor unless that is null: clipping needs no pass of its own.
//
// table (5, tensors): addresses, 0 for none: parameter, gradient, mean m (or velocity u), variance v, and a bf16 copy of the parameter that
// the rule also writes; all other tensors are float and may start at any multiple of 4 bytes. counts (tensors): elements.
// chunks: pairs (tensor, chunk within the tensor), each of up to CHUNK = 16384 elements; a block owns one. A recorded launch is replayed
// with new numbers, so everything that changes from step to step is in device memory:
//   settings of adamw: 1 - lr decay, 1 - beta1, beta2, 1 - beta2, epsilon, lr / (1 - beta1^t), 1 / sqrt(1 - beta2^t)
//   settings of sgd: lr, momentum, decay
// Parameters, m, v and u are updated in place. Memory-bound.
// Launch: blocks of 256 threads; grid = number of chunks; gradient_norm_total: one block. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256, CHUNK = 16384;
enum Column { PARAMETER, GRADIENT, MEAN, VARIANCE, COPY };

struct Piece {
    int tensor, tensors;
    long long start;
    int count;
    const unsigned long long* table;
    __device__ __forceinline__ Piece(const unsigned long long* table, const long long* counts, const int2* chunks, int tensors) : tensors(tensors), table(table) {
        int2 chunk = load_vector(chunks + blockIdx.x);
        tensor = chunk.x;
        start = static_cast<long long>(chunk.y) * CHUNK;
        count = static_cast<int>(min(static_cast<long long>(CHUNK), counts[tensor] - start));
    }
    // Null if the table has no such tensor.
    template <typename T> __device__ __forceinline__ T* at(Column column) const {
        unsigned long long address = table[column * tensors + tensor];
        return address ? reinterpret_cast<T*>(address) + start : nullptr;
    }
};

// Calls f(i, 4) or f(i, 1) over the elements of a chunk.
template <typename F> __device__ __forceinline__ void for_each_of_piece(int count, bool vectors, const F& f) {
    int groups = vectors ? count / 4 : 0;
    for (int i = threadIdx.x; i < groups; i += THREADS) f(4 * i, 4);
    for (int i = 4 * groups + threadIdx.x; i < count; i += THREADS) f(i, 1);
}

__global__ void __launch_bounds__(THREADS, 4) adamw(const unsigned long long* __restrict__ table, const long long* __restrict__ counts,
    const int2* __restrict__ chunks, const float* __restrict__ settings, const float* __restrict__ factor, int tensors) {
    Piece piece(table, counts, chunks, tensors);
    float *p = piece.at<float>(PARAMETER), *m = piece.at<float>(MEAN), *v = piece.at<float>(VARIANCE);
    const float* g = piece.at<float>(GRADIENT);
    bf16* copy = piece.at<bf16>(COPY);
    float keep = settings[0], gain1 = settings[1], beta2 = settings[2], gain2 = settings[3], epsilon = settings[4], rate = settings[5], root = settings[6];
    float scale = factor ? *factor : 1.0f;
    for_each_of_piece(piece.count, aligned16(p, g, m, v, copy), [&](int i, int V) {
        Pack x = load_pack(p + i, V), slope = load_pack(g + i, V), mean = load_pack(m + i, V), variance = load_pack(v + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            float d = slope.v[k] * scale;
            mean.v[k] = fmaf(gain1, d - mean.v[k], mean.v[k]);
            variance.v[k] = fmaf(gain2 * d, d, beta2 * variance.v[k]);
            x.v[k] = fmaf(-rate, mean.v[k] / fmaf(sqrtf(variance.v[k]), root, epsilon), keep * x.v[k]);
        }
        store_pack(p + i, x, V);
        store_pack(m + i, mean, V);
        store_pack(v + i, variance, V);
        if (copy) store_pack(copy + i, x, V);
    });
}

__global__ void __launch_bounds__(THREADS, 4) sgd(const unsigned long long* __restrict__ table, const long long* __restrict__ counts,
    const int2* __restrict__ chunks, const float* __restrict__ settings, const float* __restrict__ factor, int tensors) {
    Piece piece(table, counts, chunks, tensors);
    float *p = piece.at<float>(PARAMETER), *u = piece.at<float>(MEAN);
    const float* g = piece.at<float>(GRADIENT);
    bf16* copy = piece.at<bf16>(COPY);
    float rate = settings[0], momentum = settings[1], decay = settings[2], scale = factor ? *factor : 1.0f;
    for_each_of_piece(piece.count, aligned16(p, g, u, copy), [&](int i, int V) {
        Pack x = load_pack(p + i, V), slope = load_pack(g + i, V), velocity = {};
        if (u) velocity = load_pack(u + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            velocity.v[k] = fmaf(momentum, velocity.v[k], fmaf(decay, x.v[k], slope.v[k] * scale));
            x.v[k] = fmaf(-rate, velocity.v[k], x.v[k]);
        }
        if (u) store_pack(u + i, velocity, V);
        store_pack(p + i, x, V);
        if (copy) store_pack(copy + i, x, V);
    });
}

// partial (chunks): pairs (Sum of common.cuh), the sum of squares of a chunk; notFinite (chunks): how many of its elements are infinite
// or NaN. A square overflows float from 1.8e19 on: the norm is then infinite although notFinite is 0.
__global__ void __launch_bounds__(THREADS, 4) gradient_norm_partial(const unsigned long long* __restrict__ table, const long long* __restrict__ counts,
    const int2* __restrict__ chunks, float2* __restrict__ partial, int* __restrict__ notFinite, int tensors) {
    Piece piece(table, counts, chunks, tensors);
    const float* g = piece.at<float>(GRADIENT);
    Sum squares = zero_sum(), bad = zero_sum();
    for_each_of_piece(piece.count, aligned16(g), [&](int i, int V) {
        Pack x = load_pack(g + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++)
            if (!(fabsf(x.v[k]) < INFINITY)) add(bad, 1.0f);
        add(squares, (x.v[0] * x.v[0] + x.v[1] * x.v[1]) + (x.v[2] * x.v[2] + x.v[3] * x.v[3]));
    });
    squares = block_sum<THREADS>(squares);
    bad = block_sum<THREADS>(bad);
    if (threadIdx.x == 0) {
        store_sum(partial + blockIdx.x, squares);
        notFinite[blockIdx.x] = static_cast<int>(bad.high);
    }
}

// result (2): norm and factor; count (1): elements that are not finite, up to 2^24 exactly.
__global__ void __launch_bounds__(THREADS) gradient_norm_total(const float2* __restrict__ partial, const int* __restrict__ notFinite,
    float* __restrict__ result, int* __restrict__ count, int chunks, float limit) {
    Sum squares = zero_sum(), bad = zero_sum();
    for (int chunk = threadIdx.x; chunk < chunks; chunk += THREADS) {
        add(squares, load_sum(partial + chunk));
        add(bad, static_cast<float>(notFinite[chunk]));
    }
    squares = block_sum<THREADS>(squares);
    bad = block_sum<THREADS>(bad);
    if (threadIdx.x == 0) {
        // If high is infinite, low is a NaN.
        float norm = sqrtf(squares.high < INFINITY ? value(squares) : squares.high);
        result[0] = norm;
        result[1] = limit > 0.0f ? fminf(1.0f, limit / (norm + 1e-6f)) : 1.0f;
        *count = static_cast<int>(bad.high);
    }
}

// gradient *= *factor, for callers that need the clipped gradients themselves.
__global__ void __launch_bounds__(THREADS, 4) gradient_scale(const unsigned long long* __restrict__ table, const long long* __restrict__ counts,
    const int2* __restrict__ chunks, const float* __restrict__ factor, int tensors) {
    Piece piece(table, counts, chunks, tensors);
    float *g = piece.at<float>(GRADIENT), scale = *factor;
    if (scale == 1.0f) return;
    for_each_of_piece(piece.count, aligned16(g), [&](int i, int V) {
        Pack x = load_pack(g + i, V);
#pragma unroll
        for (int k = 0; k < 4; k++) x.v[k] *= scale;
        store_pack(g + i, x, V);
    });
}

EXPORT_KERNEL(adamw_float32, (adamw));
EXPORT_KERNEL(sgd_float32, (sgd));
EXPORT_KERNEL(gradient_norm_partial_float32, (gradient_norm_partial));
EXPORT_KERNEL(gradient_norm_total, (gradient_norm_total));
EXPORT_KERNEL(gradient_scale_float32, (gradient_scale));
