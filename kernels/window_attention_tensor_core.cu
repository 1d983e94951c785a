// Windowed multi-head attention with relative-position bias and cyclic shift (Swin) on the matrix units, forward and backward. Formulas and
// layouts are those of window_attention.cu and window_attention_backward.cu, for bf16: qkv (B, H, W, 3, heads, D), output (B, H, W, heads, D)
// and their gradients bf16; table, lse, partial float; dQkv = or += (`accumulate`). P and dS are rounded to bf16 as operands of a product and
// nowhere else; softmax, sums and dTable are float. Saves lse (windows, heads, T), which the other variant's backward pass could use as well.
//
// A row of the window is eight slots, WINDOW of them tokens: slot 8 iy + ix. So a tile of eight keys is row n of the window, a tile of
// sixteen queries rows 2 m and 2 m + 1, and lane 4 g + q holds of the scores of both
//   sums[n][2 h + e] = Q[iy, ix] . K[jy, jx],   iy = 2 m + h, ix = g, jy = n, jx = q + 4 e
// Column 2 q + e of a tile being key q + 4 e, not 2 q + e, shared memory is read without conflicts below.
// In a tile of queries a lane's relative positions differ in iy - jy and e only: it needs 2 (w + 1) biases, and as many sums of dS for the
// gradient of the table, which stay in registers. Empty slots have a bias of -infinity as keys; as queries they are not stored and, backward, have an lse of infinity.
//
// Forward: a warp owns windows of one head and shares nothing but the table; all operands go from global memory to registers. Q and K:
// lane 4 g + q loads channels 8 q ... + 7 of row g; which channels a step of the sum takes is free, as long as Q and K agree. V: it loads channels
// 4 g ... + 3 of rows q, q + 4, and pairs of rows make the operand; column n of tile t is then channel 4 n + t, so that a lane ends up
// with channels 8 q ... + 7 of a row of the output.
// Backward: a block of four warps owns a head and the windows blockIdx.x, + gridDim.x, ... Warp m recomputes the scores of query tile m, and
// with them P, dS and dQ; P and dS go to shared memory, from where two warps make dV = P^T dO, two dK = dS^T Q. The sums of dS go through
// shared memory once, at the end, in a fixed order; the blocks' tables are added by window_attention_backward_table. No atomics.
// H % w == 0, W % w == 0, w = 1 to 8 (the number in the name), T = w * w tokens, D = 32, B H W < 2^31. Bound by memory.
// Launch: blocks of 128 threads, grid (any, heads) forward, useful up to ceil(windows / 4), and (1 to windows, heads) backward; no dynamic
// shared memory. Blocks per multiprocessor by registers: 4, for w = 8 3, and 3.
#include "common.cuh"

constexpr int THREADS = 128, WARPS = THREADS / 32, D = 32;
constexpr float LOG2E = 1.4426950408889634f, SCALE = 0.17677669529663687f, MASKED = -100.0f;   // SCALE = 1 / sqrt(D)

// Where the tokens of a window lie, and which of them were neighbours before the shift.
template <int WINDOW> struct Place {
    int b, y0, x0, H, W, cut_y, cut_x;
    __device__ __forceinline__ Place(int window, int H, int W, int shift) : H(H), W(W) {
        int wx = window % (W / WINDOW), wy = window / (W / WINDOW) % (H / WINDOW);
        b = window / (W / WINDOW) / (H / WINDOW);
        y0 = wy * WINDOW + shift;
        x0 = wx * WINDOW + shift;
        // Rows below cut_y are of one region, the others of another; only the last windows have two.
        cut_y = y0 + WINDOW > H ? WINDOW - shift : WINDOW;
        cut_x = x0 + WINDOW > W ? WINDOW - shift : WINDOW;
    }
    // token (iy, ix) is at pixel ((wy w + iy + shift) % H, (wx w + ix + shift) % W)
    __device__ __forceinline__ long long pixel(int iy, int ix) const {
        int y = y0 + iy, x = x0 + ix;
        return (b * H + (y < H ? y : y - H)) * W + (x < W ? x : x - W);
    }
    // Adds the mask, in units of the unscaled scores, to tile m.
    __device__ __forceinline__ void mask(float (&sums)[WINDOW][4], int m, int g, int q) const {
        if (cut_y == WINDOW && cut_x == WINDOW) return;
#pragma unroll
        for (int n = 0; n < WINDOW; n++)
#pragma unroll
            for (int k = 0; k < 4; k++) {
                bool same_y = (2 * m + k / 2 < cut_y) == (n < cut_y), same_x = (g < cut_x) == (q + k % 2 * 4 < cut_x);
                if (!same_y || !same_x) sums[n][k] += MASKED / SCALE;
            }
    }
};

// The key in a column of a tile.
__device__ __forceinline__ int key_of(int column) { return column / 2 + column % 2 * 4; }
__device__ __forceinline__ uint4 zero16() { return make_uint4(0, 0, 0, 0); }
// Eight channels of a token, or of an empty slot zeros.
__device__ __forceinline__ uint4 load16(const bf16* p, bool token CALLER) {
    return token ? load_vector(reinterpret_cast<const uint4*>(p) FROM_CALLER) : zero16();
}
// c += a b over 32 channels: a, rows g and g + 8 of sixteen; b, row g of eight; of each the lane's share of the channels.
__device__ __forceinline__ void multiply_rows(float (&c)[4], uint4 upper, uint4 lower, uint4 b) {
    const unsigned a0[4] = {upper.x, lower.x, upper.y, lower.y}, a1[4] = {upper.z, lower.z, upper.w, lower.w};
    const unsigned b0[2] = {b.x, b.y}, b1[2] = {b.z, b.w};
    mma_m16n8k16_bf16(c, a0, b0);
    mma_m16n8k16_bf16(c, a1, b1);
}
// The operand of a sum over rows: pairs[t] = channel t of four, of two rows.
__device__ __forceinline__ void pair_rows(unsigned (&pairs)[4], uint2 first, uint2 second) {
    pairs[0] = (first.x & 0xffffu) | second.x << 16;
    pairs[1] = first.x >> 16 | (second.x & 0xffff0000u);
    pairs[2] = (first.y & 0xffffu) | second.y << 16;
    pairs[3] = first.y >> 16 | (second.y & 0xffff0000u);
}
// sums[t] += a b over sixteen rows, for four tiles of eight channels: b, pairs of the upper eight rows and of the lower.
__device__ __forceinline__ void multiply_pairs(float (&sums)[4][4], const unsigned (&a)[4], const unsigned (&upper)[4], const unsigned (&lower)[4]) {
#pragma unroll
    for (int t = 0; t < 4; t++) {
        const unsigned b[2] = {upper[t], lower[t]};
        mma_m16n8k16_bf16(sums[t], a, b);
    }
}
// Channels 8 q ... + 7 of row g (half 0) or g + 8 (half 1) of such sums.
__device__ __forceinline__ void row_of(float (&v)[8], const float (&sums)[4][4], int half, float factor) {
#pragma unroll
    for (int c = 0; c < 8; c++) v[c] = factor * sums[c % 4][2 * half + c / 4];
}
// Tiles 2 step and 2 step + 1 of eight columns each, as the operand of a sum over their columns. Past the last tile: zeros.
template <int WINDOW> __device__ __forceinline__ void operand_of(unsigned (&a)[4], const float (&tiles)[WINDOW][4], int step) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
        int n = 2 * step + k / 2;
        a[k] = n < WINDOW ? pack_bf16x2(tiles[n < WINDOW ? n : 0][k % 2 * 2], tiles[n < WINDOW ? n : 0][k % 2 * 2 + 1]) : 0;
    }
}

// The head's column of the table in shared memory, in units of the unscaled scores, and zeros around it for empty slots.
template <int WINDOW> struct Column {
    static constexpr int SIDE = 2 * WINDOW - 1, BEFORE = 8, SIZE = BEFORE + SIDE * SIDE + 16;
    static __device__ __forceinline__ void load(float (&column)[SIZE], const float* table, int heads, int head CALLER) {
        for (int i = threadIdx.x; i < SIZE; i += THREADS) {
            bool inside = i >= BEFORE && i < BEFORE + SIDE * SIDE;
            store_vector(column + i, inside ? load_vector(table + (i - BEFORE) * heads + head FROM_CALLER) * (1.0f / SCALE) : 0.0f FROM_CALLER);
        }
    }
    // Query tile m: bias[row][e] = table[iy - jy = 2 m + row - (w - 1), ix - jx = g - q - 4 e], of which h - n + w - 1 is row h of the tile and
    // key row n.
    static __device__ __forceinline__ void bias(float (&bias)[WINDOW + 1][2], const float (&column)[SIZE], int m, int g, int q CALLER) {
#pragma unroll
        for (int row = 0; row <= WINDOW; row++)
#pragma unroll
            for (int e = 0; e < 2; e++) {
                int jx = q + 4 * e;
                bias[row][e] = load_vector(column + BEFORE + (2 * m + row) * SIDE + g - jx + WINDOW - 1 FROM_CALLER);
                if (jx >= WINDOW) bias[row][e] = -INFINITY;
            }
    }
};

template <int WINDOW>
__global__ void __launch_bounds__(THREADS, WINDOW == 8 ? 3 : 4) window_attention_tensor_core_forward(const bf16* __restrict__ qkv, const float* __restrict__ table,
    bf16* __restrict__ output, float* __restrict__ lse, int B, int H, int W, int heads, int shift) {
    constexpr int T = WINDOW * WINDOW, STEPS = (WINDOW + 1) / 2;
    SHARED(float, column, [Column<WINDOW>::SIZE]);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, q = lane % 4, head = blockIdx.y;
    int windows = B * (H / WINDOW) * (W / WINDOW);
    Column<WINDOW>::load(column, table, heads, head);
    __syncthreads();
    for (int window = blockIdx.x * WARPS + warp; window < windows; window += gridDim.x * WARPS) {
        Place<WINDOW> place(window, H, W, shift);
        // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
        auto operand = [&](int iy, int ix, int which, int d) { return qkv + ((place.pixel(iy, ix) * 3 + which) * heads + head) * D + d; };
        uint4 k[WINDOW];
        unsigned v[2 * STEPS][4];
#pragma unroll
        for (int n = 0; n < WINDOW; n++) k[n] = load16(operand(n, key_of(g), 1, 8 * q), key_of(g) < WINDOW);
#pragma unroll
        for (int n = 0; n < 2 * STEPS; n++) {
            uint2 rows[2] = {};
#pragma unroll
            for (int e = 0; e < 2; e++)
                if (n < WINDOW && q + 4 * e < WINDOW) rows[e] = load_vector(reinterpret_cast<const uint2*>(operand(n, q + 4 * e, 2, 4 * g)));
            pair_rows(v[n], rows[0], rows[1]);
        }
        // Unrolled, the loads of all tiles come first and take all registers.
#pragma unroll 1
        for (int m = 0; m < STEPS; m++) {
            uint4 rows[2];
#pragma unroll
            for (int h = 0; h < 2; h++) rows[h] = load16(operand(2 * m + h, g, 0, 8 * q), g < WINDOW && 2 * m + h < WINDOW);
            // The bias is what the sums start from.
            float bias[WINDOW + 1][2], s[WINDOW][4];
            Column<WINDOW>::bias(bias, column, m, g, q);
#pragma unroll
            for (int n = 0; n < WINDOW; n++) {
#pragma unroll
                for (int e = 0; e < 4; e++) s[n][e] = bias[e / 2 - n + WINDOW - 1][e % 2];
                multiply_rows(s[n], rows[0], rows[1], k[n]);
            }
            place.mask(s, m, g, q);
            float factors[2];
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float top = -INFINITY, sum = 0.0f;
#pragma unroll
                for (int n = 0; n < WINDOW; n++) top = fmaxf(top, fmaxf(s[n][2 * h], s[n][2 * h + 1]));
                top = group_max<4>(top);
#pragma unroll
                for (int n = 0; n < WINDOW; n++)
#pragma unroll
                    for (int e = 2 * h; e < 2 * h + 2; e++) sum += s[n][e] = exp2f((s[n][e] - top) * (SCALE * LOG2E));
                sum = group_sum<4>(sum);
                factors[h] = 1.0f / sum;
                // lse[window, head, i] is at (window * heads + head) * T + i
                if (q == 0 && g < WINDOW && 2 * m + h < WINDOW)
                    lse[(static_cast<long long>(window) * heads + head) * T + (2 * m + h) * WINDOW + g] = top * SCALE + logf(sum);
            }
            float o[4][4] = {};
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                unsigned p[4];
                operand_of(p, s, step);
                multiply_pairs(o, p, v[2 * step], v[2 * step + 1]);
            }
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float row[8];
                row_of(row, o, h, factors[h]);
                // output[pixel, head, d] is at (pixel * heads + head) * D + d
                if (g < WINDOW && 2 * m + h < WINDOW) store8(output + (place.pixel(2 * m + h, g) * heads + head) * D + 8 * q, row);
            }
        }
    }
}

// = or, if `accumulate`, +=.
__device__ __forceinline__ void give8(bf16* p, float (&v)[8], int accumulate CALLER) {
    if (accumulate) {
        float old[8];
        load8(p, old FROM_CALLER);
#pragma unroll
        for (int c = 0; c < 8; c++) v[c] += old[c];
    }
    store8(p, v FROM_CALLER);
}

// A tensor of the window in shared memory, eight slots for each of its rows, 32 channels a slot. The 16-byte pieces of a slot change places, so that
// one of each of eight slots, two of each of slots 0 to 3 or 4 to 7, and all of two neighbours fall into different banks.
__device__ __forceinline__ int tile_slot(int slot, int d) { return slot * D + (d / 8 ^ slot / 2 % 2 * 2 + slot / 4 % 2) * 8 + d % 8; }
// Eight slots; lane l names a slot of which it is to read piece l / 8. Lane 4 g + q gets channels 2 q, 2 q + 1 of the pieces of what lane g named.
__device__ __forceinline__ uint4 load_rows(const bf16* tile, int row) {
    unsigned r[4];
    ldmatrix_x4(r, tile + tile_slot(row, threadIdx.x % 32 / 8 * 8));
    return make_uint4(r[0], r[1], r[2], r[3]);
}
// Slots q and q + 4 of eight: the operand of a sum over them.
__device__ __forceinline__ void load_pairs(unsigned (&pairs)[4], const bf16* tile) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
    pair_rows(pairs, load_vector(reinterpret_cast<const uint2*>(tile + tile_slot(q, 4 * g))),
        load_vector(reinterpret_cast<const uint2*>(tile + tile_slot(q + 4, 4 * g))));
}
// Starts copying two tensors of a window to their tiles; token (iy, ix) is at rows pixel * stride.
template <int WINDOW>
__device__ __forceinline__ void load_tiles(bf16* first, bf16* second, const Place<WINDOW>& place, const bf16* from_first, const bf16* from_second,
    int stride_first, int stride_second CALLER) {
    // Unrolled, what does not change from window to window stays in registers, and those of the larger windows spill.
#pragma unroll 1
    for (int piece = threadIdx.x; piece < WINDOW * WINDOW * 4; piece += THREADS) {
        int i = piece / 4, d = piece % 4 * 8, at = tile_slot(i / WINDOW * 8 + i % WINDOW, d);
        long long pixel = place.pixel(i / WINDOW, i % WINDOW);
        cp_async_16(first + at, from_first + pixel * stride_first + d, 16 FROM_CALLER);
        cp_async_16(second + at, from_second + pixel * stride_second + d, 16 FROM_CALLER);
    }
}

template <int WINDOW>
__global__ void __launch_bounds__(THREADS, 3) window_attention_tensor_core_backward(const bf16* __restrict__ qkv, const float* __restrict__ table,
    const float* __restrict__ lse, const bf16* __restrict__ dOutput, bf16* __restrict__ dQkv, float* __restrict__ partial, int B, int H, int W,
    int heads, int shift, int accumulate) {
    // Rows of P and dS are 16 bytes more than a multiple of 32 apart, so that the 16-byte pieces of eight rows fall into different banks.
    constexpr int T = WINDOW * WINDOW, SIDE = 2 * WINDOW - 1, STEPS = (WINDOW + 1) / 2, ROWS = 16 * STEPS, LDP = ROWS + 8;
    SHARED(bf16, tiles, [6][ROWS * D]);
    SHARED(bf16, probabilities, [2][ROWS * LDP]);
    SHARED(float, column, [Column<WINDOW>::SIZE]);
    bf16 *k = tiles[0], *v = tiles[1];
    int t = threadIdx.x, lane = t % 32, m = t / 32, g = lane / 4, q = lane % 4, head = blockIdx.y;
    int windows = B * (H / WINDOW) * (W / WINDOW);
    Column<WINDOW>::load(column, table, heads, head);
    // Empty slots stay zero.
    for (int i = t; i < 6 * ROWS * 4; i += THREADS) {
        int slot = i / 4 % ROWS;
        if (slot / 8 >= WINDOW || slot % 8 >= WINDOW) store_vector(reinterpret_cast<uint4*>(tiles[i / 4 / ROWS] + tile_slot(slot, i % 4 * 8)), zero16());
    }
    if (WINDOW % 2)
        for (int i = t; i < 2 * ROWS; i += THREADS) store_vector(reinterpret_cast<uint4*>(&probabilities[i / ROWS][i % ROWS * LDP + 8 * WINDOW]), zero16());
    // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
    const int row = heads * D;
    auto load_keys = [&](int window) {
        load_tiles(k, v, Place<WINDOW>(window, H, W, shift), qkv + row + head * D, qkv + 2 * row + head * D, 3 * row, 3 * row);
    };
    // Q and dO have two places each: a window's are used to its end.
    auto load_queries = [&](int window, int buffer) {
        load_tiles(tiles[2 + buffer], tiles[4 + buffer], Place<WINDOW>(window, H, W, shift), qkv + head * D, dOutput + head * D, 3 * row, row);
    };
    load_keys(blockIdx.x);
    load_queries(blockIdx.x, 0);
    cp_async_commit();
    float totals[WINDOW + 1][2] = {};
    int buffer = 0;
    for (int window = blockIdx.x; window < windows; window += gridDim.x, buffer ^= 1) {
        const bf16 *queries = tiles[2 + buffer], *g_output = tiles[4 + buffer];
        Place<WINDOW> place(window, H, W, shift);
        int next = window + gridDim.x;
        cp_async_wait<0>();
        // The window's tiles are there for all, and all are done with what belongs to the last one.
        __syncthreads();
        if (next < windows) load_queries(next, buffer ^ 1);
        // Token (2 tile + h, ix) of dQ, dK or dV.
        auto give = [&](const float (&sums)[4][4], int tile, int ix, int which, float factor) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                if (ix >= WINDOW || 2 * tile + h >= WINDOW) continue;
                float values[8];
                row_of(values, sums, h, factor);
                give8(dQkv + ((place.pixel(2 * tile + h, ix) * 3 + which) * heads + head) * D + 8 * q, values, accumulate);
            }
        };
        if (m < STEPS) {
            float bias[WINDOW + 1][2], s[WINDOW][4], dp[WINDOW][4] = {};
            Column<WINDOW>::bias(bias, column, m, g, q);
            uint4 upper = load_rows(queries + 16 * m * D, lane % 8), lower = load_rows(queries + (16 * m + 8) * D, lane % 8);
#pragma unroll
            for (int n = 0; n < WINDOW; n++) {
#pragma unroll
                for (int e = 0; e < 4; e++) s[n][e] = bias[e / 2 - n + WINDOW - 1][e % 2];
                multiply_rows(s[n], upper, lower, load_rows(k + 8 * n * D, key_of(lane % 8)));
            }
            place.mask(s, m, g, q);
            upper = load_rows(g_output + 16 * m * D, lane % 8), lower = load_rows(g_output + (16 * m + 8) * D, lane % 8);
#pragma unroll
            for (int n = 0; n < WINDOW; n++) multiply_rows(dp[n], upper, lower, load_rows(v + 8 * n * D, key_of(lane % 8)));
#pragma unroll
            for (int h = 0; h < 2; h++) {
                // lse[window, head, i] is at (window * heads + head) * T + i
                float sum = INFINITY, delta = 0.0f;
                if (g < WINDOW && 2 * m + h < WINDOW) sum = lse[(static_cast<long long>(window) * heads + head) * T + (2 * m + h) * WINDOW + g];
#pragma unroll
                for (int n = 0; n < WINDOW; n++)
#pragma unroll
                    for (int e = 2 * h; e < 2 * h + 2; e++) {
                        s[n][e] = exp2f(s[n][e] * (SCALE * LOG2E) - sum * LOG2E);
                        delta += s[n][e] * dp[n][e];
                    }
                delta = group_sum<4>(delta);
#pragma unroll
                for (int n = 0; n < WINDOW; n++) {
                    bf16* to = probabilities[0] + (16 * m + 8 * h + g) * LDP + 8 * n + 2 * q;
                    store2(to, s[n][2 * h], s[n][2 * h + 1]);
#pragma unroll
                    for (int e = 0; e < 2; e++) {
                        float& ds = dp[n][2 * h + e];
                        ds = s[n][2 * h + e] * (ds - delta);
                        totals[h - n + WINDOW - 1][e] += ds;
                    }
                    store2(to + ROWS * LDP, dp[n][2 * h], dp[n][2 * h + 1]);
                }
            }
            float dq[4][4] = {};
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                unsigned ds[4], first[4], second[4];
                operand_of(ds, dp, step);
                load_pairs(first, k + 16 * step * D);
                load_pairs(second, k + (16 * step + 8) * D);
                multiply_pairs(dq, ds, first, second);
            }
            give(dq, m, g, 0, SCALE);
        }
        // P and dS are there for all, and all are done with K and V.
        __syncthreads();
        if (next < windows) load_keys(next);
        cp_async_commit();
        // Warps 0 and 1: dV = P^T dO; warps 2 and 3: dK = dS^T Q; of tiles of sixteen keys every second.
        int other = m / 2, tile = m % 2;
        const bf16* operand = other ? queries : g_output;
        float sums[2][4][4] = {};
        // Unrolled in full, the kernel of window 8 spills.
#pragma unroll 2
        for (int step = 0; step < STEPS; step++) {
            unsigned first[4], second[4], a[4];
            load_pairs(first, operand + 16 * step * D);
            load_pairs(second, operand + (16 * step + 8) * D);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                if (tile + 2 * i >= STEPS) continue;
                ldmatrix_x4_trans(a, probabilities[other] + (16 * step + key_of(lane % 8) + lane / 16 * 8) * LDP + 16 * (tile + 2 * i) + lane / 8 % 2 * 8);
                multiply_pairs(sums[i], a, first, second);
            }
        }
#pragma unroll
        for (int i = 0; i < 2; i++) give(sums[i], tile + 2 * i, key_of(g), 2 - other, other ? SCALE : 1.0f);
    }
    // All are done with P and dS: shares[m, row] (g, jx) takes their place, spaced so that neither writes nor the sums below conflict.
    __syncthreads();
    constexpr int SPACING = 128 - SIDE;
    static_assert(STEPS * (WINDOW + 1) * SPACING * sizeof(float) <= sizeof(probabilities), "the sums take the place of P and dS");
    float* shares = reinterpret_cast<float*>(probabilities);
    if (m < STEPS)
#pragma unroll
        for (int row = 0; row <= WINDOW; row++)
#pragma unroll
            for (int e = 0; e < 2; e++) shares[(m * (WINDOW + 1) + row) * SPACING + g * 12 + q + 4 * e] = totals[row][e];
    __syncthreads();
    for (int relative = t; relative < SIDE * SIDE; relative += THREADS) {
        int dx = relative % SIDE - (WINDOW - 1);
        float sum = 0.0f;
        for (int tile = 0; tile < STEPS; tile++) {
            int row = relative / SIDE - 2 * tile;
            if (row < 0 || row > WINDOW) continue;
            for (int ix = 0; ix < WINDOW; ix++)
                if (ix >= dx && ix - dx < WINDOW) sum += shares[(tile * (WINDOW + 1) + row) * SPACING + ix * 13 - dx];
        }
        // partial[slot, head, relative] is at (slot * heads + head) * SIDE * SIDE + relative
        partial[(static_cast<long long>(blockIdx.x) * heads + head) * SIDE * SIDE + relative] = sum;
    }
}

EXPORT_KERNEL(window_attention_tensor_core_forward_1_bf16, (window_attention_tensor_core_forward<1>));
EXPORT_KERNEL(window_attention_tensor_core_forward_2_bf16, (window_attention_tensor_core_forward<2>));
EXPORT_KERNEL(window_attention_tensor_core_forward_3_bf16, (window_attention_tensor_core_forward<3>));
EXPORT_KERNEL(window_attention_tensor_core_forward_4_bf16, (window_attention_tensor_core_forward<4>));
EXPORT_KERNEL(window_attention_tensor_core_forward_5_bf16, (window_attention_tensor_core_forward<5>));
EXPORT_KERNEL(window_attention_tensor_core_forward_6_bf16, (window_attention_tensor_core_forward<6>));
EXPORT_KERNEL(window_attention_tensor_core_forward_7_bf16, (window_attention_tensor_core_forward<7>));
EXPORT_KERNEL(window_attention_tensor_core_forward_8_bf16, (window_attention_tensor_core_forward<8>));
EXPORT_KERNEL(window_attention_tensor_core_backward_1_bf16, (window_attention_tensor_core_backward<1>));
EXPORT_KERNEL(window_attention_tensor_core_backward_2_bf16, (window_attention_tensor_core_backward<2>));
EXPORT_KERNEL(window_attention_tensor_core_backward_3_bf16, (window_attention_tensor_core_backward<3>));
EXPORT_KERNEL(window_attention_tensor_core_backward_4_bf16, (window_attention_tensor_core_backward<4>));
EXPORT_KERNEL(window_attention_tensor_core_backward_5_bf16, (window_attention_tensor_core_backward<5>));
EXPORT_KERNEL(window_attention_tensor_core_backward_6_bf16, (window_attention_tensor_core_backward<6>));
EXPORT_KERNEL(window_attention_tensor_core_backward_7_bf16, (window_attention_tensor_core_backward<7>));
EXPORT_KERNEL(window_attention_tensor_core_backward_8_bf16, (window_attention_tensor_core_backward<8>));
