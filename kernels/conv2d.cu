// Two-dimensional convolution (cross-correlation) of channels-last tensors as an implicit GEMM: im2col without storing the patch matrix.
//   input (B,H,W,C), weight (O,KH,KW,C/groups), output (B,OH,OW,O), OH = (H + 2 padding - KH) / stride + 1
//   output[b,y,x,o] = bias[o] + sum x[b, y stride + ky - padding, x stride + kx - padding, c] weight[o,ky,kx,c] over o's group of channels,
//     then optionally + residual and ReLU (the epilogue). x = input, or with `norm` the previous layer's batch norm and ReLU, applied on
//     load and never stored: x = relu(input norm[0,c] + norm[1,c]), norm = scale and shift (2, C). Padding is 0 in both cases.
//   dInput[b,iy,ix,c] = sum dz[b,y,x,o] weight[o,ky,kx,c] over y stride + ky - padding = iy, columns alike     = or += (`accumulate`)
//   dWeight[o,ky,kx,c] = sum dz[b,y,x,o] x[b, y stride + ky - padding, ...]     = or += (`accumulate` of the total)
//     dz = dOutput, or with `z` and `coefficients` (4, O), a to shift, the gradient through the following batch norm and ReLU, never
//     stored: dz = a g + b z + d, g = dOutput where z a + shift > 0, else 0 (batch_norm.cu); z (B,OH,OW,O) is the saved output
//   statistics (tiles, 3, O), if not null: per tile of 64 pixels and channel, the mean of output as a float, and the sums of the deviations
//     from it and of their squares. batch_norm.cu turns them into mean and variance without reading the output again.
//   dBias: column_sum. Compute-bound.
// As GEMMs, per group: forward (pixels, KH KW C) by (KH KW C, O); dInput, per residue of (iy, ix) modulo stride, so that no product is with
// a zero: (pixels of the residue, taps that reach it x O) by (the same, C); dWeight (O, pixels) by (pixels, KH KW C), with split-K over the
// pixels: the splits' partial products are added in order.
//
// This file is float32, one fused multiply-add per product; conv2d_tensor_core.cu uses the matrix units. conv2d_few_channels.cu packs
// images for both, conv2d_few_filters.cu is for pointwise convolutions to at most four filters.
// Names: _float32: float tensors, C / groups and O / groups multiples of 4, addresses of 16. _any_float32, _any_bf16: any shape, one
// element per load. These read 2 (depthwise: 5) times the ideal sectors, from the L1 cache: pixels of three channels are not aligned to
// sectors, and depthwise filters do not fill one. They store operands at up to 2 times the ideal wavefronts. bf16: input, weight, output,
// residual, dOutput, z and dInput; everything else is float, including all sums.
//
// A block of 128 threads owns a 64 x 64 tile of the product. Slices of 16 along the sum go through registers into shared memory, which is
// double-buffered: the next slice loads while this one is multiplied. At the end the tile of sums reuses both buffers.
// Launch: 128 threads, no dynamic shared memory.
//   conv2d_forward            grid (ceil(B OH OW / 64), ceil(O / groups / 64), groups)
//   conv2d_backward_input     grid (ceil(B ceil(H / stride) ceil(W / stride) / 64), ceil(C / groups / 64), groups stride^2)
//   conv2d_backward_weight    grid (ceil(KH KW C / groups / 64), ceil(O / groups / 64), groups splits), splits = ceil(B OH OW / splitPixels),
//                             splitPixels a multiple of 16, chosen for about 4 blocks per multiprocessor; partial: float
//                             (splits, O, KH, KW, C / groups); with one split and no accumulation partial may be dWeight itself
//   conv2d_backward_weight_total   grid any, ceil(count / 512) at most is useful
// Over 1.25 times the ideal: conv2d_forward_any_*, conv2d_backward_input_any_*, conv2d_backward_weight_any_*: pixels of a three-channel image begin anywhere in a sector, and depthwise filters fill none.
#include "common.cuh"

constexpr int THREADS = 128, TILE = 64, SLICE = 16, LD = TILE + 8;

// Element (k, column) of a slice. The swizzle flips bits 2 to 4 of the column: transposed stores then spread over the banks, and groups of
// four columns stay together.
__device__ __forceinline__ int place(int k, int column) { return k * LD + (column ^ (k / 4 % 4 * 8) ^ (k / 8 % 2 * 4)); }

// A thread loads eight elements of an operand. K_INNER: contiguous along the sum in memory, transposed on the way to shared memory.
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
// The columns of a K_INNER operand that a thread owns: how many, and which of them holds element e.
template <int V> constexpr int COLUMNS = V == 4 ? 2 : 8;
template <int V> __device__ __forceinline__ int slot_of(int e) { return V == 4 ? e / 4 : e; }

// v[e] = then(from[place_of(e, channel)], ...), or 0 if the place is negative; with V = 4 the places of a vector follow the first one's.
template <int V, typename T, typename P, typename F>
__device__ __forceinline__ void gather(float (&v)[8], const T* __restrict__ from, const P& place_of, const F& then) {
#pragma unroll
    for (int e = 0; e < 8; e += V) {
        int channel = 0;
        long long at = place_of(e, channel);
        Pack x = {};
        if (at >= 0) {
            x = load_pack(from + at, V);
            then(x, at, channel);
        }
#pragma unroll
        for (int i = 0; i < V; i++) v[e + i] = x.v[i];
    }
}
// How `then` transforms V channels from c on. The whole block takes the same branch.
template <int V> __device__ __forceinline__ void normalise(Pack& x, const float* __restrict__ norm, int C, int c) {
    if (!norm) return;
    Pack s = load_pack(norm + c, V), t = load_pack(norm + C + c, V);
#pragma unroll
    for (int k = 0; k < V; k++) {
        float y = fmaf(x.v[k], s.v[k], t.v[k]);
        x.v[k] = y < 0.0f ? 0.0f : y;
    }
}
template <int V, typename T>
__device__ __forceinline__ void through_norm(Pack& g, const T* __restrict__ z, long long at, const float* __restrict__ coefficients, int O, int o) {
    if (!z) return;
    Pack x = load_pack(z + at, V), a = load_pack(coefficients + o, V), b = load_pack(coefficients + O + o, V);
    Pack d = load_pack(coefficients + 2 * O + o, V), shift = load_pack(coefficients + 3 * O + o, V);
#pragma unroll
    for (int k = 0; k < V; k++) {
        float masked = fmaf(x.v[k], a.v[k], shift.v[k]) > 0.0f ? g.v[k] : 0.0f;
        g.v[k] = fmaf(masked, a.v[k], fmaf(x.v[k], b.v[k], d.v[k]));
    }
}
struct Unchanged { __device__ __forceinline__ void operator()(Pack&, long long, int) const {} };

template <int V, bool K_INNER> __device__ __forceinline__ void store_slice(float* slice, const float (&v)[8]) {
    if (V == 4 && !K_INNER) {
#pragma unroll
        for (int e = 0; e < 8; e += 4) store4(slice + place(k_of<V, K_INNER>(e), column_of<V, K_INNER>(e)), make_float4(v[e], v[e + 1], v[e + 2], v[e + 3]));
    } else {
#pragma unroll
        for (int e = 0; e < 8; e++) slice[place(k_of<V, K_INNER>(e), column_of<V, K_INNER>(e))] = v[e];
    }
}

// tile[row, column] = sum over k from `from` to below `to` of a[row, k] b[k, column], in shared memory with rows of LD, visible to all.
// fetch_a(k0, v) and fetch_b(k0, v) load a thread's share of the slice at k0, zeros outside.
// Thread (ty, tx) of 8 x 16 sums rows 4 ty ... + 3 and 32 + 4 ty ... + 3, columns 4 tx ... + 3.
template <int V, bool A_K_INNER, bool B_K_INNER, typename FA, typename FB>
__device__ __forceinline__ const float* tile_product(int from, int to, const FA& fetch_a, const FB& fetch_b) {
    SHARED(float, memory, [4 * SLICE * LD]);
    static_assert(4 * SLICE >= TILE, "the tile takes the place of the slices");
    int row = 4 * (static_cast<int>(threadIdx.x) / 16), column = static_cast<int>(threadIdx.x) % 16 * 4;
    float sums[8][4] = {};
    if (from < to) {
        float a[8], b[8];
        fetch_a(from, a);
        fetch_b(from, b);
        store_slice<V, A_K_INNER>(memory, a);
        store_slice<V, B_K_INNER>(memory + SLICE * LD, b);
    }
    __syncthreads();
    float* slices = memory;
    for (int k0 = from; k0 < to; k0 += SLICE) {
        bool more = k0 + SLICE < to;
        float a[8], b[8];
        if (more) {
            fetch_a(k0 + SLICE, a);
            fetch_b(k0 + SLICE, b);
        }
#pragma unroll
        for (int k = 0; k < SLICE; k++) {
            float4 low = load4(slices + place(k, row)), high = load4(slices + place(k, row + 32)), v = load4(slices + SLICE * LD + place(k, column));
            float rows[8] = {low.x, low.y, low.z, low.w, high.x, high.y, high.z, high.w};
#pragma unroll
            for (int i = 0; i < 8; i++) {
                sums[i][0] = fmaf(rows[i], v.x, sums[i][0]);
                sums[i][1] = fmaf(rows[i], v.y, sums[i][1]);
                sums[i][2] = fmaf(rows[i], v.z, sums[i][2]);
                sums[i][3] = fmaf(rows[i], v.w, sums[i][3]);
            }
        }
        // The other buffer was last read before the barrier of the previous round.
        slices = slices == memory ? memory + 2 * SLICE * LD : memory;
        if (more) {
            store_slice<V, A_K_INNER>(slices, a);
            store_slice<V, B_K_INNER>(slices + SLICE * LD, b);
        }
        __syncthreads();
    }
#pragma unroll
    for (int i = 0; i < 8; i++) store4(memory + (row + i % 4 + i / 4 * 32) * LD + column, make_float4(sums[i][0], sums[i][1], sums[i][2], sums[i][3]));
    __syncthreads();
    return memory;
}

// bias (O), residual (like output), norm and statistics may be null.
template <typename T, int V>
__global__ void __launch_bounds__(THREADS, V == 4 ? 4 : 3) conv2d_forward(const T* __restrict__ input, const float* __restrict__ norm,
    const T* __restrict__ weight, const float* __restrict__ bias, const T* residual, T* output, float* __restrict__ statistics, int B, int H, int W,
    int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW, int relu) {
    int M = B * OH * OW, groupC = C / groups, N = O / groups, K = KH * KW * groupC;
    int m0 = blockIdx.x * TILE, n0 = blockIdx.y * TILE, group = blockIdx.z;
    // The pixels this thread loads: the first row and column of input under each; far outside if there is no such pixel.
    int image[COLUMNS<V>], top[COLUMNS<V>], left[COLUMNS<V>];
#pragma unroll
    for (int slot = 0; slot < COLUMNS<V>; slot++) {
        int m = m0 + column_of<V, true>(slot * 8 / COLUMNS<V>);
        image[slot] = m / (OH * OW);
        top[slot] = m < M ? m / OW % OH * stride - padding : -(1 << 28);
        left[slot] = m % OW * stride - padding;
    }
    const float* tile = tile_product<V, true, true>(0, K,
        [&](int k0, float (&v)[8]) {
            gather<V>(v, input, [&](int e, int& channel) {
                int k = k0 + k_of<V, true>(e), tap = k / groupC, ky = tap / KW, slot = slot_of<V>(e);
                int y = top[slot] + ky, x = left[slot] + tap - ky * KW;
                channel = group * groupC + k - tap * groupC;
                // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
                bool inside = k < K && y >= 0 && y < H && x >= 0 && x < W;
                return inside ? ((static_cast<long long>(image[slot]) * H + y) * W + x) * C + channel : -1ll;
            }, [&](Pack& x, long long, int channel) { normalise<V>(x, norm, C, channel); });
        },
        [&](int k0, float (&v)[8]) {
            gather<V>(v, weight, [&](int e, int&) {
                int n = n0 + column_of<V, true>(e), k = k0 + k_of<V, true>(e);
                // weight[o, k] is at o * K + k
                return n < N && k < K ? (static_cast<long long>(group) * N + n) * K + k : -1ll;
            }, Unchanged());
        });
    for (int i = V * threadIdx.x; i < TILE * TILE; i += V * THREADS) {
        int row = i / TILE, column = i % TILE, m = m0 + row, n = n0 + column, o = group * N + n;
        if (m >= M || n >= N) continue;
        // output[m, o] is at m * O + o
        long long at = static_cast<long long>(m) * O + o;
        Pack y = load_pack(tile + row * LD + column, V), b = {}, r = {};
        if (bias) b = load_pack(bias + o, V);
        if (residual) r = load_pack(residual + at, V);
#pragma unroll
        for (int k = 0; k < V; k++) {
            y.v[k] += b.v[k] + r.v[k];
            if (relu && y.v[k] < 0.0f) y.v[k] = 0.0f;
        }
        store_pack(output + at, y, V);
    }
    // statistics[tile, which, o] is at (tile * 3 + which) * O + o
    if (statistics)
        column_statistics<T, THREADS, TILE>(tile, LD, min(TILE, M - m0), statistics + 3ll * blockIdx.x * O + group * N + n0, O, N - n0);
}

// z with coefficients may be null.
template <typename T, int V>
__global__ void __launch_bounds__(THREADS, V == 4 ? 4 : 3) conv2d_backward_input(const T* __restrict__ dOutput, const T* __restrict__ z,
    const float* __restrict__ coefficients, const T* __restrict__ weight, T* __restrict__ dInput, int B, int H, int W, int C, int O, int KH, int KW,
    int stride, int padding, int groups, int OH, int OW, int accumulate) {
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
        // Tap jy reads row bottom - jy of dOutput.
        bottom[slot] = m < M ? m / columns % rows + (ry + padding - ky0) / stride : -(1 << 28);
        right[slot] = m % columns + (rx + padding - kx0) / stride;
    }
    const float* tile = tile_product<V, true, false>(0, K,
        [&](int k0, float (&v)[8]) {
            gather<V>(v, dOutput, [&](int e, int& channel) {
                int k = k0 + k_of<V, true>(e), tap = k / groupO, jy = tap / tapsX, slot = slot_of<V>(e);
                int y = bottom[slot] - jy, x = right[slot] - (tap - jy * tapsX);
                channel = group * groupO + k - tap * groupO;
                // dOutput[b,y,x,o] is at ((b * OH + y) * OW + x) * O + o
                bool inside = k < K && y >= 0 && y < OH && x >= 0 && x < OW;
                return inside ? ((static_cast<long long>(image[slot]) * OH + y) * OW + x) * O + channel : -1ll;
            }, [&](Pack& g, long long at, int channel) { through_norm<V>(g, z, at, coefficients, O, channel); });
        },
        [&](int k0, float (&v)[8]) {
            gather<V>(v, weight, [&](int e, int&) {
                int k = k0 + k_of<V, false>(e), n = n0 + column_of<V, false>(e);
                if (k >= K || n >= N) return -1ll;
                int tap = k / groupO, o = k - tap * groupO, jy = tap / tapsX, ky = ky0 + stride * jy, kx = kx0 + stride * (tap - jy * tapsX);
                // weight[o,ky,kx,c] is at ((o * KH + ky) * KW + kx) * N + c
                return ((static_cast<long long>(group * groupO + o) * KH + ky) * KW + kx) * N + n;
            }, Unchanged());
        });
    for (int i = V * threadIdx.x; i < TILE * TILE; i += V * THREADS) {
        int row = i / TILE, column = i % TILE, m = m0 + row, n = n0 + column;
        if (m >= M || n >= N) continue;
        int b = m / (rows * columns), y = ry + stride * (m / columns % rows), x = rx + stride * (m % columns);
        // dInput[b,y,x,c] is at ((b * H + y) * W + x) * C + c
        give_pack(dInput + ((static_cast<long long>(b) * H + y) * W + x) * C + group * N + n, load_pack(tile + row * LD + column, V), accumulate, V);
    }
}

// z with coefficients, and norm may be null.
template <typename T, int V>
__global__ void __launch_bounds__(THREADS, V == 4 ? 4 : 3) conv2d_backward_weight(const T* __restrict__ dOutput, const T* __restrict__ z,
    const float* __restrict__ coefficients, const T* __restrict__ input, const float* __restrict__ norm, float* __restrict__ partial, int B, int H,
    int W, int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW, int splitPixels) {
    int groupC = C / groups, M = O / groups, N = KH * KW * groupC, pixels = B * OH * OW;
    int group = blockIdx.z % groups, split = blockIdx.z / groups, m0 = blockIdx.y * TILE, n0 = blockIdx.x * TILE;
    int from = split * splitPixels, to = min(pixels, from + splitPixels);
    // The filter element (ky, kx, c) of this thread's first column of the second operand; with V = 4 the next three are adjacent.
    int filter = n0 + column_of<V, false>(0), tap = filter / groupC, tap_y = tap / KW - padding, tap_x = tap % KW - padding;
    const float* tile = tile_product<V, false, false>(from, to,
        [&](int k0, float (&v)[8]) {
            gather<V>(v, dOutput, [&](int e, int& channel) {
                int k = k0 + k_of<V, false>(e), m = m0 + column_of<V, false>(e);
                channel = group * M + m;
                // dOutput[pixel, o] is at pixel * O + o
                return k < to && m < M ? static_cast<long long>(k) * O + channel : -1ll;
            }, [&](Pack& g, long long at, int channel) { through_norm<V>(g, z, at, coefficients, O, channel); });
        },
        [&](int k0, float (&v)[8]) {
            gather<V>(v, input, [&](int e, int& channel) {
                int k = k0 + k_of<V, false>(e), image = k / (OH * OW), y = k / OW % OH * stride + tap_y, x = k % OW * stride + tap_x;
                channel = group * groupC + filter - tap * groupC;
                // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
                bool inside = k < to && filter < N && y >= 0 && y < H && x >= 0 && x < W;
                return inside ? ((static_cast<long long>(image) * H + y) * W + x) * C + channel : -1ll;
            }, [&](Pack& x, long long, int channel) { normalise<V>(x, norm, C, channel); });
        });
    for (int i = V * threadIdx.x; i < TILE * TILE; i += V * THREADS) {
        int row = i / TILE, column = i % TILE, m = m0 + row, n = n0 + column;
        // partial[split, o, n] is at (split * O + o) * N + n
        if (m < M && n < N) store_pack(partial + (static_cast<long long>(split) * O + group * M + m) * N + n, load_pack(tile + row * LD + column, V), V);
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

EXPORT_KERNEL(conv2d_forward_float32, (conv2d_forward<float, 4>));
EXPORT_KERNEL(conv2d_forward_any_float32, (conv2d_forward<float, 1>));
EXPORT_KERNEL(conv2d_forward_any_bf16, (conv2d_forward<bf16, 1>));
EXPORT_KERNEL(conv2d_backward_input_float32, (conv2d_backward_input<float, 4>));
EXPORT_KERNEL(conv2d_backward_input_any_float32, (conv2d_backward_input<float, 1>));
EXPORT_KERNEL(conv2d_backward_input_any_bf16, (conv2d_backward_input<bf16, 1>));
EXPORT_KERNEL(conv2d_backward_weight_float32, (conv2d_backward_weight<float, 4>));
EXPORT_KERNEL(conv2d_backward_weight_any_float32, (conv2d_backward_weight<float, 1>));
EXPORT_KERNEL(conv2d_backward_weight_any_bf16, (conv2d_backward_weight<bf16, 1>));
EXPORT_KERNEL(conv2d_backward_weight_total, (conv2d_backward_weight_total));
