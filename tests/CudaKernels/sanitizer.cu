// Planted bugs for the AddressSanitizer build. Each kernel takes x and y of 128 floats, x[i] = i + 1, and runs with 128 threads. The line
// at fault ends with "//! kernel kind words": the emulator's kind, and what the sanitizer's report must say. Kernels named right_* pass.
#include "common.cuh"

__global__ void read_past_end(const float* x, float* y) {
    int t = threadIdx.x;
    y[t] = x[t + 1];            //! read_past_end outside READ of size 4
}
__global__ void write_before_start(const float* x, float* y) {
    int t = threadIdx.x;
    y[t - 1] = x[t];            //! write_before_start outside WRITE of size 4
}
__global__ void read_vector_past_end(const float* x, float* y) {
    int t = threadIdx.x;
    y[t] = load4(x + 4 * t).x;  //! read_vector_past_end outside READ of size 16
}
__global__ void read_freed(const float* x, float* y) {
    int t = threadIdx.x;
    y[t] = x[t];                //! read_freed use_after_free READ of size 4
}
__global__ void write_past_shared(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    s[t] = 0;
    __syncthreads();
    float* next = s + 1;
    next[t] = x[t];             //! write_past_shared shared_overrun WRITE of size 4
    __syncthreads();
    y[t] = s[t];
}
__global__ void read_past_dynamic_shared(const float* x, float* y) {
    SHARED_DYN(float, s);
    int t = threadIdx.x;
    s[t] = x[t];
    __syncthreads();
    y[t] = s[t + 1];            //! read_past_dynamic_shared shared_overrun READ of size 4
}
// Local arrays are registers to the access checker of the mode `hook`, which therefore cannot see these two.
__device__ float element(const float* values, int i) {
    return values[i];           //! read_past_local outside stack-buffer-overflow
}
__global__ void read_past_local(const float* x, float* y) {
    int t = threadIdx.x;
    float values[4];
    for (int i = 0; i < 4; i++) values[i] = x[t] * i;
    y[t] = element(values, static_cast<int>(x[t]));
}
__global__ void index_past_local(const float* x, float* y) {
    int t = threadIdx.x;
    float values[4];
    for (int i = 0; i < 4; i++) values[i] = x[t] * i;
    y[t] = values[static_cast<int>(x[t])];      //! index_past_local undefined index 4 out of bounds
}
__global__ void right_everything(const float* x, float* y) {
    SHARED(float, s, [128]);
    int t = threadIdx.x;
    float values[4];
    for (int i = 0; i < 4; i++) values[i] = x[t] * i;
    if (t < 32) store4(s + 4 * t, load4(x + 4 * t));
    __syncthreads();
    y[t] = s[127 - t] + values[t & 3] + block_sum<128>(x[t]);
}

EXPORT_KERNEL(read_past_end, (read_past_end));
EXPORT_KERNEL(write_before_start, (write_before_start));
EXPORT_KERNEL(read_vector_past_end, (read_vector_past_end));
EXPORT_KERNEL(read_freed, (read_freed));
EXPORT_KERNEL(write_past_shared, (write_past_shared));
EXPORT_KERNEL(read_past_dynamic_shared, (read_past_dynamic_shared));
EXPORT_KERNEL(read_past_local, (read_past_local));
EXPORT_KERNEL(index_past_local, (index_past_local));
EXPORT_KERNEL(right_everything, (right_everything));
