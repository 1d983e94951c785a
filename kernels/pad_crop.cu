// Zero padding at the bottom and right, and its inverse, the top-left crop: small (B, smallH, smallW, C), large (B, largeH, largeW, C).
//   pad2d:  large[b,y,x,c] = small[b,y,x,c], 0 outside     = or += (argument `accumulate`): Pad2d forward, Crop2d backward
//   crop2d: small[b,y,x,c] = large[b,y,x,c]                = or += (argument `accumulate`): Crop2d forward, Pad2d backward
// All tensors: T, T = float or bf16. Saves nothing. Memory-bound. Vector accesses if C is a multiple of 4.
// Launch: as for_each_row_pack over (B H, W C) of the tensor that is written. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T>
__global__ void __launch_bounds__(THREADS) pad2d_forward(const T* __restrict__ small, T* __restrict__ large, int B, int smallH, int smallW,
    int largeH, int largeW, int C, int accumulate) {
    for_each_row_pack(static_cast<long long>(B) * largeH, largeW * C, aligned16(small, large) && C % 4 == 0, [&](long long row, int i, int V) {
        long long b = row / largeH;
        int y = static_cast<int>(row - b * largeH);
        // small[b,y,x,c] is at ((b * smallH + y) * smallW + x) * C + c, i = x * C + c
        Pack v = {};
        if (y < smallH && i < smallW * C) v = load_pack(small + (b * smallH + y) * smallW * C + i, V);
        give_pack(large + row * largeW * C + i, v, accumulate, V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) crop2d_forward(const T* __restrict__ large, T* __restrict__ small, int B, int smallH, int smallW,
    int largeH, int largeW, int C, int accumulate) {
    for_each_row_pack(static_cast<long long>(B) * smallH, smallW * C, aligned16(small, large) && C % 4 == 0, [&](long long row, int i, int V) {
        long long b = row / smallH, y = row - b * smallH;
        // large[b,y,x,c] is at ((b * largeH + y) * largeW + x) * C + c, i = x * C + c
        give_pack(small + row * smallW * C + i, load_pack(large + (b * largeH + y) * largeW * C + i, V), accumulate, V);
    });
}

EXPORT_KERNEL(pad2d_forward_float32, (pad2d_forward<float>));
EXPORT_KERNEL(pad2d_forward_bf16, (pad2d_forward<bf16>));
EXPORT_KERNEL(crop2d_forward_float32, (crop2d_forward<float>));
EXPORT_KERNEL(crop2d_forward_bf16, (crop2d_forward<bf16>));
