// Nearest (TAPS = 1), bilinear (TAPS = 2) and bicubic (TAPS = 4; Keys 1981, a = -0.75) interpolation with align_corners = false and no
// antialiasing: input (B, H, W, C), output (B, outH, outW, C).
//   output[b,y,x,c] = sum over taps i, j of u[y,i] v[x,j] input[b, clamp(r(y) + i), clamp(s(x) + j), c]
//   The source position of y is (y + 0.5) H / outH - 0.5 = ((2 y + 1) H - outH) / (2 outH), for bilinear at least 0; for nearest it is
//   floor(y H / outH). Integer arithmetic makes the first tap and the fraction exact at every size.
//   dInput is the transpose of the same linear map      = or += (argument `accumulate`)
// All tensors: T, T = float or bf16. Saves nothing. The backward pass is a gather: a thread owns an input element and visits the outputs
// that use it. Forward memory-bound, bicubic backward compute-bound. Vector accesses if C is a multiple of 4.
// Launch: as for_each_row_pack over (B outH, outW C) forward, (B H, W C) backward. No dynamic shared memory. Sizes below 16384.
#include "common.cuh"

constexpr int THREADS = 256;

__device__ __forceinline__ int floor_divide(int a, int b) { return a >= 0 ? a / b : -((b - 1 - a) / b); }
__device__ __forceinline__ int ceil_divide(int a, int b) { return -floor_divide(-a, b); }

// The cubic convolution kernel at distance d in [0, 2].
__device__ __forceinline__ float cubic(float d) {
    const float a = -0.75f;
    return d <= 1.0f ? ((a + 2.0f) * d - (a + 3.0f)) * d * d + 1.0f : ((a * d - 5.0f * a) * d + 8.0f * a) * d - 4.0f * a;
}

// The taps of one output position along an axis: indices first + tap (to be clamped) and their weights.
template <int TAPS> struct Taps {
    int first;
    float weights[TAPS];
    __device__ __forceinline__ Taps(int position, int in, int out) {
        if constexpr (TAPS == 1) {
            first = position * in / out;
            weights[0] = 1.0f;
            return;
        }
        int numerator = (2 * position + 1) * in - out;
        if (TAPS == 2) numerator = max(numerator, 0);
        int whole = floor_divide(numerator, 2 * out);
        float t = static_cast<float>(numerator - whole * 2 * out) / static_cast<float>(2 * out);
        first = TAPS == 2 ? whole : whole - 1;
        if constexpr (TAPS == 2) weights[0] = 1.0f - t, weights[1] = t;
        if constexpr (TAPS == 4) weights[0] = cubic(1.0f + t), weights[1] = cubic(t), weights[2] = cubic(1.0f - t), weights[3] = cubic(2.0f - t);
    }
    // The weight of source element `index`. At the edges several taps are clamped to the same element.
    __device__ __forceinline__ float weight_of(int index, int in) const {
        float sum = 0.0f;
#pragma unroll
        for (int tap = 0; tap < TAPS; tap++) sum += min(max(first + tap, 0), in - 1) == index ? weights[tap] : 0.0f;
        return sum;
    }
};

// The output positions from `from` to below `to` that use source element `index`.
template <int TAPS> __device__ __forceinline__ void users(int index, int in, int out, int& from, int& to) {
    if constexpr (TAPS == 1) {
        // floor(y in / out) == index
        from = ceil_divide(index * out, in);
        to = ceil_divide((index + 1) * out, in);
        return;
    }
    // An output uses `index` if the integer part of its position is in [index - above, index + below]; edge elements also get clamped taps.
    const int above = TAPS == 2 ? 1 : 2, below = TAPS == 2 ? 0 : 1;
    from = index == 0 ? 0 : max(0, ceil_divide((2 * (index - above) + 1) * out - in, 2 * in));
    to = index == in - 1 ? out : min(out, ceil_divide((2 * (index + below) + 3) * out - in, 2 * in));
}

template <typename T, int TAPS>
__global__ void __launch_bounds__(THREADS) resize_forward(const T* __restrict__ input, T* __restrict__ output, int B, int H, int W, int C,
    int outH, int outW) {
    for_each_row_pack(static_cast<long long>(B) * outH, outW * C, aligned16(input, output) && C % 4 == 0, [&](long long row, int i, int V) {
        long long b = row / outH;
        int y = static_cast<int>(row - b * outH), x = i / C, c = i % C;
        Taps<TAPS> rows(y, H, outH), columns(x, W, outW);
        Pack sum = {};
#pragma unroll
        for (int p = 0; p < TAPS; p++)
#pragma unroll
            for (int q = 0; q < TAPS; q++) {
                int iy = min(max(rows.first + p, 0), H - 1), ix = min(max(columns.first + q, 0), W - 1);
                // input[b,iy,ix,c] is at ((b * H + iy) * W + ix) * C + c
                Pack v = load_pack(input + ((b * H + iy) * W + ix) * C + c, V);
                float weight = rows.weights[p] * columns.weights[q];
#pragma unroll
                for (int k = 0; k < 4; k++) sum.v[k] = fmaf(weight, v.v[k], sum.v[k]);
            }
        store_pack(output + row * outW * C + i, sum, V);
    });
}

template <typename T, int TAPS>
__global__ void __launch_bounds__(THREADS) resize_backward(const T* __restrict__ dOutput, T* __restrict__ dInput, int B, int H, int W, int C,
    int outH, int outW, int accumulate) {
    for_each_row_pack(static_cast<long long>(B) * H, W * C, aligned16(dOutput, dInput) && C % 4 == 0, [&](long long row, int i, int V) {
        long long b = row / H;
        int iy = static_cast<int>(row - b * H), ix = i / C, c = i % C, y0, y1, x0, x1;
        users<TAPS>(iy, H, outH, y0, y1);
        users<TAPS>(ix, W, outW, x0, x1);
        Pack sum = {};
        for (int y = y0; y < y1; y++) {
            // A nearest output uses one source element, with weight 1.
            float u = 1.0f;
            if constexpr (TAPS > 1) u = Taps<TAPS>(y, H, outH).weight_of(iy, H);
            for (int x = x0; x < x1; x++) {
                float weight = u;
                if constexpr (TAPS > 1) weight *= Taps<TAPS>(x, W, outW).weight_of(ix, W);
                // dOutput[b,y,x,c] is at ((b * outH + y) * outW + x) * C + c
                Pack g = load_pack(dOutput + ((b * outH + y) * outW + x) * C + c, V);
#pragma unroll
                for (int k = 0; k < 4; k++) sum.v[k] = fmaf(weight, g.v[k], sum.v[k]);
            }
        }
        give_pack(dInput + row * W * C + i, sum, accumulate, V);
    });
}

EXPORT_KERNEL(resize_forward_nearest_float32, (resize_forward<float, 1>));
EXPORT_KERNEL(resize_forward_bilinear_float32, (resize_forward<float, 2>));
EXPORT_KERNEL(resize_forward_bicubic_float32, (resize_forward<float, 4>));
EXPORT_KERNEL(resize_forward_nearest_bf16, (resize_forward<bf16, 1>));
EXPORT_KERNEL(resize_forward_bilinear_bf16, (resize_forward<bf16, 2>));
EXPORT_KERNEL(resize_forward_bicubic_bf16, (resize_forward<bf16, 4>));
EXPORT_KERNEL(resize_backward_nearest_float32, (resize_backward<float, 1>));
EXPORT_KERNEL(resize_backward_bilinear_float32, (resize_backward<float, 2>));
EXPORT_KERNEL(resize_backward_bicubic_float32, (resize_backward<float, 4>));
EXPORT_KERNEL(resize_backward_nearest_bf16, (resize_backward<bf16, 1>));
EXPORT_KERNEL(resize_backward_bilinear_bf16, (resize_backward<bf16, 2>));
EXPORT_KERNEL(resize_backward_bicubic_bf16, (resize_backward<bf16, 4>));
