// Windowed multi-head attention with relative-position bias and cyclic shift (Swin), backward; forward and notation: window_attention.cu.
//   S, P = softmax(S) are recomputed: P[i,j] = exp(S[i,j] - lse[i]).   dP[i,j] = dO[i] . V[j],  delta[i] = sum_j P[i,j] dP[i,j]
//   dS = P (dP - delta);   dV[j] = sum_i P[i,j] dO[i];   dQ[i] = scale sum_j dS[i,j] K[j];   dK[j] = scale sum_i dS[i,j] Q[i]
//   dTable[relative(i,j), head] = sum over windows of dS[i,j]
// qkv: E (B, H, W, 3, heads, D), dQkv likewise, = or += (`accumulate`), E = float or bf16; table: float ((2w-1)^2, heads); dOutput: E
// (B, H, W, heads, D); lse: float (windows, heads, T) as the forward pass saved it; partial: float (gridDim.x, heads, (2w-1)^2);
// dTable = or += (`accumulate` of the total). No atomics.
// A block of 256 threads owns one head and the windows blockIdx.x, + gridDim.x, ... It accumulates dS over its windows in registers. At the
// end dS goes to shared memory, where one thread per relative position adds its pairs in order; a second kernel adds the blocks' tables in
// order. A warp owns groups of four rows, 4 (warp + 4 r) ...: each vector of K or V that a lane reads serves four rows.
// H % w == 0, W % w == 0, w = 1 to 8 (the number in the name), T = w * w tokens, D = 32 (else: window_attention_any.cu), B H W < 2^31.
// Bound by shared memory: float32 arithmetic without the matrix units.
// Launch: blocks of 256 threads, grid (slots, heads), slots = min(windows, about 2 blocks per multiprocessor / heads, at least 1);
// dynamic shared memory 4 (4 TP 36 + TP TP + (2w-1)^2 + 3 TP) bytes, TP = T rounded up to 4: 42,068 for w = 7, 54,916 for w = 8
// (above 48 KiB: set the function's attribute). Occupancy: registers allow two blocks of 256 threads. With 128 threads the sums of dS
// would take 212 registers, and half as many warps would fit. The one pass that writes dTable transposed has 1.4 times the ideal
// sectors. Total: blocks of 256 threads, grid ceil(heads (2w-1)^2 / 256), no dynamic shared memory.
// Over 1.25 times the ideal: window_attention_backward_table: the one pass that writes dTable transposed.
#include "common.cuh"

constexpr int THREADS = 256, WARPS = THREADS / 32;

// The region of a coordinate after the cyclic shift: only tokens of one region were neighbours before it.
__device__ __forceinline__ int region(int rolled, int size, int window, int shift) {
    return rolled < size - window ? 0 : rolled < size - shift ? 1 : 2;
}
__device__ __forceinline__ float dot(float4 x, float4 y) { return (x.x * y.x + x.y * y.y) + (x.z * y.z + x.w * y.w); }

// P or dS of a window in shared memory, and the sums over it. TP: rows and columns, padded with zeros; LD: floats between consecutive
// tokens of the operand. A warp's groups of four tokens are warp + 4 r, r < GROUPS, below TP / 4.
template <int T, int TP, int LD, int GROUPS> struct Product {
    // sums[r][e] = sum_i matrix[i, 4 group + e] operand[i, lane]
    static __device__ __forceinline__ void by_columns(float (&sums)[GROUPS][4], const float* matrix, const float* operand, int warp, int lane) {
#pragma unroll
        for (int r = 0; r < GROUPS; r++)
#pragma unroll
            for (int e = 0; e < 4; e++) sums[r][e] = 0.0f;
#pragma unroll 2
        for (int i = 0; i < T; i++) {
            float x = operand[i * LD + lane];
#pragma unroll
            for (int r = 0; r < GROUPS; r++) {
                int group = warp + WARPS * r;
                if (group >= TP / 4) continue;
                float4 m = load4(matrix + i * TP + 4 * group);
                sums[r][0] = fmaf(m.x, x, sums[r][0]);
                sums[r][1] = fmaf(m.y, x, sums[r][1]);
                sums[r][2] = fmaf(m.z, x, sums[r][2]);
                sums[r][3] = fmaf(m.w, x, sums[r][3]);
            }
        }
    }
    // sums[r][e] = sum_j matrix[4 group + e, j] operand[j, lane]
    static __device__ __forceinline__ void by_rows(float (&sums)[GROUPS][4], const float* matrix, const float* operand, int warp, int lane) {
#pragma unroll
        for (int r = 0; r < GROUPS; r++)
#pragma unroll
            for (int e = 0; e < 4; e++) sums[r][e] = 0.0f;
        for (int j = 0; j < TP; j += 4) {
            float4 x = make_float4(operand[j * LD + lane], operand[(j + 1) * LD + lane], operand[(j + 2) * LD + lane], operand[(j + 3) * LD + lane]);
#pragma unroll
            for (int r = 0; r < GROUPS; r++) {
                int group = warp + WARPS * r;
                if (group >= TP / 4) continue;
#pragma unroll
                for (int e = 0; e < 4; e++) sums[r][e] += dot(load4(matrix + (4 * group + e) * TP + j), x);
            }
        }
    }
};

template <typename E, int WINDOW, int D>
__global__ void __launch_bounds__(THREADS, 2) window_attention_backward(const E* __restrict__ qkv, const float* __restrict__ table,
    const float* __restrict__ lse, const E* __restrict__ dOutput, E* __restrict__ dQkv, float* __restrict__ partial, int B, int H, int W,
    int heads, int shift, int accumulate) {
    // Rows are padded to D + 4, so that vector reads of eight rows have no bank conflicts.
    constexpr int T = WINDOW * WINDOW, TP = (T + 3) / 4 * 4, LD = D + 4, SIDE = 2 * WINDOW - 1, RELATIVE = SIDE * SIDE;
    constexpr int GROUPS = (TP / 4 + WARPS - 1) / WARPS;
    using Sums = Product<T, TP, LD, GROUPS>;
    static_assert(T <= 64 && D == 32, "a lane owns two columns of the scores and one of the head");
    SHARED_DYN(float, memory);
    float *q = memory, *k = q + TP * LD, *v = k + TP * LD, *g = v + TP * LD, *matrix = g + TP * LD, *bias = matrix + TP * TP, *lses = bias + RELATIVE;
    int *regions = reinterpret_cast<int*>(lses + TP), *pixels = regions + TP;
    int t = threadIdx.x, lane = t % 32, warp = t / 32, head = blockIdx.y;
    int windows_x = W / WINDOW, windows_y = H / WINDOW, windows = B * windows_x * windows_y;
    const float scale = rsqrtf(static_cast<float>(D));
    float totals[GROUPS][4][2] = {};
    for (int i = t; i < RELATIVE; i += THREADS) bias[i] = table[i * heads + head];
    // The padding stays zero.
    for (int i = T * LD + t; i < TP * LD; i += THREADS) q[i] = k[i] = v[i] = g[i] = 0.0f;
    for (int window = blockIdx.x; window < windows; window += gridDim.x) {
        int wx = window % windows_x, wy = window / windows_x % windows_y, b = window / windows_x / windows_y;
        // token i of the window is at pixel ((wy w + iy + shift) % H, (wx w + ix + shift) % W)
        auto pixel = [&](int i) {
            int y = (wy * WINDOW + i / WINDOW + shift) % H, x = (wx * WINDOW + i % WINDOW + shift) % W;
            return (static_cast<long long>(b) * H + y) * W + x;
        };
        // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
        for (int piece = t; piece < T * D / 4; piece += THREADS) {
            int i = piece / (D / 4), d = piece % (D / 4) * 4;
            long long at = pixel(i);
            const E* from = qkv + (at * 3 * heads + head) * D + d;
            stage4(q + i * LD + d, from);
            stage4(k + i * LD + d, from + heads * D);
            stage4(v + i * LD + d, from + 2 * heads * D);
            stage4(g + i * LD + d, dOutput + (at * heads + head) * D + d);
        }
        cp_async_commit();
        for (int i = t; i < TP; i += THREADS) {
            bool inside = i < T;
            regions[i] = inside && shift ? 3 * region(wy * WINDOW + i / WINDOW, H, WINDOW, shift) + region(wx * WINDOW + i % WINDOW, W, WINDOW, shift) : 0;
            pixels[i] = inside ? static_cast<int>(pixel(i)) : 0;
            // lse[window, head, i] is at (window * heads + head) * T + i
            lses[i] = inside ? lse[(static_cast<long long>(window) * heads + head) * T + i] : 0.0f;
        }
        cp_async_wait<0>();
        __syncthreads();
        // Scores, P and dS of four rows at a time; lane l computes columns l and l + 32.
        float ds[GROUPS][4][2];
#pragma unroll
        for (int r = 0; r < GROUPS; r++) {
            int group = warp + WARPS * r;
            if (group >= TP / 4) continue;
            float s[4][2] = {}, dp[4][2] = {};
            // If this loop were unrolled, the 49-token kernel would spill.
#pragma unroll 1
            for (int d = 0; d < D; d += 4) {
                float4 keys[2], values[2];
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    int j = min(lane + 32 * half, TP - 1);
                    keys[half] = load4(k + j * LD + d);
                    values[half] = load4(v + j * LD + d);
                }
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    float4 x = load4(q + (4 * group + e) * LD + d), y = load4(g + (4 * group + e) * LD + d);
#pragma unroll
                    for (int half = 0; half < 2; half++) {
                        s[e][half] += dot(x, keys[half]);
                        dp[e][half] += dot(y, values[half]);
                    }
                }
            }
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int i = 4 * group + e;
                float p[2];
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    int j = lane + 32 * half;
                    p[half] = 0.0f;
                    if (i < T && j < T) {
                        int relative = (i / WINDOW - j / WINDOW + WINDOW - 1) * SIDE + i % WINDOW - j % WINDOW + WINDOW - 1;
                        p[half] = expf(s[e][half] * scale + bias[relative] + (regions[i] == regions[j] ? 0.0f : -100.0f) - lses[i]);
                    }
                    if (j < TP) matrix[i * TP + j] = p[half];
                }
                float delta = warp_sum(p[0] * dp[e][0] + p[1] * dp[e][1]);
#pragma unroll
                for (int half = 0; half < 2; half++) {
                    ds[r][e][half] = p[half] * (dp[e][half] - delta);
                    totals[r][e][half] += ds[r][e][half];
                }
            }
        }
        __syncthreads();
        // Lane d computes column d of the gradients.
        float sums[GROUPS][4];
        auto give = [&](int which, float factor) {
#pragma unroll
            for (int r = 0; r < GROUPS; r++)
#pragma unroll
                for (int e = 0; e < 4; e++) {
                    int i = 4 * (warp + WARPS * r) + e;
                    if (i < T)
                        give_pack(dQkv + ((pixels[i] * 3ll + which) * heads + head) * D + lane, Pack{{factor * sums[r][e], 0.0f, 0.0f, 0.0f}}, accumulate, 1);
                }
        };
        Sums::by_columns(sums, matrix, g, warp, lane);
        give(2, 1.0f);
        // dS overwrites P.
        __syncthreads();
#pragma unroll
        for (int r = 0; r < GROUPS; r++)
#pragma unroll
            for (int e = 0; e < 4; e++) {
                int i = 4 * (warp + WARPS * r) + e;
                if (i >= TP) continue;
                if (lane < TP) matrix[i * TP + lane] = ds[r][e][0];
                if (lane + 32 < TP) matrix[i * TP + lane + 32] = ds[r][e][1];
            }
        __syncthreads();
        Sums::by_rows(sums, matrix, k, warp, lane);
        give(0, scale);
        Sums::by_columns(sums, matrix, q, warp, lane);
        give(1, scale);
        // A slower warp may still read this window: wait before the next one overwrites it.
        __syncthreads();
    }
#pragma unroll
    for (int r = 0; r < GROUPS; r++)
#pragma unroll
        for (int e = 0; e < 4; e++) {
            int i = 4 * (warp + WARPS * r) + e;
            if (i >= TP) continue;
            if (lane < TP) matrix[i * TP + lane] = totals[r][e][0];
            if (lane + 32 < TP) matrix[i * TP + lane + 32] = totals[r][e][1];
        }
    __syncthreads();
    for (int relative = t; relative < RELATIVE; relative += THREADS) {
        int dy = relative / SIDE - (WINDOW - 1), dx = relative % SIDE - (WINDOW - 1);
        float sum = 0.0f;
        for (int jy = max(0, -dy); jy < min(WINDOW, WINDOW - dy); jy++)
            for (int jx = max(0, -dx); jx < min(WINDOW, WINDOW - dx); jx++) sum += matrix[((jy + dy) * WINDOW + jx + dx) * TP + jy * WINDOW + jx];
        // partial[slot, head, relative] is at (slot * heads + head) * RELATIVE + relative
        partial[(static_cast<long long>(blockIdx.x) * heads + head) * RELATIVE + relative] = sum;
    }
}

// dTable[relative, head] = or += sum over slots of partial[slot, head, relative], in order; positions = (2w-1)^2.
__global__ void __launch_bounds__(THREADS) window_attention_backward_table(const float* __restrict__ partial, float* __restrict__ dTable, int slots,
    int heads, int positions, int accumulate) {
    int i = blockIdx.x * THREADS + threadIdx.x;
    if (i >= heads * positions) return;
    Sum sum = zero_sum();
    for (int slot = 0; slot < slots; slot++) add(sum, partial[static_cast<long long>(slot) * heads * positions + i]);
    // dTable[relative, head] is at relative * heads + head
    float* to = dTable + i % positions * heads + i / positions;
    *to = accumulate ? *to + value(sum) : value(sum);
}

EXPORT_KERNEL(window_attention_backward_1_float32, (window_attention_backward<float, 1, 32>));
EXPORT_KERNEL(window_attention_backward_2_float32, (window_attention_backward<float, 2, 32>));
EXPORT_KERNEL(window_attention_backward_3_float32, (window_attention_backward<float, 3, 32>));
EXPORT_KERNEL(window_attention_backward_4_float32, (window_attention_backward<float, 4, 32>));
EXPORT_KERNEL(window_attention_backward_5_float32, (window_attention_backward<float, 5, 32>));
EXPORT_KERNEL(window_attention_backward_6_float32, (window_attention_backward<float, 6, 32>));
EXPORT_KERNEL(window_attention_backward_7_float32, (window_attention_backward<float, 7, 32>));
EXPORT_KERNEL(window_attention_backward_8_float32, (window_attention_backward<float, 8, 32>));
EXPORT_KERNEL(window_attention_backward_1_bf16, (window_attention_backward<bf16, 1, 32>));
EXPORT_KERNEL(window_attention_backward_2_bf16, (window_attention_backward<bf16, 2, 32>));
EXPORT_KERNEL(window_attention_backward_3_bf16, (window_attention_backward<bf16, 3, 32>));
EXPORT_KERNEL(window_attention_backward_4_bf16, (window_attention_backward<bf16, 4, 32>));
EXPORT_KERNEL(window_attention_backward_5_bf16, (window_attention_backward<bf16, 5, 32>));
EXPORT_KERNEL(window_attention_backward_6_bf16, (window_attention_backward<bf16, 6, 32>));
EXPORT_KERNEL(window_attention_backward_7_bf16, (window_attention_backward<bf16, 7, 32>));
EXPORT_KERNEL(window_attention_backward_8_bf16, (window_attention_backward<bf16, 8, 32>));
EXPORT_KERNEL(window_attention_backward_table, (window_attention_backward_table));
