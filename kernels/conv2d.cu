// Two-dimensional convolution (cross-correlation) as an implicit matrix product over channels-last tensors.
//   input (B,H,W,C), weight (O,KH,KW,C/groups), output (B,OH,OW,O), OH = (H + 2 padding - KH) / stride + 1
//   output[b,y,x,o] = bias[o] + sum input[b, y stride + ky - padding, x stride + kx - padding, c] weight[o,ky,kx,c] over o's group of channels,
//     then + residual and ReLU if asked for
//   dInput[b,iy,ix,c] = sum dOutput[b,y,x,o] weight[o,ky,kx,c] over y stride + ky - padding = iy, columns alike     = or += (`accumulate`)
//   dWeight[o,ky,kx,c] = sum dOutput[b,y,x,o] input[b, y stride + ky - padding, ...]     = or += (`accumulate` of the total)
//   dBias: column_sum. Nothing is saved. Bound by arithmetic.
// As matrix products, per group: forward (pixels, KH KW C) by (KH KW C, O); dInput, per residue of (iy, ix) modulo stride, so that no
// product is with a zero: (pixels of the residue, taps that reach it x O) by (the same, C); dWeight (O, pixels) by (pixels, KH KW C), the
// pixels cut into splits whose partial products are added in order.
//
// Names: _float32: float tensors, one fused multiply-add per product. _tf32: float tensors, operands rounded to tf32 on the matrix units.
// _bf16: input, weight, output, residual, dOutput and dInput are bf16, of which every product is exact in tf32, on the same units. bias,
// partial and dWeight are always float, and so are all sums.
//
// A block of 128 threads owns a 64 x 64 tile of the product. Slices of 16 along the sum go through registers into two buffers of shared
// memory in turn, so that loads of the next slice are in flight during the products of this one.
// V = 4 (names without `any`): C / groups and O / groups are multiples of 4 and all addresses of 16. V = 1 takes any shape, one element
// per load: the pixels of a three-channel image begin anywhere in a sector, and depthwise filters fill none, so it reads 2 (depthwise: 5)
// times the ideal sectors, from the first-level cache, and stores operands at up to 2 times the ideal wavefronts. bf16 input gradients at
// C / groups below 64 write halves of sectors.
// Launch: 128 threads, no dynamic shared memory.
//   conv2d_forward            grid (ceil(B OH OW / 64), ceil(O / groups / 64), groups)
//   conv2d_backward_input     grid (ceil(B ceil(H / stride) ceil(W / stride) / 64), ceil(C / groups / 64), groups stride^2)
//   conv2d_backward_weight    grid (ceil(KH KW C / groups / 64), ceil(O / groups / 64), groups splits), splits = ceil(B OH OW / splitPixels),
//                             splitPixels a multiple of 16, so that the grid has about 4 blocks per multiprocessor; partial: float
//                             (splits, O, KH, KW, C / groups); with one split and no accumulation partial may be dWeight itself
//   conv2d_backward_weight_total   grid any, ceil(count / 512) at most is useful
#include "common.cuh"

constexpr int THREADS = 128, TILE = 64, SLICE = 16, LD = TILE + 8;

struct Buffers { float a[2][SLICE * LD], b[2][SLICE * LD]; };

// Element (k, column) of a slice. Flipping bits 2 to 4 of the column spreads the stores of operands that are turned over the banks, and
// leaves groups of four columns together.
__device__ __forceinline__ int place(int k, int column) { return k * LD + (column ^ (k / 4 % 4 * 8) ^ (k / 8 % 2 * 4)); }

// An operand comes as eight elements per thread. K_INNER: stored along the sum; it is turned on its way to shared memory.
//   V = 4, two vectors: K_INNER columns t / 4, t / 4 + 32, k = 4 (t % 4) ... + 3; else k = t / 16, t / 16 + 8, columns 4 (t % 16) ... + 3
//   V = 1: K_INNER columns t / 16 + 8 e, k = t % 16; else k = t / 64 + 2 e, column t % 64
template <int V, bool K_INNER> __device__ __forceinline__ int k_of(int e) {
    int t = threadIdx.x;
    return V == 4 ? (K_INNER ? t % 4 * 4 + e % 4 : t / 16 + e / 4 * 8) : K_INNER ? t % 16 : t / 64 + 2 * e;
}
template <int V, bool K_INNER> __device__ __forceinline__ int column_of(int e) {
    int t = threadIdx.x;
    return V == 4 ? (K_INNER ? t / 4 + e / 4 * 32 : t % 16 * 4 + e % 4) : K_INNER ? t / 16 + 8 * e : t % 64;
}
// A thread's columns of a K_INNER operand: how many, and which of them holds element e.
template <int V> constexpr int COLUMNS = V == 4 ? 2 : 8;
template <int V> __device__ __forceinline__ int slot_of(int e) { return V == 4 ? e / 4 : e; }

// v[e] = from[place_of(e)], or 0 where that is negative; with V = 4 the places of a vector follow its first one's.
template <int V, typename T, typename F> __device__ __forceinline__ void gather(float (&v)[8], const T* __restrict__ from, const F& place_of) {
#pragma unroll
    for (int e = 0; e < 8; e += V) {
        long long at = place_of(e);
        Pack x = {};
        if (at >= 0) x = load_pack(from + at, V);
#pragma unroll
        for (int i = 0; i < V; i++) v[e + i] = x.v[i];
    }
}
template <int V, bool K_INNER> __device__ __forceinline__ void store_slice(float* slice, const float (&v)[8]) {
    if (V == 4 && !K_INNER) {
#pragma unroll
        for (int e = 0; e < 8; e += 4) store4(slice + place(k_of<V, K_INNER>(e), column_of<V, K_INNER>(e)), make_float4(v[e], v[e + 1], v[e + 2], v[e + 3]));
    } else {
#pragma unroll
        for (int e = 0; e < 8; e++) slice[place(k_of<V, K_INNER>(e), column_of<V, K_INNER>(e))] = v[e];
    }
}

// Which elements of the tile a thread ends up with: eight rows row(i) of four columns column(i) ... + 3; and how it gets there.
template <bool TENSOR> struct Tile;

// Thread (ty, tx) of 8 x 16: rows 4 ty ... + 3 and 32 + 4 ty ... + 3, columns 4 tx ... + 3.
template <> struct Tile<false> {
    static __device__ __forceinline__ int row(int i) { return (i < 4 ? 0 : 28) + 4 * (static_cast<int>(threadIdx.x) / 16) + i; }
    static __device__ __forceinline__ int column(int) { return static_cast<int>(threadIdx.x) % 16 * 4; }
    static __device__ __forceinline__ void multiply(float (&sums)[8][4], const float* slice_a, const float* slice_b) {
#pragma unroll
        for (int k = 0; k < SLICE; k++) {
            float4 low = load4(slice_a + place(k, row(0))), high = load4(slice_a + place(k, row(4))), v = load4(slice_b + place(k, column(0)));
            float rows[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
            for (int i = 0; i < 8; i++) {
                sums[i][0] = fmaf(rows[i], v.x, sums[i][0]);
                sums[i][1] = fmaf(rows[i], v.y, sums[i][1]);
                sums[i][2] = fmaf(rows[i], v.z, sums[i][2]);
                sums[i][3] = fmaf(rows[i], v.w, sums[i][3]);
            }
        }
    }
    static __device__ __forceinline__ void finish(float (&)[8][4]) {}
};

// Four warps of 2 x 2 own quarters of 32 x 32: pieces (i, j) of 16 x 8, whose sums are sums[4 i + j] until `finish`.
template <> struct Tile<true> {
    // After `finish` sums[4 i + 2 jj + half] is row 16 i + g + 8 half, columns 16 jj + 8 (q % 2) + q / 2 * 4 ... + 3.
    static __device__ __forceinline__ int row(int i) { return static_cast<int>(threadIdx.x) / 64 * 32 + i / 4 * 16 + i % 2 * 8 + static_cast<int>(threadIdx.x) % 32 / 4; }
    static __device__ __forceinline__ int column(int i) {
        int q = threadIdx.x % 4;
        return static_cast<int>(threadIdx.x) / 32 % 2 * 32 + i / 2 % 2 * 16 + q % 2 * 8 + q / 2 * 4;
    }
    static __device__ __forceinline__ void multiply(float (&sums)[8][4], const float* slice_a, const float* slice_b) {
        int lane = threadIdx.x % 32, g = lane / 4, q = lane % 4, m = static_cast<int>(threadIdx.x) / 64 * 32, n = static_cast<int>(threadIdx.x) / 32 % 2 * 32;
#pragma unroll
        for (int k = 0; k < SLICE; k += 8) {
            unsigned a[2][4], b[4][2];
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int e = 0; e < 4; e++) a[i][e] = float_to_tf32(slice_a[place(k + q + e / 2 * 4, m + 16 * i + g + e % 2 * 8)]);
#pragma unroll
            for (int j = 0; j < 4; j++)
#pragma unroll
                for (int e = 0; e < 2; e++) b[j][e] = float_to_tf32(slice_b[place(k + q + 4 * e, n + 8 * j + g)]);
#pragma unroll
            for (int i = 0; i < 2; i++)
#pragma unroll
                for (int j = 0; j < 4; j++) mma_m16n8k8_tf32(sums[4 * i + j], a[i], b[j]);
        }
    }
    // Neighbours swap pairs of two adjacent pieces, so that each has four columns in a row and the lanes of a row fill whole sectors.
    static __device__ __forceinline__ void finish(float (&sums)[8][4]) {
        bool odd = threadIdx.x % 2;
#pragma unroll
        for (int p = 0; p < 8; p += 2) {
            float rows[2][4];
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const float *left = sums[p] + 2 * half, *right = sums[p + 1] + 2 * half;
                float x = __shfl_xor_sync(0xffffffffu, odd ? left[0] : right[0], 1), y = __shfl_xor_sync(0xffffffffu, odd ? left[1] : right[1], 1);
                rows[half][0] = odd ? x : left[0];
                rows[half][1] = odd ? y : left[1];
                rows[half][2] = odd ? right[0] : x;
                rows[half][3] = odd ? right[1] : y;
            }
#pragma unroll
            for (int k = 0; k < 4; k++) sums[p][k] = rows[0][k], sums[p + 1][k] = rows[1][k];
        }
    }
};

// sums = sum over k from `from` to below `to` of a[row, k] b[k, column] for the thread's elements of the tile. fetch_a(k0, v) and
// fetch_b(k0, v) load a thread's share of the slice at k0, zeros outside.
template <int V, bool TENSOR, bool A_K_INNER, bool B_K_INNER, typename FA, typename FB>
__device__ __forceinline__ void tile_product(float (&sums)[8][4], int from, int to, const FA& fetch_a, const FB& fetch_b) {
    SHARED(Buffers, buffers, [1]);
    if (from >= to) return;
    float a[8], b[8];
    fetch_a(from, a);
    fetch_b(from, b);
    store_slice<V, A_K_INNER>(buffers[0].a[0], a);
    store_slice<V, B_K_INNER>(buffers[0].b[0], b);
    __syncthreads();
    int which = 0;
    for (int k0 = from; k0 < to; k0 += SLICE) {
        bool more = k0 + SLICE < to;
        if (more) {
            fetch_a(k0 + SLICE, a);
            fetch_b(k0 + SLICE, b);
        }
        Tile<TENSOR>::multiply(sums, buffers[0].a[which], buffers[0].b[which]);
        // The other buffer was last read before the barrier of the previous round.
        which ^= 1;
        if (more) {
            store_slice<V, A_K_INNER>(buffers[0].a[which], a);
            store_slice<V, B_K_INNER>(buffers[0].b[which], b);
            __syncthreads();
        }
    }
    Tile<TENSOR>::finish(sums);
}

// Elements j ... j + V - 1 of a row of four.
template <int V> __device__ __forceinline__ Pack piece(const float (&row)[4], int j) {
    return V == 4 ? Pack{{row[0], row[1], row[2], row[3]}} : Pack{{row[j], 0.0f, 0.0f, 0.0f}};
}

// bias (O) and residual (like output) may be null.
template <typename T, int V, bool TENSOR>
__global__ void __launch_bounds__(THREADS, V == 4 ? 4 : 3) conv2d_forward(const T* __restrict__ input, const T* __restrict__ weight,
    const float* __restrict__ bias, const T* residual, T* output, int B, int H, int W, int C, int O, int KH, int KW, int stride, int padding,
    int groups, int OH, int OW, int relu) {
    int M = B * OH * OW, groupC = C / groups, N = O / groups, K = KH * KW * groupC;
    int m0 = blockIdx.x * TILE, n0 = blockIdx.y * TILE, group = blockIdx.z;
    // The pixels of which this thread loads: their first row and column of input; far outside if there is no such pixel.
    int image[COLUMNS<V>], top[COLUMNS<V>], left[COLUMNS<V>];
#pragma unroll
    for (int slot = 0; slot < COLUMNS<V>; slot++) {
        int m = m0 + column_of<V, true>(slot * 8 / COLUMNS<V>);
        image[slot] = m / (OH * OW);
        top[slot] = m < M ? m / OW % OH * stride - padding : -(1 << 28);
        left[slot] = m % OW * stride - padding;
    }
    float sums[8][4] = {};
    tile_product<V, TENSOR, true, true>(sums, 0, K,
        [&](int k0, float (&v)[8]) {
            gather<V>(v, input, [&](int e) {
                int k = k0 + k_of<V, true>(e), tap = k / groupC, c = k - tap * groupC, ky = tap / KW, slot = slot_of<V>(e);
                int y = top[slot] + ky, x = left[slot] + tap - ky * KW;
                // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
                bool inside = k < K && y >= 0 && y < H && x >= 0 && x < W;
                return inside ? ((static_cast<long long>(image[slot]) * H + y) * W + x) * C + group * groupC + c : -1ll;
            });
        },
        [&](int k0, float (&v)[8]) {
            gather<V>(v, weight, [&](int e) {
                int n = n0 + column_of<V, true>(e), k = k0 + k_of<V, true>(e);
                // weight[o, k] is at o * K + k
                return n < N && k < K ? (static_cast<long long>(group) * N + n) * K + k : -1ll;
            });
        });
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + Tile<TENSOR>::row(i), n = n0 + Tile<TENSOR>::column(i);
        if (m >= M || n >= N) continue;
        // output[m, o] is at m * O + o
        int o = group * N + n;
        long long at = static_cast<long long>(m) * O + o;
#pragma unroll
        for (int j = 0; j < 4; j += V) {
            if (n + j >= N) continue;
            Pack y = piece<V>(sums[i], j), b = {}, r = {};
            if (bias) b = load_pack(bias + o + j, V);
            if (residual) r = load_pack(residual + at + j, V);
#pragma unroll
            for (int k = 0; k < V; k++) {
                y.v[k] += b.v[k] + r.v[k];
                if (relu && y.v[k] < 0.0f) y.v[k] = 0.0f;
            }
            store_pack(output + at + j, y, V);
        }
    }
}

template <typename T, int V, bool TENSOR>
__global__ void __launch_bounds__(THREADS, V == 4 ? 4 : 3) conv2d_backward_input(const T* __restrict__ dOutput, const T* __restrict__ weight,
    T* __restrict__ dInput, int B, int H, int W, int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW,
    int accumulate) {
    int group = blockIdx.z / (stride * stride), residue = blockIdx.z % (stride * stride), ry = residue / stride, rx = residue % stride;
    // The pixels (ry + stride y, rx + stride x), y < rows, x < columns, and the taps that reach them: ky0 + stride jy, jy < tapsY
    int rows = (H - ry + stride - 1) / stride, columns = (W - rx + stride - 1) / stride, M = B * max(0, rows) * max(0, columns);
    int ky0 = (ry + padding) % stride, kx0 = (rx + padding) % stride;
    int tapsY = ky0 < KH ? (KH - 1 - ky0) / stride + 1 : 0, tapsX = kx0 < KW ? (KW - 1 - kx0) / stride + 1 : 0;
    int N = C / groups, groupO = O / groups, K = tapsY * tapsX * groupO, m0 = blockIdx.x * TILE, n0 = blockIdx.y * TILE;
    if (m0 >= M) return;
    int image[COLUMNS<V>], bottom[COLUMNS<V>], right[COLUMNS<V>];
#pragma unroll
    for (int slot = 0; slot < COLUMNS<V>; slot++) {
        int m = m0 + column_of<V, true>(slot * 8 / COLUMNS<V>);
        image[slot] = m / (rows * columns);
        // Tap jy takes row bottom - jy of dOutput.
        bottom[slot] = m < M ? m / columns % rows + (ry + padding - ky0) / stride : -(1 << 28);
        right[slot] = m % columns + (rx + padding - kx0) / stride;
    }
    float sums[8][4] = {};
    tile_product<V, TENSOR, true, false>(sums, 0, K,
        [&](int k0, float (&v)[8]) {
            gather<V>(v, dOutput, [&](int e) {
                int k = k0 + k_of<V, true>(e), tap = k / groupO, o = k - tap * groupO, jy = tap / tapsX, slot = slot_of<V>(e);
                int y = bottom[slot] - jy, x = right[slot] - (tap - jy * tapsX);
                // dOutput[b,y,x,o] is at ((b * OH + y) * OW + x) * O + o
                bool inside = k < K && y >= 0 && y < OH && x >= 0 && x < OW;
                return inside ? ((static_cast<long long>(image[slot]) * OH + y) * OW + x) * O + group * groupO + o : -1ll;
            });
        },
        [&](int k0, float (&v)[8]) {
            gather<V>(v, weight, [&](int e) {
                int k = k0 + k_of<V, false>(e), n = n0 + column_of<V, false>(e);
                if (k >= K || n >= N) return -1ll;
                int tap = k / groupO, o = k - tap * groupO, jy = tap / tapsX, ky = ky0 + stride * jy, kx = kx0 + stride * (tap - jy * tapsX);
                // weight[o,ky,kx,c] is at ((o * KH + ky) * KW + kx) * N + c
                return ((static_cast<long long>(group * groupO + o) * KH + ky) * KW + kx) * N + n;
            });
        });
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + Tile<TENSOR>::row(i), n = n0 + Tile<TENSOR>::column(i);
        if (m >= M || n >= N) continue;
        int b = m / (rows * columns), y = ry + stride * (m / columns % rows), x = rx + stride * (m % columns);
        // dInput[b,y,x,c] is at ((b * H + y) * W + x) * C + c
        T* to = dInput + ((static_cast<long long>(b) * H + y) * W + x) * C + group * N + n;
#pragma unroll
        for (int j = 0; j < 4; j += V)
            if (n + j < N) give_pack(to + j, piece<V>(sums[i], j), accumulate, V);
    }
}

template <typename T, int V, bool TENSOR>
__global__ void __launch_bounds__(THREADS, V == 4 ? 4 : 3) conv2d_backward_weight(const T* __restrict__ dOutput, const T* __restrict__ input,
    float* __restrict__ partial, int B, int H, int W, int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW,
    int splitPixels) {
    int groupC = C / groups, M = O / groups, N = KH * KW * groupC, pixels = B * OH * OW;
    int group = blockIdx.z % groups, split = blockIdx.z / groups, m0 = blockIdx.y * TILE, n0 = blockIdx.x * TILE;
    int from = split * splitPixels, to = min(pixels, from + splitPixels);
    // The filter element (ky, kx, c) of this thread's first column of the second operand: with V = 4 the other three are its neighbours.
    int filter = n0 + column_of<V, false>(0), tap = filter / groupC, channel = filter < N ? filter - tap * groupC : -1;
    int tap_y = tap / KW - padding, tap_x = tap % KW - padding;
    float sums[8][4] = {};
    tile_product<V, TENSOR, false, false>(sums, from, to,
        [&](int k0, float (&v)[8]) {
            gather<V>(v, dOutput, [&](int e) {
                int k = k0 + k_of<V, false>(e), m = m0 + column_of<V, false>(e);
                // dOutput[pixel, o] is at pixel * O + o
                return k < to && m < M ? static_cast<long long>(k) * O + group * M + m : -1ll;
            });
        },
        [&](int k0, float (&v)[8]) {
            gather<V>(v, input, [&](int e) {
                int k = k0 + k_of<V, false>(e), image = k / (OH * OW), y = k / OW % OH * stride + tap_y, x = k % OW * stride + tap_x;
                // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
                bool inside = k < to && channel >= 0 && y >= 0 && y < H && x >= 0 && x < W;
                return inside ? ((static_cast<long long>(image) * H + y) * W + x) * C + group * groupC + channel : -1ll;
            });
        });
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + Tile<TENSOR>::row(i), n = n0 + Tile<TENSOR>::column(i);
        if (m >= M || n >= N) continue;
        // partial[split, o, n] is at (split * O + o) * N + n
        float* at = partial + (static_cast<long long>(split) * O + group * M + m) * N + n;
#pragma unroll
        for (int j = 0; j < 4; j += V)
            if (n + j < N) store_pack(at + j, piece<V>(sums[i], j), V);
    }
}

// dWeight[i] = or += sum over splits of partial[split, i], i < count, in order and to about twice float's precision.
__global__ void __launch_bounds__(THREADS) conv2d_backward_weight_total(const float* __restrict__ partial, float* __restrict__ dWeight,
    long long count, int splits, int accumulate) {
    for_each_pack(count, count % 4 == 0 && aligned16(partial, dWeight), [&](long long i, int V) {
        Sum sums[4] = {zero_sum(), zero_sum(), zero_sum(), zero_sum()};
        for (int split = 0; split < splits; split++) {
            Pack x = load_pack(partial + split * count + i, V);
#pragma unroll
            for (int k = 0; k < 4; k++) add(sums[k], x.v[k]);
        }
        give_pack(dWeight + i, Pack{{value(sums[0]), value(sums[1]), value(sums[2]), value(sums[3])}}, accumulate, V);
    });
}

EXPORT_KERNEL(conv2d_forward_float32, (conv2d_forward<float, 4, false>));
EXPORT_KERNEL(conv2d_forward_any_float32, (conv2d_forward<float, 1, false>));
EXPORT_KERNEL(conv2d_forward_tf32, (conv2d_forward<float, 4, true>));
EXPORT_KERNEL(conv2d_forward_any_tf32, (conv2d_forward<float, 1, true>));
EXPORT_KERNEL(conv2d_forward_bf16, (conv2d_forward<bf16, 4, true>));
EXPORT_KERNEL(conv2d_forward_any_bf16, (conv2d_forward<bf16, 1, true>));
EXPORT_KERNEL(conv2d_backward_input_float32, (conv2d_backward_input<float, 4, false>));
EXPORT_KERNEL(conv2d_backward_input_any_float32, (conv2d_backward_input<float, 1, false>));
EXPORT_KERNEL(conv2d_backward_input_tf32, (conv2d_backward_input<float, 4, true>));
EXPORT_KERNEL(conv2d_backward_input_any_tf32, (conv2d_backward_input<float, 1, true>));
EXPORT_KERNEL(conv2d_backward_input_bf16, (conv2d_backward_input<bf16, 4, true>));
EXPORT_KERNEL(conv2d_backward_input_any_bf16, (conv2d_backward_input<bf16, 1, true>));
EXPORT_KERNEL(conv2d_backward_weight_float32, (conv2d_backward_weight<float, 4, false>));
EXPORT_KERNEL(conv2d_backward_weight_any_float32, (conv2d_backward_weight<float, 1, false>));
EXPORT_KERNEL(conv2d_backward_weight_tf32, (conv2d_backward_weight<float, 4, true>));
EXPORT_KERNEL(conv2d_backward_weight_any_tf32, (conv2d_backward_weight<float, 1, true>));
EXPORT_KERNEL(conv2d_backward_weight_bf16, (conv2d_backward_weight<bf16, 4, true>));
EXPORT_KERNEL(conv2d_backward_weight_any_bf16, (conv2d_backward_weight<bf16, 1, true>));
EXPORT_KERNEL(conv2d_backward_weight_total_float32, (conv2d_backward_weight_total));
