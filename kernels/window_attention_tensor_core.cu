// Windowed multi-head attention with relative-position bias and cyclic shift (Swin) on the matrix units, forward and backward. Formulas and
// layouts are those of window_attention.cu and window_attention_backward.cu: qkv (B, H, W, 3, heads, D), output (B, H, W, heads, D) and
// their gradients are bf16 or float; table, lse, partial float; dQkv = or += (`accumulate`). All operands of products, P and dS included,
// are bf16, or floats rounded to tf32; softmax, sums and dTable are float. Saves lse (windows, heads, T), which the backward pass of the
// other variant can use as well.
//
// A row of the window has eight slots, WINDOW of them tokens: slot 8 iy + ix. A tile of eight keys is therefore row n of the window, a tile
// of sixteen queries is rows 2 m and 2 m + 1, and lane 4 g + q holds of their scores
//   sums[n][2 h + e] = Q[iy, ix] . K[jy, jx],   iy = 2 m + h, ix = g, jy = n, jx = q + 4 e
// Column 2 q + e of a tile is key q + 4 e, not 2 q + e: reads of shared memory then have no bank conflicts, and a lane's scores are already
// the operand of P V, in tf32, too.
// Within a tile of queries a lane's relative positions differ only in iy - jy and e: it needs 2 (w + 1) biases, and as many sums of dS for
// dTable, in registers. Empty slots have a bias of -infinity as keys; as queries they are not stored, and backward have an infinite lse.
//
// Forward: a warp owns windows of one head and shares only the table; all operands go from global memory straight to registers. Q and K:
// lane 4 g + q loads eight channels of row g. A sum may take channels in any order that Q and K share. V: the lane loads four channels of
// rows q and q + 4, the keys whose scores it holds. Column n of tile t is channel t of lane n's four, so that a lane ends up with eight
// channels of a row of the output, the same ones as of Q and K. They are chosen to read and write whole sectors:
//   bf16: 8 q ... + 7, and of V 4 g ... + 3;   float: 4 q ... + 3 and 16 + 4 q ... + 3, and of V the first or second of these, q = g / 2
// Backward: a block of four warps owns a head and the windows blockIdx.x, + gridDim.x, ... Warp m recomputes the scores of query tile m,
// then P, dS and dQ. P and dS go to shared memory, from which two warps compute dV = P^T dO, two dK = dS^T Q. The sums of dS go through
// shared memory once, at the end, in a fixed order; window_attention_backward_table adds the blocks' tables. No atomics.
// H % w == 0, W % w == 0, w = 1 to 8 (the number in the name), T = w * w tokens, D = 32, B H W < 2^31. Memory-bound.
// Launch: blocks of 128 threads, grid (any, heads) forward, useful up to ceil(windows / 4), and (1 to windows, heads) backward; dynamic
// shared memory backward only, (6 * 32 + 2 (R + 8)) R elements of the type of qkv, R = 16 ceil(w / 2). Blocks per multiprocessor: bf16 4,
// for w = 8 3, and backward 3; tf32 2, and backward, by shared memory for w > 6, 2 on sm_90 and 1 on the others.
#include "common.cuh"

constexpr int THREADS = 128, WARPS = THREADS / 32, D = 32;
constexpr float LOG2E = 1.4426950408889634f, SCALE = 0.17677669529663687f, MASKED = -100.0f;   // SCALE = 1 / sqrt(D)

// Properties of the element type E, bf16 or float: a step of a sum takes 32 bytes of each row, so a step over slots takes two tiles or one.
template <typename E> constexpr int PIECE = 16 / sizeof(E);
template <typename E> constexpr int PIECES = D / PIECE<E>;
template <typename E> constexpr int SHARE = 2 * sizeof(E);
template <typename E> constexpr int TILES = 4 / sizeof(E);
template <typename E, int WINDOW> constexpr int SLOT_STEPS = (WINDOW + TILES<E> - 1) / TILES<E>;
template <typename E> struct FourOf;
template <> struct FourOf<bf16> { using type = uint2; };
template <> struct FourOf<float> { using type = uint4; };
template <typename E> using Four = typename FourOf<E>::type;   // four channels
// Operands of products: bf16 stay as they are, floats are rounded.
template <typename E> __device__ __forceinline__ unsigned operand(unsigned word) {
    if constexpr (sizeof(E) == 4) return float_to_tf32(__uint_as_float(word));
    else return word;
}
template <typename E> __device__ __forceinline__ uint2 operands(uint2 v) { return make_uint2(operand<E>(v.x), operand<E>(v.y)); }
template <typename E> __device__ __forceinline__ uint4 operands(uint4 v) { return make_uint4(operand<E>(v.x), operand<E>(v.y), operand<E>(v.z), operand<E>(v.w)); }
template <typename E> __device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2]) {
    if constexpr (sizeof(E) == 4) mma_m16n8k8_tf32(c, a, b);
    else mma_m16n8k16_bf16(c, a, b);
}

// Where the tokens of a window are, and which of them were neighbours before the shift.
template <int WINDOW> struct Place {
    int b, y0, x0, H, W, cut_y, cut_x;
    __device__ __forceinline__ Place(int window, int H, int W, int shift) : H(H), W(W) {
        int wx = window % (W / WINDOW), wy = window / (W / WINDOW) % (H / WINDOW);
        b = window / (W / WINDOW) / (H / WINDOW);
        y0 = wy * WINDOW + shift;
        x0 = wx * WINDOW + shift;
        // Rows below cut_y belong to one region, the others to another; only the last windows have two regions.
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

// The key of a column of a tile.
__device__ __forceinline__ int key_of(int column) { return column / 2 + column % 2 * 4; }
__device__ __forceinline__ uint4 zero16() { return make_uint4(0, 0, 0, 0); }
// The first channel of 0 ... 3 (c = 0) or 4 ... 7 (c = 4) of a lane's eight, and of the four that lane g has of rows to be summed over.
template <typename E> __device__ __forceinline__ int channel(int q, int c) { return sizeof(E) == 4 ? 4 * q + 4 * c : 8 * q + c; }
template <typename E> __device__ __forceinline__ int channel_of_four(int g) { return channel<E>(g / 2, g % 2 * 4); }
// A lane's eight channels of a row.
template <typename E> struct Share { unsigned words[SHARE<E>]; };
// Those of a token; zeros for an empty slot.
template <typename E> __device__ __forceinline__ Share<E> load_share(const E* row, int q, bool token CALLER) {
    Share<E> share;
#pragma unroll
    for (int k = 0; k < SHARE<E>; k += 4) {
        uint4 v = token ? operands<E>(load_vector(reinterpret_cast<const uint4*>(row + channel<E>(q, k)) FROM_CALLER)) : zero16();
        share.words[k] = v.x, share.words[k + 1] = v.y, share.words[k + 2] = v.z, share.words[k + 3] = v.w;
    }
    return share;
}
// c += a b over 32 channels: a, rows g and g + 8 of sixteen; b, row g of eight.
template <typename E> __device__ __forceinline__ void multiply_rows(float (&c)[4], const Share<E>& upper, const Share<E>& lower, const Share<E>& b) {
#pragma unroll
    for (int k = 0; k < SHARE<E>; k += 2) {
        const unsigned rows[4] = {upper.words[k], lower.words[k], upper.words[k + 1], lower.words[k + 1]}, columns[2] = {b.words[k], b.words[k + 1]};
        multiply<E>(c, rows, columns);
    }
}
// Operands of sums over slots. bf16: rows[2 step + half][t] = channel t of four, of slots q and q + 4 of tile 2 step + half. float: the
// same of slot q + 4 half of tile `step`. These are tile n's, of its slots q and q + 4.
template <int N> __device__ __forceinline__ void set_slots(unsigned (&rows)[N][4], int n, uint2 first, uint2 second) {
    rows[n][0] = (first.x & 0xffffu) | second.x << 16;
    rows[n][1] = first.x >> 16 | (second.x & 0xffff0000u);
    rows[n][2] = (first.y & 0xffffu) | second.y << 16;
    rows[n][3] = first.y >> 16 | (second.y & 0xffff0000u);
}
template <int N> __device__ __forceinline__ void set_slots(unsigned (&rows)[N][4], int n, uint4 first, uint4 second) {
    rows[2 * n][0] = first.x, rows[2 * n][1] = first.y, rows[2 * n][2] = first.z, rows[2 * n][3] = first.w;
    rows[2 * n + 1][0] = second.x, rows[2 * n + 1][1] = second.y, rows[2 * n + 1][2] = second.z, rows[2 * n + 1][3] = second.w;
}
// sums[t] += a b over the slots of a step, for four tiles of eight channels.
template <typename E, int N>
__device__ __forceinline__ void multiply_slots(float (&sums)[4][4], const unsigned (&a)[4], const unsigned (&rows)[N][4], int step) {
#pragma unroll
    for (int t = 0; t < 4; t++) {
        const unsigned b[2] = {rows[2 * step][t], rows[2 * step + 1][t]};
        multiply<E>(sums[t], a, b);
    }
}
// A lane's eight channels of row g (half 0) or g + 8 (half 1) of these sums.
__device__ __forceinline__ void row_of(float (&v)[8], const float (&sums)[4][4], int half, float factor) {
#pragma unroll
    for (int c = 0; c < 8; c++) v[c] = factor * sums[c % 4][2 * half + c / 4];
}
// Where they are written: = or, if `accumulate`, +=.
__device__ __forceinline__ void give_row(bf16* row, int q, float (&v)[8], int accumulate CALLER) {
    if (accumulate) {
        float old[8];
        load8(row + 8 * q, old FROM_CALLER);
#pragma unroll
        for (int c = 0; c < 8; c++) v[c] += old[c];
    }
    store8(row + 8 * q, v FROM_CALLER);
}
__device__ __forceinline__ void give_row(float* row, int q, float (&v)[8], int accumulate CALLER) {
#pragma unroll
    for (int c = 0; c < 8; c += 4) give_pack(row + channel<float>(q, c), Pack{{v[c], v[c + 1], v[c + 2], v[c + 3]}}, accumulate, 4 FROM_CALLER);
}
// Tiles of eight columns each, as the operand of a sum over the columns of one step. Zeros after the last tile.
template <typename E, int WINDOW> __device__ __forceinline__ void operand_of(unsigned (&a)[4], const float (&tiles)[WINDOW][4], int step) {
#pragma unroll
    for (int k = 0; k < 4; k++) {
        if constexpr (sizeof(E) == 4) a[k] = float_to_tf32(tiles[step][k % 2 * 2 + k / 2]);
        else {
            int n = 2 * step + k / 2;
            a[k] = n < WINDOW ? pack_bf16x2(tiles[n < WINDOW ? n : 0][k % 2 * 2], tiles[n < WINDOW ? n : 0][k % 2 * 2 + 1]) : 0;
        }
    }
}

// The head's column of the table in shared memory, in units of the unscaled scores, surrounded by zeros for empty slots.
template <int WINDOW> struct Column {
    static constexpr int SIDE = 2 * WINDOW - 1, BEFORE = 8, SIZE = BEFORE + SIDE * SIDE + 16;
    static __device__ __forceinline__ void load(float (&column)[SIZE], const float* table, int heads, int head CALLER) {
        for (int i = threadIdx.x; i < SIZE; i += THREADS) {
            bool inside = i >= BEFORE && i < BEFORE + SIDE * SIDE;
            store_vector(column + i, inside ? load_vector(table + (i - BEFORE) * heads + head FROM_CALLER) * (1.0f / SCALE) : 0.0f FROM_CALLER);
        }
    }
    // Query tile m: bias[row][e] = table[iy - jy = 2 m + row - (w - 1), ix - jx = g - q - 4 e]. Row h of the tile and key row n use
    // h - n + w - 1.
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

template <typename E, int WINDOW>
__global__ void __launch_bounds__(THREADS, sizeof(E) == 4 ? 2 : WINDOW == 8 ? 3 : 4) window_attention_tensor_core_forward(const E* __restrict__ qkv,
    const float* __restrict__ table, E* __restrict__ output, float* __restrict__ lse, int B, int H, int W, int heads, int shift) {
    constexpr int T = WINDOW * WINDOW, QUERY_TILES = (WINDOW + 1) / 2, STEPS = SLOT_STEPS<E, WINDOW>;
    SHARED(float, column, [Column<WINDOW>::SIZE]);
    int lane = threadIdx.x % 32, warp = threadIdx.x / 32, g = lane / 4, q = lane % 4, head = blockIdx.y;
    int windows = B * (H / WINDOW) * (W / WINDOW);
    Column<WINDOW>::load(column, table, heads, head);
    __syncthreads();
    for (int window = blockIdx.x * WARPS + warp; window < windows; window += gridDim.x * WARPS) {
        Place<WINDOW> place(window, H, W, shift);
        // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
        auto row = [&](int iy, int ix, int which) { return qkv + ((place.pixel(iy, ix) * 3 + which) * heads + head) * D; };
        Share<E> k[WINDOW];
        unsigned v[2 * STEPS][4];
#pragma unroll
        for (int n = 0; n < WINDOW; n++) k[n] = load_share(row(n, key_of(g), 1), q, key_of(g) < WINDOW);
#pragma unroll
        for (int n = 0; n < TILES<E> * STEPS; n++) {
            Four<E> slots[2] = {};
#pragma unroll
            for (int e = 0; e < 2; e++)
                if (n < WINDOW && q + 4 * e < WINDOW) slots[e] = load_vector(reinterpret_cast<const Four<E>*>(row(n, q + 4 * e, 2) + channel_of_four<E>(g)));
            set_slots(v, n, operands<E>(slots[0]), operands<E>(slots[1]));
        }
        // If this loop were unrolled, all loads would come first and use up the registers.
#pragma unroll 1
        for (int m = 0; m < QUERY_TILES; m++) {
            Share<E> rows[2];
#pragma unroll
            for (int h = 0; h < 2; h++) rows[h] = load_share(row(2 * m + h, g, 0), q, g < WINDOW && 2 * m + h < WINDOW);
            // The sums start from the bias.
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
                operand_of<E>(p, s, step);
                multiply_slots<E>(o, p, v, step);
            }
#pragma unroll
            for (int h = 0; h < 2; h++) {
                float values[8];
                row_of(values, o, h, factors[h]);
                // output[pixel, head, d] is at (pixel * heads + head) * D + d
                if (g < WINDOW && 2 * m + h < WINDOW) give_row(output + (place.pixel(2 * m + h, g) * heads + head) * D, q, values, 0);
            }
        }
    }
}

// A tensor of the window in shared memory: eight slots per row, 32 channels per slot. A swizzle permutes the 16-byte chunks of a slot. No
// bank conflicts: in float for one chunk of each of eight slots, or chunks p and p + 4 of slots 0 to 3 or 4 to 7; in bf16 for one chunk of
// each of eight slots, two of slots 0 to 3 or 4 to 7, or all chunks of two adjacent slots.
template <typename E> __device__ __forceinline__ int tile_slot(int slot, int d) {
    int moved = sizeof(E) == 4 ? slot % 8 : slot / 2 % 2 * 2 + slot / 4 % 2;
    return slot * D + (d / PIECE<E> ^ moved) * PIECE<E> + d % PIECE<E>;
}
// Eight slots. Lane l names a slot, whose chunks it reads from l / 8 on in steps of four. Lane 4 g + q gets 4 bytes, its q-th, of each
// chunk of the slot that lane g named.
template <typename E> __device__ __forceinline__ Share<E> load_rows(const E* tile, int row) {
    Share<E> share;
#pragma unroll
    for (int k = 0; k < SHARE<E>; k += 4) {
        unsigned r[4];
        ldmatrix_x4(r, tile + tile_slot<E>(row, (threadIdx.x % 32 / 8 + k) * PIECE<E>));
#pragma unroll
        for (int i = 0; i < 4; i++) share.words[k + i] = r[i];
    }
    return share;
}
// The operand of a step of a sum over slots.
template <typename E> __device__ __forceinline__ void load_slots(unsigned (&rows)[2][4], const E* tile, int step) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int n = 0; n < TILES<E>; n++) {
        auto four = [&](int slot) { return load_vector(reinterpret_cast<const Four<E>*>(tile + tile_slot<E>(8 * (TILES<E> * step + n) + slot, channel_of_four<E>(g)))); };
        set_slots(rows, n, four(q), four(q + 4));
    }
}
// Two adjacent entries of P or dS, as operands.
__device__ __forceinline__ void store_operands(bf16* p, float x, float y CALLER) { store2(p, x, y FROM_CALLER); }
__device__ __forceinline__ void store_operands(float* p, float x, float y CALLER) {
    store2(p, __uint_as_float(float_to_tf32(x)), __uint_as_float(float_to_tf32(y)) FROM_CALLER);
}
// The operand of one step of a sum over queries: sixteen columns of P or dS, rows `ld` apart.
__device__ __forceinline__ void load_transposed(unsigned (&a)[4], const bf16* columns, int ld, int step) {
    int lane = threadIdx.x % 32;
    ldmatrix_x4_trans(a, columns + (16 * step + key_of(lane % 8) + lane / 16 * 8) * ld + lane / 8 % 2 * 8);
}
__device__ __forceinline__ void load_transposed(unsigned (&a)[4], const float* columns, int ld, int step) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = __float_as_uint(load_vector(columns + (8 * step + q + i / 2 * 4) * ld + g + i % 2 * 8));
}
// Calls f(iy, ix, d, at) for every 16-byte chunk of a window's tensor that this thread copies: a token's channels from d on, its place.
template <typename E, int WINDOW, typename F> __device__ __forceinline__ void for_each_piece(const F& f) {
    // If this loop were unrolled, values that are equal for all windows would stay in registers, and the larger windows would spill.
#pragma unroll 1
    for (int piece = threadIdx.x; piece < WINDOW * WINDOW * PIECES<E>; piece += THREADS) {
        int iy = piece / PIECES<E> / WINDOW, ix = piece / PIECES<E> % WINDOW, d = piece % PIECES<E> * PIECE<E>;
        f(iy, ix, d, tile_slot<E>(8 * iy + ix, d));
    }
}

template <typename E, int WINDOW>
__global__ void __launch_bounds__(THREADS, sizeof(E) == 4 ? 2 : 3) window_attention_tensor_core_backward(const E* __restrict__ qkv,
    const float* __restrict__ table, const float* __restrict__ lse, const E* __restrict__ dOutput, E* __restrict__ dQkv, float* __restrict__ partial,
    int B, int H, int W, int heads, int shift, int accumulate) {
    // Rows of P and dS are padded to an odd multiple of eight elements: 16-byte chunks of eight rows of bf16, or eight floats of each of
    // four rows, then have no bank conflicts.
    constexpr int T = WINDOW * WINDOW, SIDE = 2 * WINDOW - 1, QUERY_TILES = (WINDOW + 1) / 2, STEPS = SLOT_STEPS<E, WINDOW>;
    constexpr int ROWS = 16 * QUERY_TILES, LDP = ROWS + 8;
    SHARED_DYN(E, memory);
    SHARED(float, column, [Column<WINDOW>::SIZE]);
    auto tile_at = [&](int i) { return memory + i * ROWS * D; };
    E *const k = tile_at(0), *const v = tile_at(1), *const probabilities = tile_at(6);
    int t = threadIdx.x, lane = t % 32, m = t / 32, g = lane / 4, q = lane % 4, head = blockIdx.y;
    int windows = B * (H / WINDOW) * (W / WINDOW);
    Column<WINDOW>::load(column, table, heads, head);
    // Empty slots stay zero.
    for (int i = t; i < 6 * ROWS * PIECES<E>; i += THREADS) {
        int slot = i / PIECES<E>;
        if (slot % ROWS / 8 >= WINDOW || slot % 8 >= WINDOW) store_vector(reinterpret_cast<uint4*>(memory + i * PIECE<E>), zero16());
    }
    if (WINDOW % 2)
        for (int i = t; i < 2 * ROWS * 8; i += THREADS) store_vector(probabilities + i / 8 * LDP + 8 * WINDOW + i % 8, from_float<E>(0.0f));
    // qkv[pixel, which, head, d] is at ((pixel * 3 + which) * heads + head) * D + d
    const int row = heads * D;
    auto load_keys = [&](int window) {
        Place<WINDOW> place(window, H, W, shift);
        for_each_piece<E, WINDOW>([&](int iy, int ix, int d, int at) {
            const E* from = qkv + place.pixel(iy, ix) * (3 * row) + head * D + d;
            cp_async_16(k + at, from + row);
            cp_async_16(v + at, from + 2 * row);
        });
    };
    // Q and dO are double-buffered: the current window's are needed to its end.
    auto load_queries = [&](int window, int buffer) {
        Place<WINDOW> place(window, H, W, shift);
        for_each_piece<E, WINDOW>([&](int iy, int ix, int d, int at) {
            long long pixel = place.pixel(iy, ix);
            cp_async_16(tile_at(2 + buffer) + at, qkv + pixel * (3 * row) + head * D + d);
            cp_async_16(tile_at(4 + buffer) + at, dOutput + pixel * row + head * D + d);
        });
    };
    load_keys(blockIdx.x);
    load_queries(blockIdx.x, 0);
    cp_async_commit();
    float totals[WINDOW + 1][2] = {};
    int buffer = 0;
    for (int window = blockIdx.x; window < windows; window += gridDim.x, buffer ^= 1) {
        E *const queries = tile_at(2 + buffer), *const g_output = tile_at(4 + buffer);
        Place<WINDOW> place(window, H, W, shift);
        int next = window + gridDim.x;
        cp_async_wait<0>();
        // Every thread rounds what it copied: once here instead of at every read.
        if constexpr (sizeof(E) == 4)
            for_each_piece<E, WINDOW>([&](int, int, int, int at) {
                E* const copied[4] = {k, v, queries, g_output};
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    uint4* p = reinterpret_cast<uint4*>(copied[i] + at);
                    store_vector(p, operands<E>(load_vector(p)));
                }
            });
        // All threads now see the window's tiles, and no thread still reads the buffers of the last window.
        __syncthreads();
        if (next < windows) load_queries(next, buffer ^ 1);
        // Token (2 tile + h, ix) of dQ, dK or dV.
        auto give = [&](const float (&sums)[4][4], int tile, int ix, int which, float factor) {
#pragma unroll
            for (int h = 0; h < 2; h++) {
                if (ix >= WINDOW || 2 * tile + h >= WINDOW) continue;
                float values[8];
                row_of(values, sums, h, factor);
                give_row(dQkv + ((place.pixel(2 * tile + h, ix) * 3 + which) * heads + head) * D, q, values, accumulate);
            }
        };
        if (m < QUERY_TILES) {
            float bias[WINDOW + 1][2], s[WINDOW][4], dp[WINDOW][4] = {};
            Column<WINDOW>::bias(bias, column, m, g, q);
            Share<E> upper = load_rows(queries + 16 * m * D, lane % 8), lower = load_rows(queries + (16 * m + 8) * D, lane % 8);
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
                    E* to = probabilities + (16 * m + 8 * h + g) * LDP + 8 * n + 2 * q;
                    store_operands(to, s[n][2 * h], s[n][2 * h + 1]);
#pragma unroll
                    for (int e = 0; e < 2; e++) {
                        float& ds = dp[n][2 * h + e];
                        ds = s[n][2 * h + e] * (ds - delta);
                        totals[h - n + WINDOW - 1][e] += ds;
                    }
                    store_operands(to + ROWS * LDP, dp[n][2 * h], dp[n][2 * h + 1]);
                }
            }
            float dq[4][4] = {};
#pragma unroll
            for (int step = 0; step < STEPS; step++) {
                unsigned ds[4], rows[2][4];
                operand_of<E>(ds, dp, step);
                load_slots(rows, k, step);
                multiply_slots<E>(dq, ds, rows, 0);
            }
            give(dq, m, g, 0, SCALE);
        }
        // All threads now see P and dS, and no thread still reads K and V.
        __syncthreads();
        if (next < windows) load_keys(next);
        cp_async_commit();
        // Warps 0 and 1: dV = P^T dO; warps 2 and 3: dK = dS^T Q; each takes every second tile of sixteen keys.
        int other = m / 2, tile = m % 2;
        const E* factor = other ? queries : g_output;
        float sums[2][4][4] = {};
        // Fully unrolled, the kernel of window 8 would spill.
#pragma unroll 2
        for (int step = 0; step < STEPS; step++) {
            unsigned rows[2][4], a[4];
            load_slots(rows, factor, step);
#pragma unroll
            for (int i = 0; i < 2; i++) {
                if (tile + 2 * i >= QUERY_TILES) continue;
                load_transposed(a, probabilities + other * ROWS * LDP + 16 * (tile + 2 * i), LDP, step);
                multiply_slots<E>(sums[i], a, rows, 0);
            }
        }
#pragma unroll
        for (int i = 0; i < 2; i++) give(sums[i], tile + 2 * i, key_of(g), 2 - other, other ? SCALE : 1.0f);
    }
    // No thread reads P and dS any more: shares[m, row] (g, jx) overwrites them, padded so that writes and sums have no bank conflicts.
    __syncthreads();
    constexpr int SPACING = 128 - SIDE;
    static_assert(QUERY_TILES * (WINDOW + 1) * SPACING * sizeof(float) <= 2 * ROWS * LDP * sizeof(E), "the sums take the place of P and dS");
    float* shares = reinterpret_cast<float*>(probabilities);
    if (m < QUERY_TILES)
#pragma unroll
        for (int row = 0; row <= WINDOW; row++)
#pragma unroll
            for (int e = 0; e < 2; e++) shares[(m * (WINDOW + 1) + row) * SPACING + g * 12 + q + 4 * e] = totals[row][e];
    __syncthreads();
    for (int relative = t; relative < SIDE * SIDE; relative += THREADS) {
        int dx = relative % SIDE - (WINDOW - 1);
        float sum = 0.0f;
        for (int tile = 0; tile < QUERY_TILES; tile++) {
            int row = relative / SIDE - 2 * tile;
            if (row < 0 || row > WINDOW) continue;
            for (int ix = 0; ix < WINDOW; ix++)
                if (ix >= dx && ix - dx < WINDOW) sum += shares[(tile * (WINDOW + 1) + row) * SPACING + ix * 13 - dx];
        }
        // partial[slot, head, relative] is at (slot * heads + head) * SIDE * SIDE + relative
        partial[(static_cast<long long>(blockIdx.x) * heads + head) * SIDE * SIDE + relative] = sum;
    }
}

EXPORT_KERNEL(window_attention_tensor_core_forward_1_bf16, (window_attention_tensor_core_forward<bf16, 1>));
EXPORT_KERNEL(window_attention_tensor_core_forward_2_bf16, (window_attention_tensor_core_forward<bf16, 2>));
EXPORT_KERNEL(window_attention_tensor_core_forward_3_bf16, (window_attention_tensor_core_forward<bf16, 3>));
EXPORT_KERNEL(window_attention_tensor_core_forward_4_bf16, (window_attention_tensor_core_forward<bf16, 4>));
EXPORT_KERNEL(window_attention_tensor_core_forward_5_bf16, (window_attention_tensor_core_forward<bf16, 5>));
EXPORT_KERNEL(window_attention_tensor_core_forward_6_bf16, (window_attention_tensor_core_forward<bf16, 6>));
EXPORT_KERNEL(window_attention_tensor_core_forward_7_bf16, (window_attention_tensor_core_forward<bf16, 7>));
EXPORT_KERNEL(window_attention_tensor_core_forward_8_bf16, (window_attention_tensor_core_forward<bf16, 8>));
EXPORT_KERNEL(window_attention_tensor_core_backward_1_bf16, (window_attention_tensor_core_backward<bf16, 1>));
EXPORT_KERNEL(window_attention_tensor_core_backward_2_bf16, (window_attention_tensor_core_backward<bf16, 2>));
EXPORT_KERNEL(window_attention_tensor_core_backward_3_bf16, (window_attention_tensor_core_backward<bf16, 3>));
EXPORT_KERNEL(window_attention_tensor_core_backward_4_bf16, (window_attention_tensor_core_backward<bf16, 4>));
EXPORT_KERNEL(window_attention_tensor_core_backward_5_bf16, (window_attention_tensor_core_backward<bf16, 5>));
EXPORT_KERNEL(window_attention_tensor_core_backward_6_bf16, (window_attention_tensor_core_backward<bf16, 6>));
EXPORT_KERNEL(window_attention_tensor_core_backward_7_bf16, (window_attention_tensor_core_backward<bf16, 7>));
EXPORT_KERNEL(window_attention_tensor_core_backward_8_bf16, (window_attention_tensor_core_backward<bf16, 8>));
EXPORT_KERNEL(window_attention_tensor_core_forward_1_tf32, (window_attention_tensor_core_forward<float, 1>));
EXPORT_KERNEL(window_attention_tensor_core_forward_2_tf32, (window_attention_tensor_core_forward<float, 2>));
EXPORT_KERNEL(window_attention_tensor_core_forward_3_tf32, (window_attention_tensor_core_forward<float, 3>));
EXPORT_KERNEL(window_attention_tensor_core_forward_4_tf32, (window_attention_tensor_core_forward<float, 4>));
EXPORT_KERNEL(window_attention_tensor_core_forward_5_tf32, (window_attention_tensor_core_forward<float, 5>));
EXPORT_KERNEL(window_attention_tensor_core_forward_6_tf32, (window_attention_tensor_core_forward<float, 6>));
EXPORT_KERNEL(window_attention_tensor_core_forward_7_tf32, (window_attention_tensor_core_forward<float, 7>));
EXPORT_KERNEL(window_attention_tensor_core_forward_8_tf32, (window_attention_tensor_core_forward<float, 8>));
EXPORT_KERNEL(window_attention_tensor_core_backward_1_tf32, (window_attention_tensor_core_backward<float, 1>));
EXPORT_KERNEL(window_attention_tensor_core_backward_2_tf32, (window_attention_tensor_core_backward<float, 2>));
EXPORT_KERNEL(window_attention_tensor_core_backward_3_tf32, (window_attention_tensor_core_backward<float, 3>));
EXPORT_KERNEL(window_attention_tensor_core_backward_4_tf32, (window_attention_tensor_core_backward<float, 4>));
EXPORT_KERNEL(window_attention_tensor_core_backward_5_tf32, (window_attention_tensor_core_backward<float, 5>));
EXPORT_KERNEL(window_attention_tensor_core_backward_6_tf32, (window_attention_tensor_core_backward<float, 6>));
EXPORT_KERNEL(window_attention_tensor_core_backward_7_tf32, (window_attention_tensor_core_backward<float, 7>));
EXPORT_KERNEL(window_attention_tensor_core_backward_8_tf32, (window_attention_tensor_core_backward<float, 8>));
