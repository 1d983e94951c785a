// Kernels whose counts are known by hand, for the profiler's test. 128 threads, x and y of 4096 floats.
#include "common.cuh"

__global__ void coalesced(const float* x, float* y) {
    y[threadIdx.x] = x[threadIdx.x];
}
__global__ void coalesced_vector(const float* x, float* y) {
    store4(y + 4 * threadIdx.x, load4(x + 4 * threadIdx.x));
}
__global__ void strided(const float* x, float* y) {
    float v = x[8 * threadIdx.x];                       // every lane a sector of its own: 32 where 4 would do
    y[threadIdx.x] = v;
}
__global__ void bank_conflicts(const float* x, float* y) {
    SHARED(float, s, [128 * 32]);
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    float a = s[(2 * t) % 128];                         // 2-way
    __syncthreads();
    s[32 * t] = a;                                      // 32-way
    __syncthreads();
    y[t] = s[32 * (t / 32)];                            // broadcast
}
__global__ void two_products(const float* x, float* y) {
    float c[4] = {};
    unsigned a[4] = {}, b[2] = {};
    for (int i = 0; i < 3; i++) mma_m16n8k8_tf32(c, a, b);
    mma_m16n8k16_bf16(c, a, b);
    y[threadIdx.x] = c[0] + x[threadIdx.x];
}
EXPORT_KERNEL(coalesced, (coalesced));
EXPORT_KERNEL(coalesced_vector, (coalesced_vector));
EXPORT_KERNEL(strided, (strided));
EXPORT_KERNEL(bank_conflicts, (bank_conflicts));
EXPORT_KERNEL(two_products, (two_products));
