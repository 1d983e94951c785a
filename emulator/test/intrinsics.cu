// Every function of common.cuh that the kernels do not happen to use, once; also compiled by a real NVRTC. One warp.
#include "common.cuh"

// bits (2, 32): float_to_bf16_bits and float_to_tf32 of values
__global__ void conversions(const float* values, unsigned* bits) {
    int t = threadIdx.x;
    bits[t] = float_to_bf16_bits(values[t]);
    bits[32 + t] = float_to_tf32(values[t]);
}
// from (32, 8) bf16 -> to, through shared memory by every kind of access; row r of 16 bytes belongs to lane r.
__global__ void copies(const bf16* from, bf16* to) {
    SHARED(bf16, rows, [32 * 8]);
    int t = threadIdx.x;
    cp_async_16(rows + 8 * t, from + 8 * t);
    cp_async_commit();
    cp_async_wait<0>();
    __syncwarp();
    float v[8];
    load8(rows + 8 * t, v);
    float2 pair = load2(rows + 8 * t);
    float4 four = load4(rows + 8 * t + 4);
    store8(to + 8 * t, v);
    store2(to + 8 * t, pair.x, pair.y);
    store4(to + 8 * t + 4, four);
}
// to (4, 32) pairs: the four matrices of ldmatrix_x4_trans of from (32, 8).
__global__ void matrices(const bf16* from, unsigned* to) {
    SHARED(bf16, rows, [32 * 8]);
    int t = threadIdx.x;
    cp_async_16(rows + 8 * t, from + 8 * t);
    cp_async_commit();
    cp_async_wait<0>();
    __syncwarp();
    unsigned four[4];
    ldmatrix_x4_trans(four, rows + 8 * t);
    for (int i = 0; i < 4; i++) to[32 * i + t] = four[i];
}
// sums (3): block_sum, block_max, a partly zero-filled copy; and uniform numbers (32)
__global__ void reductions(const float* values, float* sums, float* uniform) {
    SHARED(float, four, [4]);
    int t = threadIdx.x;
    float sum = block_sum<32>(values[t]), top = block_max<32>(values[t]);
    if (t == 0) cp_async_16(four, values, 8);
    cp_async_commit();
    cp_async_wait<0>();
    __syncthreads();
    if (t == 0) {
        sums[0] = sum;
        sums[1] = top;
        sums[2] = four[0] + four[1] + four[2] + four[3];
    }
    uniform[t] = uniform_from_bits(philox_element(t, 3, 5, 0x123456789abcdefull).x);
}
EXPORT_KERNEL(conversions, (conversions));
EXPORT_KERNEL(copies, (copies));
EXPORT_KERNEL(matrices, (matrices));
EXPORT_KERNEL(reductions, (reductions));
