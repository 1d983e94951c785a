// Block per (window, head). Windowed multi-head attention for shapes that window_attention.cu does not support: windows above 8, or heads
// of other than 32 channels. Same formulas, layouts and float32 arithmetic. Simple and slow: no preset network needs it for large inputs.
//   forward:  P = softmax(scale Q K^T + bias + mask) to `probabilities`,  O = P V
//   backward: dP = dO V^T,  dS = P (dP - sum_j P dP) to `dScores`,  dQ = scale dS K,  dK = scale dS^T Q,  dV = P^T dO
//   table:    dTable[relative, head] = sum over windows and pairs (i, j) of that relative position of dS[i,j]
// qkv: E (B, H, W, 3, heads, D), output, dOutput: E (B, H, W, heads, D), E = float or bf16; table: float ((2w-1)^2, heads);
// probabilities, dScores: float (windows, heads, T, T), T = w * w. Gradients = or += (`accumulate`). Saves probabilities.
// A block has 128 threads. A warp owns rows warp, warp + 4, ...; its lanes own the columns of the scores, then the channels.
// Latency-bound. Tensors are read element by element in rows of D: several times the ideal sectors, from the L1 cache.
// Launch: blocks of 128 threads, grid (windows, heads); table: grid ceil(heads (2w-1)^2 / 128). No dynamic shared memory.
// Over 1.25 times the ideal: window_attention_any_forward_*, window_attention_any_backward_*: a lane reads a row of D elements one by one, from the L1 cache.
#include "common.cuh"

constexpr int THREADS = 128, WARPS = THREADS / 32;

// The region of a coordinate after the cyclic shift: only tokens of one region were neighbours before it.
__device__ __forceinline__ int region(int rolled, int size, int window, int shift) {
    return rolled < size - window ? 0 : rolled < size - shift ? 1 : 2;
}

// The tokens of this block's window.
struct Window {
    int H, W, w, heads, D, shift, wx, wy, b;
    __device__ __forceinline__ Window(int H, int W, int w, int heads, int D, int shift) : H(H), W(W), w(w), heads(heads), D(D), shift(shift) {
        int windows_x = W / w, windows_y = H / w, window = blockIdx.x;
        wx = window % windows_x, wy = window / windows_x % windows_y, b = window / windows_x / windows_y;
    }
    // token i is at pixel ((wy w + iy + shift) % H, (wx w + ix + shift) % W)
    __device__ __forceinline__ long long pixel(int i) const {
        int y = (wy * w + i / w + shift) % H, x = (wx * w + i % w + shift) % W;
        return (static_cast<long long>(b) * H + y) * W + x;
    }
    // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
    __device__ __forceinline__ long long in_qkv(int i, int which) const { return ((pixel(i) * 3 + which) * heads + blockIdx.y) * D; }
    // output[pixel, head, d] is at (pixel * heads + head) * D + d
    __device__ __forceinline__ long long in_output(int i) const { return (pixel(i) * heads + blockIdx.y) * D; }
    __device__ __forceinline__ int region_of(int i) const { return shift ? 3 * region(wy * w + i / w, H, w, shift) + region(wx * w + i % w, W, w, shift) : 0; }
    __device__ __forceinline__ int relative(int i, int j) const { return (i / w - j / w + w - 1) * (2 * w - 1) + i % w - j % w + w - 1; }
};

template <typename E>
__global__ void __launch_bounds__(THREADS, 4) window_attention_any_forward(const E* __restrict__ qkv, const float* __restrict__ table,
    E* __restrict__ output, float* probabilities, int H, int W, int w, int heads, int D, int shift) {
    Window window(H, W, w, heads, D, shift);
    int lane = threadIdx.x % 32, T = w * w;
    float scale = rsqrtf(static_cast<float>(D));
    // probabilities[window, head, i, j] is at ((window * heads + head) * T + i) * T + j
    float* p = probabilities + (static_cast<long long>(blockIdx.x) * heads + blockIdx.y) * T * T;
    for (int i = threadIdx.x / 32; i < T; i += WARPS) {
        const E* q = qkv + window.in_qkv(i, 0);
        float* row = p + i * T;
        float top = -INFINITY, sum = 0.0f;
        for (int j = lane; j < T; j += 32) {
            const E* k = qkv + window.in_qkv(j, 1);
            float score = 0.0f;
            for (int d = 0; d < D; d++) score = fmaf(load1(q + d), load1(k + d), score);
            score = score * scale + table[window.relative(i, j) * heads + blockIdx.y] + (window.region_of(i) == window.region_of(j) ? 0.0f : -100.0f);
            row[j] = score;
            top = fmaxf(top, score);
        }
        top = warp_max(top);
        for (int j = lane; j < T; j += 32) sum += row[j] = expf(row[j] - top);
        sum = warp_sum(sum);
        for (int j = lane; j < T; j += 32) row[j] /= sum;
        __syncwarp();
        for (int d = lane; d < D; d += 32) {
            float o = 0.0f;
            for (int j = 0; j < T; j++) o = fmaf(row[j], load1(qkv + window.in_qkv(j, 2) + d), o);
            store1(output + window.in_output(i) + d, o);
        }
    }
}

template <typename E>
__global__ void __launch_bounds__(THREADS, 4) window_attention_any_backward(const E* __restrict__ qkv, const float* __restrict__ probabilities,
    const E* __restrict__ dOutput, float* dScores, E* __restrict__ dQkv, int H, int W, int w, int heads, int D, int shift, int accumulate) {
    Window window(H, W, w, heads, D, shift);
    int lane = threadIdx.x % 32, T = w * w;
    float scale = rsqrtf(static_cast<float>(D));
    const float* p = probabilities + (static_cast<long long>(blockIdx.x) * heads + blockIdx.y) * T * T;
    float* ds = dScores + (static_cast<long long>(blockIdx.x) * heads + blockIdx.y) * T * T;
    for (int i = threadIdx.x / 32; i < T; i += WARPS) {
        const E* g = dOutput + window.in_output(i);
        float delta = 0.0f;
        for (int j = lane; j < T; j += 32) {
            const E* v = qkv + window.in_qkv(j, 2);
            float dp = 0.0f;
            for (int d = 0; d < D; d++) dp = fmaf(load1(g + d), load1(v + d), dp);
            ds[i * T + j] = dp;
            delta = fmaf(p[i * T + j], dp, delta);
        }
        delta = warp_sum(delta);
        for (int j = lane; j < T; j += 32) ds[i * T + j] = p[i * T + j] * (ds[i * T + j] - delta);
    }
    __syncthreads();
    for (int i = threadIdx.x / 32; i < T; i += WARPS)
        for (int d = lane; d < D; d += 32) {
            float q = 0.0f, k = 0.0f, v = 0.0f;
            for (int j = 0; j < T; j++) {
                q = fmaf(ds[i * T + j], load1(qkv + window.in_qkv(j, 1) + d), q);
                k = fmaf(ds[j * T + i], load1(qkv + window.in_qkv(j, 0) + d), k);
                v = fmaf(p[j * T + i], load1(dOutput + window.in_output(j) + d), v);
            }
            give_pack(dQkv + window.in_qkv(i, 0) + d, Pack{{scale * q, 0.0f, 0.0f, 0.0f}}, accumulate, 1);
            give_pack(dQkv + window.in_qkv(i, 1) + d, Pack{{scale * k, 0.0f, 0.0f, 0.0f}}, accumulate, 1);
            give_pack(dQkv + window.in_qkv(i, 2) + d, Pack{{v, 0.0f, 0.0f, 0.0f}}, accumulate, 1);
        }
}

// One thread per relative position and head; it adds windows and pairs in order.
__global__ void __launch_bounds__(THREADS) window_attention_any_backward_table(const float* __restrict__ dScores, float* __restrict__ dTable,
    int windows, int w, int heads, int accumulate) {
    int side = 2 * w - 1, at = blockIdx.x * THREADS + threadIdx.x, relative = at / heads, head = at % heads, T = w * w;
    if (relative >= side * side) return;
    int dy = relative / side - (w - 1), dx = relative % side - (w - 1);
    Sum sum = zero_sum();
    for (int window = 0; window < windows; window++) {
        const float* ds = dScores + (static_cast<long long>(window) * heads + head) * T * T;
        for (int jy = max(0, -dy); jy < min(w, w - dy); jy++)
            for (int jx = max(0, -dx); jx < min(w, w - dx); jx++) add(sum, ds[((jy + dy) * w + jx + dx) * T + jy * w + jx]);
    }
    dTable[at] = accumulate ? dTable[at] + value(sum) : value(sum);
}

EXPORT_KERNEL(window_attention_any_forward_float32, (window_attention_any_forward<float>));
EXPORT_KERNEL(window_attention_any_forward_bf16, (window_attention_any_forward<bf16>));
EXPORT_KERNEL(window_attention_any_backward_float32, (window_attention_any_backward<float>));
EXPORT_KERNEL(window_attention_any_backward_bf16, (window_attention_any_backward<bf16>));
EXPORT_KERNEL(window_attention_any_backward_table, (window_attention_any_backward_table));
