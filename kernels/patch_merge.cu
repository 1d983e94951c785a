// Patch merging (Liu et al. 2021, Swin), a space-to-depth gather: spread (B, 2H, 2W, C), merged (B, H, W, 4C).
//   merged[b,y,x,(2 dx + dy) C + c] = spread[b,2y+dy,2x+dx,c]: the offsets (row, column) in the order (0,0), (1,0), (0,1), (1,1)
//   forward: merged from spread;   backward: dSpread from dMerged, = or += (argument `accumulate`)
// All tensors: T, T = float or bf16. Saves nothing. Memory-bound. Vector accesses if C is a multiple of 4.
// Launch: as for_each_row_pack over (2 B H, 2 W C), the rows of spread. No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

// Index in merged of element i of row `row` of spread; row = b 2H + 2y + dy, i = (2x + dx) C + c.
__device__ __forceinline__ long long place_in_merged(long long row, int i, int W, int C) {
    // 2H is even, so dy and b H + y follow from the row without a division by H
    int dy = static_cast<int>(row % 2), column = i / C, c = i % C, dx = column % 2, x = column / 2;
    // merged[b,y,x,part,c] is at (((b * H + y) * W + x) * 4 + part) * C + c
    return ((row / 2 * W + x) * 4 + 2 * dx + dy) * C + c;
}

template <typename T>
__global__ void __launch_bounds__(THREADS) patch_merge_forward(const T* __restrict__ spread, T* __restrict__ merged, int B, int H, int W, int C) {
    for_each_row_pack(2ll * B * H, 2 * W * C, aligned16(spread, merged) && C % 4 == 0, [&](long long row, int i, int V) {
        store_pack(merged + place_in_merged(row, i, W, C), load_pack(spread + row * 2 * W * C + i, V), V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) patch_merge_backward(const T* __restrict__ dMerged, T* __restrict__ dSpread, int B, int H, int W,
    int C, int accumulate) {
    for_each_row_pack(2ll * B * H, 2 * W * C, aligned16(dSpread, dMerged) && C % 4 == 0, [&](long long row, int i, int V) {
        give_pack(dSpread + row * 2 * W * C + i, load_pack(dMerged + place_in_merged(row, i, W, C), V), accumulate, V);
    });
}

EXPORT_KERNEL(patch_merge_forward_float32, (patch_merge_forward<float>));
EXPORT_KERNEL(patch_merge_forward_bf16, (patch_merge_forward<bf16>));
EXPORT_KERNEL(patch_merge_backward_float32, (patch_merge_backward<float>));
EXPORT_KERNEL(patch_merge_backward_bf16, (patch_merge_backward<bf16>));
