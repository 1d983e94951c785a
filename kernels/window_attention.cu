// Block per (window, head). Windowed multi-head attention with relative-position bias and cyclic shift (Swin), forward, scores on chip.
//   S[i,j] = scale Q[i] . K[j] + table[relative(i,j), head] + mask[i,j],  P = softmax_j(S),  O[i] = sum_j P[i,j] V[j]
//   scale = 1 / sqrt(D);  mask[i,j] = -100 where i and j lie in different regions of the shifted image, else 0
//   relative(i,j) = (iy - jy + w - 1) (2w - 1) + ix - jx + w - 1
// qkv: E (B, H, W, 3, heads, D), output: E (B, H, W, heads, D), E = float or bf16; table: float ((2w-1)^2, heads), lse: float
// (windows, heads, T).
// Partition and shift only permute rows, so this kernel gathers them, and the products around it stay in raster order.
// Blocks of 128 threads. Saves lse = log(sum_j exp S[i,j]); the backward pass recomputes S.
// H % w == 0, W % w == 0, T = w * w tokens, D = 32. Bound by shared memory: float32 arithmetic without the matrix units.
#include "common.cuh"

constexpr int THREADS = 128;

// The region of a coordinate after the cyclic shift: only tokens of one region were neighbours before it.
__device__ __forceinline__ int region(int rolled, int size, int window, int shift) {
    return rolled < size - window ? 0 : rolled < size - shift ? 1 : 2;
}

// Grid: windows x heads. WINDOW: side of the window. Five blocks per multiprocessor leave 100 registers a thread; without the bound ptxas
// aims at the seven blocks that shared memory allows, and spills. Warp w owns rows w, w + 4, ... from the scores to the output.
template <typename E, int WINDOW, int D>
__global__ void __launch_bounds__(THREADS, 5) window_attention_forward(const E* __restrict__ qkv, const float* __restrict__ table,
    E* __restrict__ output, float* __restrict__ lse, int H, int W, int heads, int shift) {
    // Rows of Q and K are padded to D + 4, so that vector reads of eight rows have no bank conflicts.
    constexpr int T = WINDOW * WINDOW, LD = D + 4, RELATIVE = (2 * WINDOW - 1) * (2 * WINDOW - 1), WARPS = THREADS / 32;
    SHARED(float, q, [T * LD]);
    SHARED(float, k, [T * LD]);
    SHARED(float, v, [T * LD]);
    SHARED(float, bias, [RELATIVE]);
    SHARED(int, regions, [T]);
    SHARED(float, probabilities, [WARPS][64]);
    int t = threadIdx.x, lane = t % 32, warp = t / 32, head = blockIdx.y;
    int windows_x = W / WINDOW, windows_y = H / WINDOW;
    int wx = blockIdx.x % windows_x, wy = blockIdx.x / windows_x % windows_y, b = blockIdx.x / windows_x / windows_y;
    // token i of the window is at pixel ((wy w + iy + shift) % H, (wx w + ix + shift) % W)
    auto pixel = [&](int i) {
        int y = (wy * WINDOW + i / WINDOW + shift) % H, x = (wx * WINDOW + i % WINDOW + shift) % W;
        return (static_cast<long long>(b) * H + y) * W + x;
    };
    // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
    for (int piece = t; piece < T * D / 4; piece += THREADS) {
        int i = piece / (D / 4), d = piece % (D / 4) * 4;
        const E* from = qkv + (pixel(i) * 3 * heads + head) * D + d;
        stage4(q + i * LD + d, from);
        stage4(k + i * LD + d, from + heads * D);
        stage4(v + i * LD + d, from + 2 * heads * D);
    }
    cp_async_commit();
    for (int i = t; i < RELATIVE; i += THREADS) bias[i] = table[i * heads + head];
    for (int i = t; i < T; i += THREADS) {
        int y = region(wy * WINDOW + i / WINDOW, H, WINDOW, shift), x = region(wx * WINDOW + i % WINDOW, W, WINDOW, shift);
        regions[i] = shift ? 3 * y + x : 0;
    }
    cp_async_wait<0>();
    __syncthreads();
    const float scale = rsqrtf(static_cast<float>(D));
    float* p = probabilities[warp];
    for (int i = warp; i < T; i += WARPS) {
        // Lane l computes columns l and l + 32 of the row's scores.
        float s[2];
#pragma unroll
        for (int half = 0; half < 2; half++) {
            int j = lane + 32 * half;
            s[half] = -INFINITY;
            if (j >= T) continue;
            float dot = 0.0f;
#pragma unroll
            for (int d = 0; d < D; d += 4) {
                float4 x = load4(q + i * LD + d), y = load4(k + j * LD + d);
                dot += (x.x * y.x + x.y * y.y) + (x.z * y.z + x.w * y.w);
            }
            int relative = (i / WINDOW - j / WINDOW + WINDOW - 1) * (2 * WINDOW - 1) + i % WINDOW - j % WINDOW + WINDOW - 1;
            s[half] = dot * scale + bias[relative] + (regions[i] == regions[j] ? 0.0f : -100.0f);
        }
        float top = warp_max(fmaxf(s[0], s[1]));
        float e0 = expf(s[0] - top), e1 = expf(s[1] - top), sum = warp_sum(e0 + e1);
        p[lane] = e0 / sum;
        p[lane + 32] = e1 / sum;
        // lse[window, head, i] is at (window * heads + head) * T + i
        if (lane == 0) lse[(static_cast<long long>(blockIdx.x) * heads + head) * T + i] = top + logf(sum);
        __syncwarp();
        // Lane d computes column d of the output; every lane reads all probabilities of the row.
        float o = 0.0f;
#pragma unroll 8
        for (int j = 0; j < T; j++) o += p[j] * v[j * LD + lane];
        // output[pixel, head, d] is at (pixel * heads + head) * D + d
        store1(output + (pixel(i) * heads + head) * D + lane, o);
        // A slower lane may still read these probabilities: wait before the next row overwrites them.
        __syncwarp();
    }
}

EXPORT_KERNEL(window_attention_forward_1_float32, (window_attention_forward<float, 1, 32>));
EXPORT_KERNEL(window_attention_forward_2_float32, (window_attention_forward<float, 2, 32>));
EXPORT_KERNEL(window_attention_forward_3_float32, (window_attention_forward<float, 3, 32>));
EXPORT_KERNEL(window_attention_forward_4_float32, (window_attention_forward<float, 4, 32>));
EXPORT_KERNEL(window_attention_forward_5_float32, (window_attention_forward<float, 5, 32>));
EXPORT_KERNEL(window_attention_forward_6_float32, (window_attention_forward<float, 6, 32>));
EXPORT_KERNEL(window_attention_forward_7_float32, (window_attention_forward<float, 7, 32>));
EXPORT_KERNEL(window_attention_forward_8_float32, (window_attention_forward<float, 8, 32>));
EXPORT_KERNEL(window_attention_forward_1_bf16, (window_attention_forward<bf16, 1, 32>));
EXPORT_KERNEL(window_attention_forward_2_bf16, (window_attention_forward<bf16, 2, 32>));
EXPORT_KERNEL(window_attention_forward_3_bf16, (window_attention_forward<bf16, 3, 32>));
EXPORT_KERNEL(window_attention_forward_4_bf16, (window_attention_forward<bf16, 4, 32>));
EXPORT_KERNEL(window_attention_forward_5_bf16, (window_attention_forward<bf16, 5, 32>));
EXPORT_KERNEL(window_attention_forward_6_bf16, (window_attention_forward<bf16, 6, 32>));
EXPORT_KERNEL(window_attention_forward_7_bf16, (window_attention_forward<bf16, 7, 32>));
EXPORT_KERNEL(window_attention_forward_8_bf16, (window_attention_forward<bf16, 8, 32>));
