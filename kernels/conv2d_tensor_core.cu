// The convolutions of conv2d.cu (implicit GEMM) on the matrix units. Formulas, tensors, arguments, grids and nullable arguments as there.
//   _tf32: float tensors, operands rounded to tf32 (to nearest); C / groups and O / groups are multiples of 4
//   _bf16: input, weight, output, residual, dOutput, z, dInput are bf16; multiples of 8. A normalised input and dz are rounded to bf16.
//   bias, norm, coefficients, statistics, partial and all sums are float. Addresses are multiples of 16. Compute-bound.
// Kernels with `normalised` in the name compute an operand as they load it; norm, or z and coefficients, are then not null. It is the input
// of the forward pass and dOutput of the gradients. The weight gradient has `normalised_input` and `normalised_both`. Others ignore them.
// In bf16, groups of 8 channels fill half a sector, and so does each of the two loads of a thread's eight coefficients from the L1 cache:
// up to 1.4 times the ideal sectors if a tensor of few channels is normalised.
//
// A block of 128 threads owns a BM x 64 tile of the product, BM = 64 or, in names with `large`, 128; each of its four warps (2 x 2) owns
// a quarter. A pipeline of three stages, slices of 64 bytes along the sum, moves operands from global to shared memory. cp.async copies
// unchanged operands, zeros outside. Normalised operands pass through registers: loaded before a slice's products, stored after them.
// Loads need no division: a thread steps from the address of its last vector to the next one.
// Launch: as conv2d.cu, with tiles of BM for the first dimension of forward and backward_input; splitPixels a multiple of 32.
// Over 1.25 times the ideal: conv2d_backward_input_normalised_bf16: groups of 8 channels of bf16 fill half a sector, and so do the loads of their coefficients, from the L1 cache.
#include "common.cuh"

constexpr int THREADS = 128, BN = 64, STAGES = 3;
// Elements of a 16-byte vector, and of a slice along the sum.
template <typename T> constexpr int PER = 16 / sizeof(T);
template <typename T> constexpr int BK = 64 / sizeof(T);

// A slice of an operand: SIZE rows or columns of the tile by BK along the sum. K_INNER: rows of four 16-byte vectors, swizzled so that
// neither copies (eight vectors of two rows) nor fragments (one vector of eight rows) have bank conflicts; else padded rows of SIZE.
template <typename T, bool K_INNER, int SIZE> struct Slice {
    static constexpr int LD = K_INNER ? BK<T> : SIZE + 8, ELEMENTS = (K_INNER ? SIZE : BK<T>) * LD, PIECES = SIZE * 4 / THREADS;
    static constexpr int ACROSS = K_INNER ? 4 : SIZE / PER<T>;
    static __device__ __forceinline__ int place(int k, int i) {
        return K_INNER ? i * LD + ((k / PER<T>) ^ (i / 2 % 4)) * PER<T> + k % PER<T> : k * LD + i;
    }
    // The vectors of this thread: position along the sum, and row or column of the tile.
    static __device__ __forceinline__ int k_of(int e) {
        int t = threadIdx.x;
        return K_INNER ? t % 4 * PER<T> : t / ACROSS + THREADS / ACROSS * e;
    }
    static __device__ __forceinline__ int index_of(int e) {
        int t = threadIdx.x;
        return K_INNER ? t / 4 + THREADS / 4 * e : t % ACROSS * PER<T>;
    }
};

// Fragments of the 16 x 8 (tf32) or 16 x 16 (bf16) block of A at (m, k) of its slice, and of two 8-column blocks of B at (k, n).
template <typename S> __device__ __forceinline__ void fragment_a(unsigned (&a)[4], const float* slice, int m, int k) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) a[i] = float_to_tf32(slice[S::place(k + q + i / 2 * 4, m + g + i % 2 * 8)]);
}
template <typename S> __device__ __forceinline__ void fragment_b(unsigned (&b)[2][2], const float* slice, int n, int k) {
    int g = threadIdx.x % 32 / 4, q = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < 4; i++) b[i / 2][i % 2] = float_to_tf32(slice[S::place(k + q + i % 2 * 4, n + i / 2 * 8 + g)]);
}
template <typename S, bool K_INNER> __device__ __forceinline__ void load_matrices(unsigned (&v)[4], const bf16* row) {
    if (K_INNER) ldmatrix_x4(v, row);
    else ldmatrix_x4_trans(v, row);
}
template <typename S> __device__ __forceinline__ void fragment_a(unsigned (&a)[4], const bf16* slice, int m, int k) {
    constexpr bool K_INNER = S::ACROSS == 4;
    int i = threadIdx.x % 32 / 8, r = threadIdx.x % 8;
    load_matrices<S, K_INNER>(a, slice + (K_INNER ? S::place(k + i / 2 * 8, m + r + i % 2 * 8) : S::place(k + r + i / 2 * 8, m + i % 2 * 8)));
}
template <typename S> __device__ __forceinline__ void fragment_b(unsigned (&b)[2][2], const bf16* slice, int n, int k) {
    constexpr bool K_INNER = S::ACROSS == 4;
    int i = threadIdx.x % 32 / 8, r = threadIdx.x % 8;
    unsigned v[4];
    load_matrices<S, K_INNER>(v, slice + (K_INNER ? S::place(k + i % 2 * 8, n + r + i / 2 * 8) : S::place(k + r + i % 2 * 8, n + i / 2 * 8)));
    b[0][0] = v[0], b[0][1] = v[1], b[1][0] = v[2], b[1][1] = v[3];
}
__device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], const float*) { mma_m16n8k8_tf32(c, a, b); }
__device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], const bf16*) { mma_m16n8k16_bf16(c, a, b); }

// ---- transforms of a vector on its way to shared memory

__device__ __forceinline__ void unpack(uint4 u, float (&v)[4]) {
    v[0] = __uint_as_float(u.x), v[1] = __uint_as_float(u.y), v[2] = __uint_as_float(u.z), v[3] = __uint_as_float(u.w);
}
__device__ __forceinline__ void unpack(uint4 u, float (&v)[8]) {
    v[0] = bf16_low(u.x), v[1] = bf16_high(u.x), v[2] = bf16_low(u.y), v[3] = bf16_high(u.y);
    v[4] = bf16_low(u.z), v[5] = bf16_high(u.z), v[6] = bf16_low(u.w), v[7] = bf16_high(u.w);
}
__device__ __forceinline__ void store_piece(float* p, const float (&v)[4]) { store4(p, make_float4(v[0], v[1], v[2], v[3])); }
__device__ __forceinline__ void store_piece(bf16* p, const float (&v)[8]) { store8(p, v); }
template <int N> __device__ __forceinline__ void load_floats(float (&v)[N], const float* __restrict__ from) {
#pragma unroll
    for (int i = 0; i < N; i += 4) {
        float4 x = load4(from + i);
        v[i] = x.x, v[i + 1] = x.y, v[i + 2] = x.z, v[i + 3] = x.w;
    }
}

template <typename T> struct Unchanged {
    static constexpr bool COPIED = true, TWO = false;
};
// relu(x scale + shift)
template <typename T> struct Normalised {
    static constexpr bool COPIED = false, TWO = false;
    const float* __restrict__ norm;
    int C;
    float scale[PER<T>], shift[PER<T>];
    __device__ __forceinline__ const T* other(const T*, const T* at) const { return at; }
    __device__ __forceinline__ void set_channel(int c) { load_floats(scale, norm + c), load_floats(shift, norm + C + c); }
    __device__ __forceinline__ void apply(float (&x)[PER<T>], uint4) const {
#pragma unroll
        for (int i = 0; i < PER<T>; i++) {
            float y = fmaf(x[i], scale[i], shift[i]);
            x[i] = y < 0.0f ? 0.0f : y;
        }
    }
};
// a g + b z + d, g masked where z a + shift is not positive
template <typename T> struct ThroughNorm {
    static constexpr bool COPIED = false, TWO = true;
    const T* __restrict__ z;
    const float* __restrict__ coefficients;
    int O;
    float a[PER<T>], b[PER<T>], d[PER<T>], shift[PER<T>];
    __device__ __forceinline__ const T* other(const T* from, const T* at) const { return z + (at - from); }
    __device__ __forceinline__ void set_channel(int o) {
        load_floats(a, coefficients + o), load_floats(b, coefficients + O + o);
        load_floats(d, coefficients + 2 * O + o), load_floats(shift, coefficients + 3 * O + o);
    }
    __device__ __forceinline__ void apply(float (&g)[PER<T>], uint4 second) const {
        float x[PER<T>];
        unpack(second, x);
#pragma unroll
        for (int i = 0; i < PER<T>; i++) {
            float masked = fmaf(x[i], a[i], shift[i]) > 0.0f ? g[i] : 0.0f;
            g[i] = fmaf(masked, a[i], fmaf(x[i], b[i], d[i]));
        }
    }
};

// The transform that a kernel's arguments ask for.
template <typename T, typename... ANY> __device__ __forceinline__ Unchanged<T> changed(Unchanged<T>, ANY...) { return {}; }
template <typename T> __device__ __forceinline__ Normalised<T> changed(Normalised<T>, const float* norm, int C) { return {norm, C}; }
template <typename T> __device__ __forceinline__ ThroughNorm<T> changed(ThroughNorm<T>, const T* z, const float* coefficients, int O) {
    return {z, coefficients, O};
}

// Loads an operand's slices one after the other: begin, anything, end. SOURCE knows where the thread's vectors are, and steps on.
template <typename T, typename S, typename SOURCE, typename CHANGE> struct Loader {
    SOURCE source;
    CHANGE change;
    uint4 first[CHANGE::COPIED ? 1 : S::PIECES], second[CHANGE::TWO ? S::PIECES : 1];
    unsigned inside;
    int channel;
    __device__ __forceinline__ void begin(T* slice) {
        inside = 0;
        channel = source.channel();
#pragma unroll
        for (int e = 0; e < S::PIECES; e++) {
            const T* at = source.at(e);
            if (CHANGE::COPIED) cp_async_16(slice + S::place(S::k_of(e), S::index_of(e)), at ? at : source.from, at ? 16 : 0);
            else take(at, e, change);
        }
        source.next();
    }
    __device__ __forceinline__ void take(const T*, int, const Unchanged<T>&) {}
    template <typename C> __device__ __forceinline__ void take(const T* at, int e, const C&) {
        if (!at) return;
        inside |= 1u << e;
        first[e] = load_vector(reinterpret_cast<const uint4*>(at));
        if (CHANGE::TWO) second[CHANGE::TWO ? e : 0] = load_vector(reinterpret_cast<const uint4*>(change.other(source.from, at)));
    }
    __device__ __forceinline__ void end(T* slice) { finish(slice, change); }
    __device__ __forceinline__ void finish(T*, const Unchanged<T>&) {}
    template <typename C> __device__ __forceinline__ void finish(T* slice, const C&) {
        if (inside) change.set_channel(channel);
#pragma unroll
        for (int e = 0; e < S::PIECES; e++) {
            float v[PER<T>] = {};
            if (inside >> e & 1) {
                unpack(first[e], v);
                change.apply(v, second[CHANGE::TWO ? e : 0]);
            }
            store_piece(slice + S::place(S::k_of(e), S::index_of(e)), v);
        }
    }
};

// tile[row, column] = sum over `slices` slices of a[row, k] b[k, column], row < BM, in shared memory with rows of TILE_LD, readable by all.
constexpr int TILE_LD = BN + 8;
template <typename T, int BM, typename SA, typename SB, typename LA, typename LB>
__device__ __forceinline__ const float* tile_product(int slices, LA& a, LB& b) {
    constexpr int WM = BM / 2, WN = BN / 2, MT = WM / 16, NT = WN / 8, STAGE = SA::ELEMENTS + SB::ELEMENTS;
    constexpr int STAGED = STAGES * STAGE * static_cast<int>(sizeof(T)) / 4, FLOATS = STAGED < BM * TILE_LD ? BM * TILE_LD : STAGED;
    SHARED(float, memory, [FLOATS]);
    T* stages = reinterpret_cast<T*>(memory);
    int lane = threadIdx.x % 32, warp_m = static_cast<int>(threadIdx.x) / 64 * WM, warp_n = static_cast<int>(threadIdx.x) / 32 % 2 * WN;
    float sums[MT][NT][4] = {};
    // Every round commits a group, empty or not, so that every round has the same number of groups in flight; those still in flight after
    // the last round are empty.
#pragma unroll
    for (int stage = 0; stage < STAGES - 1; stage++) {
        if (stage < slices) {
            T* to = stages + stage * STAGE;
            a.begin(to), b.begin(to + SA::ELEMENTS);
            a.end(to), b.end(to + SA::ELEMENTS);
        }
        cp_async_commit();
    }
    for (int slice = 0; slice < slices; slice++) {
        cp_async_wait<STAGES - 2>();
        // After this barrier every thread sees slice `slice`, and no thread still reads the stage that the next load overwrites.
        __syncthreads();
        int ahead = slice + STAGES - 1;
        T* to = stages + ahead % STAGES * STAGE;
        if (ahead < slices) a.begin(to), b.begin(to + SA::ELEMENTS);
        cp_async_commit();
        const T *slice_a = stages + slice % STAGES * STAGE, *slice_b = slice_a + SA::ELEMENTS;
#pragma unroll
        for (int k = 0; k < BK<T>; k += BK<T> / 2) {
            unsigned fa[MT][4], fb[NT / 2][2][2];
#pragma unroll
            for (int i = 0; i < MT; i++) fragment_a<SA>(fa[i], slice_a, warp_m + 16 * i, k);
#pragma unroll
            for (int j = 0; j < NT / 2; j++) fragment_b<SB>(fb[j], slice_b, warp_n + 16 * j, k);
#pragma unroll
            for (int i = 0; i < MT; i++)
#pragma unroll
                for (int j = 0; j < NT; j++) multiply(sums[i][j], fa[i], fb[j / 2][j % 2], slice_a);
        }
        if (ahead < slices) a.end(to), b.end(to + SA::ELEMENTS);
    }
    __syncthreads();
#pragma unroll
    for (int i = 0; i < MT; i++)
#pragma unroll
        for (int j = 0; j < NT; j++)
#pragma unroll
            for (int half = 0; half < 2; half++)
                store2(memory + (warp_m + 16 * i + lane / 4 + 8 * half) * TILE_LD + warp_n + 8 * j + 2 * (lane % 4), sums[i][j][2 * half], sums[i][j][2 * half + 1]);
    __syncthreads();
    return memory;
}

// ---- addresses of an operand's vectors

// Pixels by (tap, channel), K inner: input of the forward pass (SIGN 1), dOutput of the input gradient, whose taps run backwards (SIGN -1).
template <typename T, typename S, int SIGN> struct Pixels {
    const T* from;
    long long base[S::PIECES];          // of the first tap
    int row[S::PIECES], column[S::PIECES], rows, columns, channels, group_from, depth, taps_y, taps_x, tap_y, tap_x, c;
    __device__ __forceinline__ void start(int e, bool exists, int image, int y, int x) {
        // from[image, y, x, c] is at ((image * rows + y) * columns + x) * channels + c; far outside if there is no such pixel
        row[e] = exists ? y : -(1 << 28);
        column[e] = x;
        base[e] = ((static_cast<long long>(image) * rows + y) * columns + x) * channels + group_from;
        tap_y = tap_x = 0;
        c = S::k_of(e);
        settle();
    }
    __device__ __forceinline__ const T* at(int e) const {
        int y = row[e] + SIGN * tap_y, x = column[e] + SIGN * tap_x;
        bool inside = tap_y < taps_y && y >= 0 && y < rows && x >= 0 && x < columns;
        return inside ? from + base[e] + SIGN * (tap_y * columns + tap_x) * channels + c : nullptr;
    }
    __device__ __forceinline__ int channel() const { return group_from + c; }
    __device__ __forceinline__ void next() {
        c += BK<T>;
        settle();
    }
    __device__ __forceinline__ void settle() {
        while (c >= depth && tap_y < taps_y) {
            c -= depth;
            if (++tap_x == taps_x) tap_x = 0, tap_y++;
        }
    }
};

// Filters (N, K), K inner, as in the forward pass.
template <typename T, typename S> struct Filters {
    const T* from;                      // weight[n0, 0] of the group
    int count, K, k;                    // filters from n0 on
    __device__ __forceinline__ const T* at(int e) const {
        return S::index_of(e) < count && k < K ? from + static_cast<long long>(S::index_of(e)) * K + k : nullptr;
    }
    __device__ __forceinline__ int channel() const { return 0; }
    __device__ __forceinline__ void next() { k += BK<T>; }
};

// (tap, filter) by channels, channels inner: the weight in the input gradient.
template <typename T, typename S> struct FilterTaps {
    const T* from;
    int o[S::PIECES], tap_y[S::PIECES], tap_x[S::PIECES];
    int first, depth, KH, KW, ky0, kx0, stride, taps_y, taps_x, N, n;
    __device__ __forceinline__ void start() {
#pragma unroll
        for (int e = 0; e < S::PIECES; e++) {
            o[e] = S::k_of(e), tap_y[e] = tap_x[e] = 0;
            settle(e);
        }
    }
    __device__ __forceinline__ const T* at(int e) const {
        int ky = ky0 + stride * tap_y[e], kx = kx0 + stride * tap_x[e];
        // weight[o,ky,kx,c] is at ((o * KH + ky) * KW + kx) * N + c
        return tap_y[e] < taps_y && n < N ? from + ((static_cast<long long>(first + o[e]) * KH + ky) * KW + kx) * N + n : nullptr;
    }
    __device__ __forceinline__ int channel() const { return 0; }
    __device__ __forceinline__ void next() {
#pragma unroll
        for (int e = 0; e < S::PIECES; e++) {
            o[e] += BK<T>;
            settle(e);
        }
    }
    __device__ __forceinline__ void settle(int e) {
        while (o[e] >= depth && tap_y[e] < taps_y) {
            o[e] -= depth;
            if (++tap_x[e] == taps_x) tap_x[e] = 0, tap_y[e]++;
        }
    }
};

// dOutput (pixels, O), O inner, in the weight gradient.
template <typename T, typename S> struct OutputPixels {
    const T* from;
    int k, to, O, o;                    // o: -1 outside the group
    __device__ __forceinline__ const T* at(int e) const {
        int pixel = k + S::k_of(e);
        return pixel < to && o >= 0 ? from + static_cast<long long>(pixel) * O + o : nullptr;
    }
    __device__ __forceinline__ int channel() const { return o; }
    __device__ __forceinline__ void next() { k += BK<T>; }
};

// Input pixels under one tap, channels inner, in the weight gradient; (image, y, x) is the output pixel.
template <typename T, typename S> struct InputPixels {
    const T* from;
    int image[S::PIECES], y[S::PIECES], x[S::PIECES];
    int k, to, H, W, C, OH, OW, stride, tap_y, tap_x, c;    // c: -1 outside the filter
    __device__ __forceinline__ void start() {
#pragma unroll
        for (int e = 0; e < S::PIECES; e++) {
            int pixel = k + S::k_of(e);
            image[e] = pixel / (OH * OW), y[e] = pixel / OW % OH, x[e] = pixel % OW;
        }
    }
    __device__ __forceinline__ const T* at(int e) const {
        int row = y[e] * stride + tap_y, column = x[e] * stride + tap_x;
        bool inside = k + S::k_of(e) < to && c >= 0 && row >= 0 && row < H && column >= 0 && column < W;
        // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
        return inside ? from + ((static_cast<long long>(image[e]) * H + row) * W + column) * C + c : nullptr;
    }
    __device__ __forceinline__ int channel() const { return c; }
    __device__ __forceinline__ void next() {
        k += BK<T>;
#pragma unroll
        for (int e = 0; e < S::PIECES; e++)
            for (x[e] += BK<T>; x[e] >= OW; x[e] -= OW)
                if (++y[e] == OH) y[e] = 0, image[e]++;
    }
};

template <typename T, int BM, template <typename> class CHANGE>
__global__ void __launch_bounds__(THREADS) conv2d_forward(const T* __restrict__ input, const float* __restrict__ norm, const T* __restrict__ weight,
    const float* __restrict__ bias, const T* residual, T* output, float* __restrict__ statistics, int B, int H, int W, int C, int O, int KH, int KW,
    int stride, int padding, int groups, int OH, int OW, int relu) {
    using SA = Slice<T, true, BM>;
    using SB = Slice<T, true, BN>;
    int M = B * OH * OW, depth = C / groups, N = O / groups, K = KH * KW * depth, m0 = blockIdx.x * BM, n0 = blockIdx.y * BN, group = blockIdx.z;
    Loader<T, SA, Pixels<T, SA, 1>, CHANGE<T>> a = {{input, {}, {}, {}, H, W, C, group * depth, depth, KH, KW}, changed<T>(CHANGE<T>(), norm, C)};
#pragma unroll
    for (int e = 0; e < SA::PIECES; e++) {
        int m = m0 + SA::index_of(e);
        a.source.start(e, m < M, m / (OH * OW), m / OW % OH * stride - padding, m % OW * stride - padding);
    }
    // weight[o, k] is at o * K + k
    Loader<T, SB, Filters<T, SB>, Unchanged<T>> b = {{weight + (static_cast<long long>(group) * N + n0) * K, N - n0, K, SB::k_of(0)}};
    const float* tile = tile_product<T, BM, SA, SB>((K + BK<T> - 1) / BK<T>, a, b);
    for (int i = 4 * threadIdx.x; i < BM * BN; i += 4 * THREADS) {
        int row = i / BN, column = i % BN, m = m0 + row, o = group * N + n0 + column;
        if (m >= M || n0 + column >= N) continue;
        // output[m, o] is at m * O + o
        long long at = static_cast<long long>(m) * O + o;
        Pack y = load_pack(tile + row * TILE_LD + column, 4), v = {}, r = {};
        if (bias) v = load_pack(bias + o, 4);
        if (residual) r = load_pack(residual + at, 4);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            y.v[k] += v.v[k] + r.v[k];
            if (relu && y.v[k] < 0.0f) y.v[k] = 0.0f;
        }
        store_pack(output + at, y, 4);
    }
    // statistics[tile, which, o] is at (tile * 3 + which) * O + o
    if (statistics)
        column_statistics<T, THREADS, BN>(tile, TILE_LD, min(BM, M - m0), statistics + 3ll * blockIdx.x * O + group * N + n0, O, N - n0);
}

template <typename T, int BM, template <typename> class CHANGE>
__global__ void __launch_bounds__(THREADS) conv2d_backward_input(const T* __restrict__ dOutput, const T* __restrict__ z,
    const float* __restrict__ coefficients, const T* __restrict__ weight, T* __restrict__ dInput, int B, int H, int W, int C, int O, int KH, int KW,
    int stride, int padding, int groups, int OH, int OW, int accumulate) {
    using SA = Slice<T, true, BM>;
    using SB = Slice<T, false, BN>;
    int group = blockIdx.z / (stride * stride), residue = blockIdx.z % (stride * stride), ry = residue / stride, rx = residue % stride;
    // The pixels (ry + stride y, rx + stride x), y < rows, x < columns, and the taps that reach them: ky0 + stride jy, jy < tapsY
    int rows = (H - ry + stride - 1) / stride, columns = (W - rx + stride - 1) / stride, M = B * max(0, rows) * max(0, columns);
    int ky0 = (ry + padding) % stride, kx0 = (rx + padding) % stride;
    int tapsY = ky0 < KH ? (KH - 1 - ky0) / stride + 1 : 0, tapsX = kx0 < KW ? (KW - 1 - kx0) / stride + 1 : 0;
    int N = C / groups, depth = O / groups, K = tapsY * tapsX * depth, m0 = blockIdx.x * BM, n0 = blockIdx.y * BN;
    if (m0 >= M) return;
    if (tapsX == 0) tapsY = 0;
    Loader<T, SA, Pixels<T, SA, -1>, CHANGE<T>> a = {{dOutput, {}, {}, {}, OH, OW, O, group * depth, depth, tapsY, tapsX},
        changed<T>(CHANGE<T>(), z, coefficients, O)};
#pragma unroll
    for (int e = 0; e < SA::PIECES; e++) {
        // Tap jy reads row y - jy of dOutput.
        int m = m0 + SA::index_of(e), y = m / columns % rows + (ry + padding - ky0) / stride, x = m % columns + (rx + padding - kx0) / stride;
        a.source.start(e, m < M, m / (rows * columns), y, x);
    }
    Loader<T, SB, FilterTaps<T, SB>, Unchanged<T>> b = {{weight, {}, {}, {}, group * depth, depth, KH, KW, ky0, kx0, stride, tapsY, tapsX, N, n0 + SB::index_of(0)}};
    b.source.start();
    const float* tile = tile_product<T, BM, SA, SB>((K + BK<T> - 1) / BK<T>, a, b);
    for (int i = 4 * threadIdx.x; i < BM * BN; i += 4 * THREADS) {
        int row = i / BN, column = i % BN, m = m0 + row, n = n0 + column;
        if (m >= M || n >= N) continue;
        int image = m / (rows * columns), y = ry + stride * (m / columns % rows), x = rx + stride * (m % columns);
        // dInput[b,y,x,c] is at ((b * H + y) * W + x) * C + c
        give_pack(dInput + ((static_cast<long long>(image) * H + y) * W + x) * C + group * N + n, load_pack(tile + row * TILE_LD + column, 4), accumulate, 4);
    }
}

template <typename T, template <typename> class CHANGE_A, template <typename> class CHANGE_B>
__global__ void __launch_bounds__(THREADS) conv2d_backward_weight(const T* __restrict__ dOutput, const T* __restrict__ z,
    const float* __restrict__ coefficients, const T* __restrict__ input, const float* __restrict__ norm, float* __restrict__ partial, int B, int H,
    int W, int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW, int splitPixels) {
    constexpr int BM = 64;
    using SA = Slice<T, false, BM>;
    using SB = Slice<T, false, BN>;
    int depth = C / groups, M = O / groups, N = KH * KW * depth;
    int group = blockIdx.z % groups, split = blockIdx.z / groups, m0 = blockIdx.y * BM, n0 = blockIdx.x * BN;
    int from = split * splitPixels, to = min(B * OH * OW, from + splitPixels), m = m0 + SA::index_of(0), n = n0 + SB::index_of(0), tap = n / depth;
    Loader<T, SA, OutputPixels<T, SA>, CHANGE_A<T>> a = {{dOutput, from, to, O, m < M ? group * M + m : -1}, changed<T>(CHANGE_A<T>(), z, coefficients, O)};
    Loader<T, SB, InputPixels<T, SB>, CHANGE_B<T>> b = {{input, {}, {}, {}, from, to, H, W, C, OH, OW, stride, tap / KW - padding, tap % KW - padding,
        n < N ? group * depth + n - tap * depth : -1}, changed<T>(CHANGE_B<T>(), norm, C)};
    b.source.start();
    const float* tile = tile_product<T, BM, SA, SB>((to - from + BK<T> - 1) / BK<T>, a, b);
    for (int i = 4 * threadIdx.x; i < BM * BN; i += 4 * THREADS) {
        int row = i / BN, column = i % BN;
        // partial[split, o, n] is at (split * O + o) * N + n
        if (m0 + row < M && n0 + column < N)
            store4(partial + (static_cast<long long>(split) * O + group * M + m0 + row) * N + n0 + column, load4(tile + row * TILE_LD + column));
    }
}

EXPORT_KERNEL(conv2d_forward_tf32, (conv2d_forward<float, 64, Unchanged>));
EXPORT_KERNEL(conv2d_forward_bf16, (conv2d_forward<bf16, 64, Unchanged>));
EXPORT_KERNEL(conv2d_forward_large_tf32, (conv2d_forward<float, 128, Unchanged>));
EXPORT_KERNEL(conv2d_forward_large_bf16, (conv2d_forward<bf16, 128, Unchanged>));
EXPORT_KERNEL(conv2d_forward_normalised_tf32, (conv2d_forward<float, 64, Normalised>));
EXPORT_KERNEL(conv2d_forward_normalised_bf16, (conv2d_forward<bf16, 64, Normalised>));
EXPORT_KERNEL(conv2d_forward_normalised_large_tf32, (conv2d_forward<float, 128, Normalised>));
EXPORT_KERNEL(conv2d_forward_normalised_large_bf16, (conv2d_forward<bf16, 128, Normalised>));
EXPORT_KERNEL(conv2d_backward_input_tf32, (conv2d_backward_input<float, 64, Unchanged>));
EXPORT_KERNEL(conv2d_backward_input_bf16, (conv2d_backward_input<bf16, 64, Unchanged>));
EXPORT_KERNEL(conv2d_backward_input_large_tf32, (conv2d_backward_input<float, 128, Unchanged>));
EXPORT_KERNEL(conv2d_backward_input_large_bf16, (conv2d_backward_input<bf16, 128, Unchanged>));
EXPORT_KERNEL(conv2d_backward_input_normalised_tf32, (conv2d_backward_input<float, 64, ThroughNorm>));
EXPORT_KERNEL(conv2d_backward_input_normalised_bf16, (conv2d_backward_input<bf16, 64, ThroughNorm>));
EXPORT_KERNEL(conv2d_backward_weight_tf32, (conv2d_backward_weight<float, Unchanged, Unchanged>));
EXPORT_KERNEL(conv2d_backward_weight_bf16, (conv2d_backward_weight<bf16, Unchanged, Unchanged>));
EXPORT_KERNEL(conv2d_backward_weight_normalised_tf32, (conv2d_backward_weight<float, ThroughNorm, Unchanged>));
EXPORT_KERNEL(conv2d_backward_weight_normalised_bf16, (conv2d_backward_weight<bf16, ThroughNorm, Unchanged>));
EXPORT_KERNEL(conv2d_backward_weight_normalised_input_tf32, (conv2d_backward_weight<float, Unchanged, Normalised>));
EXPORT_KERNEL(conv2d_backward_weight_normalised_input_bf16, (conv2d_backward_weight<bf16, Unchanged, Normalised>));
EXPORT_KERNEL(conv2d_backward_weight_normalised_both_tf32, (conv2d_backward_weight<float, ThroughNorm, Normalised>));
EXPORT_KERNEL(conv2d_backward_weight_normalised_both_bf16, (conv2d_backward_weight<bf16, ThroughNorm, Normalised>));
