// Concatenation over the last dimension, one launch per part. part (rows, partChannels) is channels offset ... offset + partChannels - 1 of
// whole (rows, channels).
//   forward: whole[r, offset + c] = part[r, c];   backward: dPart[r, c] = or += dWhole[r, offset + c]     (argument `accumulate`)
// All tensors: T, T = float or bf16. Saves nothing. Memory-bound. Vector accesses if partChannels, channels and offset are multiples of 4.
// Launch: as for_each_row_pack over (rows, partChannels). No dynamic shared memory.
#include "common.cuh"

constexpr int THREADS = 256;

template <typename T>
__global__ void __launch_bounds__(THREADS) concat_forward(const T* __restrict__ part, T* __restrict__ whole, long long rows, int partChannels,
    int channels, int offset) {
    bool vectors = aligned16(part, whole) && (partChannels | channels | offset) % 4 == 0;
    for_each_row_pack(rows, partChannels, vectors, [&](long long row, int c, int V) {
        store_pack(whole + row * channels + offset + c, load_pack(part + row * partChannels + c, V), V);
    });
}

template <typename T>
__global__ void __launch_bounds__(THREADS) concat_backward(const T* __restrict__ dWhole, T* __restrict__ dPart, long long rows,
    int partChannels, int channels, int offset, int accumulate) {
    bool vectors = aligned16(dPart, dWhole) && (partChannels | channels | offset) % 4 == 0;
    for_each_row_pack(rows, partChannels, vectors, [&](long long row, int c, int V) {
        give_pack(dPart + row * partChannels + c, load_pack(dWhole + row * channels + offset + c, V), accumulate, V);
    });
}

EXPORT_KERNEL(concat_forward_float32, (concat_forward<float>));
EXPORT_KERNEL(concat_forward_bf16, (concat_forward<bf16>));
EXPORT_KERNEL(concat_backward_float32, (concat_backward<float>));
EXPORT_KERNEL(concat_backward_bf16, (concat_backward<bf16>));
