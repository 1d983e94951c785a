// Max pooling with windows of `side` x `side`: input (B, H, W, C), output (B, outH, outW, C).
//   output[b,y,x,c] = max over ky, kx of input[b, y stride + ky - padding, x stride + kx - padding, c], skipping places outside the image
//   winners[b,y,x,c] = ky side + kx of the first maximum in row-major order (a NaN wins; of several the last), a byte: side <= 15
//   dInput[b,iy,ix,c] = sum of dOutput[b,y,x,c] over the windows whose winner is (iy, ix)      = or += (argument `accumulate`)
// All tensors but winners: T, T = float or bf16. Saves winners. The backward pass is a gather: a thread owns an input element and checks
// the windows that contain it, so no two threads add to one element. Memory-bound. Vector accesses if C is a multiple of 4.
// Launch: as for_each_row_pack over (B outH, outW C) forward, (B H, W C) backward. No dynamic shared memory.
// The launch bounds name 4 blocks only because ptxas 11.8 otherwise limits itself to 32 registers and spills.
#include "common.cuh"

constexpr int THREADS = 256;

__device__ __forceinline__ void load_bytes(const unsigned char* p, int (&bytes)[4], int V) {
    unsigned all = V == 1 ? *p : load_vector(reinterpret_cast<const unsigned*>(p));
#pragma unroll
    for (int k = 0; k < 4; k++) bytes[k] = all >> 8 * k & 255;
}
__device__ __forceinline__ void store_bytes(unsigned char* p, const int (&bytes)[4], int V) {
    unsigned all = 0;
#pragma unroll
    for (int k = 0; k < 4; k++) all |= static_cast<unsigned>(bytes[k]) << 8 * k;
    if (V == 1) *p = static_cast<unsigned char>(all);
    else store_vector(reinterpret_cast<unsigned*>(p), all);
}

template <typename T>
__global__ void __launch_bounds__(THREADS, 4) max_pool_forward(const T* __restrict__ input, T* __restrict__ output,
    unsigned char* __restrict__ winners, int B, int H, int W, int C, int outH, int outW, int side, int stride, int padding) {
    bool vectors = aligned16(input, output, winners) && C % 4 == 0;
    for_each_row_pack(static_cast<long long>(B) * outH, outW * C, vectors, [&](long long row, int i, int V) {
        long long b = row / outH;
        int y = static_cast<int>(row - b * outH), x = i / C, c = i % C;
        // The part of the window inside the image
        int ky0 = max(0, padding - y * stride), ky1 = min(side, H - y * stride + padding);
        int kx0 = max(0, padding - x * stride), kx1 = min(side, W - x * stride + padding);
        Pack best = {};
        int places[4] = {};
        bool first = true;
        for (int ky = ky0; ky < ky1; ky++)
            for (int kx = kx0; kx < kx1; kx++) {
                // input[b,iy,ix,c] is at ((b * H + iy) * W + ix) * C + c
                long long iy = b * H + y * stride + ky - padding, ix = x * stride + kx - padding;
                Pack v = load_pack(input + (iy * W + ix) * C + c, V);
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    bool wins = first || v.v[k] > best.v[k] || v.v[k] != v.v[k];
                    best.v[k] = wins ? v.v[k] : best.v[k];
                    places[k] = wins ? ky * side + kx : places[k];
                }
                first = false;
            }
        store_pack(output + row * outW * C + i, best, V);
        store_bytes(winners + row * outW * C + i, places, V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS, 4) max_pool_backward(const T* __restrict__ dOutput, const unsigned char* __restrict__ winners,
    T* __restrict__ dInput, int B, int H, int W, int C, int outH, int outW, int side, int stride, int padding, int accumulate) {
    bool vectors = aligned16(dOutput, dInput, winners) && C % 4 == 0;
    for_each_row_pack(static_cast<long long>(B) * H, W * C, vectors, [&](long long row, int i, int V) {
        long long b = row / H;
        int iy = static_cast<int>(row - b * H), ix = i / C, c = i % C;
        // The windows that contain (iy, ix): y stride - padding <= iy < y stride - padding + side, columns alike
        int y0 = max(0, (iy + padding - side + stride) / stride), x0 = max(0, (ix + padding - side + stride) / stride);
        int y1 = min(outH - 1, (iy + padding) / stride), x1 = min(outW - 1, (ix + padding) / stride);
        Pack sum = {};
        for (int y = y0; y <= y1; y++)
            for (int x = x0; x <= x1; x++) {
                int place = (iy - y * stride + padding) * side + ix - x * stride + padding, winner[4];
                // dOutput[b,y,x,c] is at ((b * outH + y) * outW + x) * C + c
                long long at = ((b * outH + y) * outW + x) * C + c;
                load_bytes(winners + at, winner, V);
                Pack g = load_pack(dOutput + at, V);
#pragma unroll
                for (int k = 0; k < 4; k++) sum.v[k] += winner[k] == place ? g.v[k] : 0.0f;
            }
        give_pack(dInput + row * W * C + i, sum, accumulate, V);
    });
}

EXPORT_KERNEL(max_pool_forward_float32, (max_pool_forward<float>));
EXPORT_KERNEL(max_pool_forward_bf16, (max_pool_forward<bf16>));
EXPORT_KERNEL(max_pool_backward_float32, (max_pool_backward<float>));
EXPORT_KERNEL(max_pool_backward_bf16, (max_pool_backward<bf16>));
