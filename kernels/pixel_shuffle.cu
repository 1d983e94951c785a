// Pixel shuffle (depth-to-space) of patch expanding: packed (B, H, W, s s C), shuffled (B, s H, s W, C).
//   shuffled[b,s y+p1,s x+p2,c] = packed[b,y,x,(p1 s + p2) C + c]
//   forward: shuffled from packed;   backward: dPacked from dShuffled, = or += (argument `accumulate`)
// All tensors: T, T = float or bf16. Saves nothing. Memory-bound. The s C channels of one p1 are contiguous in both tensors. Vector
// accesses if C is a multiple of 4.
// Launch: as for_each_row_pack over (s B H, s W C), the rows of shuffled. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

// Index in packed of element i of row `row` of shuffled; row = (b H + y) s + p1, i = x (s C) + p2 C + c.
__device__ __forceinline__ long long place_in_packed(long long row, int i, int W, int C, int s) {
    long long image_row = row / s;
    int p1 = static_cast<int>(row - image_row * s), x = i / (s * C), rest = i % (s * C);
    // packed[b,y,x,p1,p2,c] is at ((((b * H + y) * W + x) * s + p1) * s + p2) * C + c
    return ((image_row * W + x) * s + p1) * (s * C) + rest;
}

template <typename T>
__global__ void __launch_bounds__(THREADS) pixel_shuffle_forward(const T* __restrict__ packed, T* __restrict__ shuffled, int B, int H, int W,
    int C, int s) {
    for_each_row_pack(static_cast<long long>(B) * H * s, s * W * C, aligned16(packed, shuffled) && C % 4 == 0, [&](long long row, int i, int V) {
        store_pack(shuffled + row * s * W * C + i, load_pack(packed + place_in_packed(row, i, W, C, s), V), V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) pixel_shuffle_backward(const T* __restrict__ dShuffled, T* __restrict__ dPacked, int B, int H,
    int W, int C, int s, int accumulate) {
    for_each_row_pack(static_cast<long long>(B) * H * s, s * W * C, aligned16(dPacked, dShuffled) && C % 4 == 0, [&](long long row, int i, int V) {
        give_pack(dPacked + place_in_packed(row, i, W, C, s), load_pack(dShuffled + row * s * W * C + i, V), accumulate, V);
    });
}

EXPORT_KERNEL(pixel_shuffle_forward_float32, (pixel_shuffle_forward<float>));
EXPORT_KERNEL(pixel_shuffle_forward_bf16, (pixel_shuffle_forward<bf16>));
EXPORT_KERNEL(pixel_shuffle_backward_float32, (pixel_shuffle_backward<float>));
EXPORT_KERNEL(pixel_shuffle_backward_bf16, (pixel_shuffle_backward<bf16>));
