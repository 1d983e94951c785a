// Two-dimensional convolution (cross-correlation) as an implicit matrix product over channels-last tensors, float32 throughout.
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
// A block of 128 threads owns a 64 x 64 tile of the product, thread (ty, tx) of 8 x 16 the rows 4 ty ... + 3 and 32 + 4 ty ... + 3 and
// the columns 4 tx ... + 3. Slices of 16 along the sum go through registers into two buffers of shared memory in turn, so that loads of
// the next slice are in flight during the products of this one.
// V = 4 (names without `any`): C / groups and O / groups are multiples of 4 and all addresses of 16. V = 1 takes any shape, one element
// per load: three channels of an image fill no sector, so a stem convolution reads up to 4 times the ideal sectors, from the first-level
// cache.
// Launch: 128 threads, no dynamic shared memory.
//   conv2d_forward            grid (ceil(B OH OW / 64), ceil(O / groups / 64), groups)
//   conv2d_backward_input     grid (ceil(B ceil(H / stride) ceil(W / stride) / 64), ceil(C / groups / 64), groups stride^2)
//   conv2d_backward_weight    grid (ceil(KH KW C / groups / 64), ceil(O / groups / 64), groups splits), splits = ceil(B OH OW / splitPixels),
//                             splitPixels a multiple of 16, so that the grid has about 4 blocks per multiprocessor; partial: float
//                             (splits, O, KH, KW, C / groups); with one split and no accumulation partial may be dWeight itself
//   conv2d_backward_weight_total   grid any, ceil(count / 512) at most is useful
#include "common.cuh"

constexpr int THREADS = 128, TILE = 64, SLICE = 16, LD = TILE + 4;

struct Buffers { float a[2][SLICE * LD], b[2][SLICE * LD]; };

// Element (k, column) of a slice. Flipping bit 3 of the column from k = 8 on spreads the turned stores over all banks.
__device__ __forceinline__ int place(int k, int column) { return k * LD + (column ^ (k & 8)); }

// An operand comes in two float4 per thread. K_INNER, stored along the sum: rows t / 4 and t / 4 + 32, k = 4 (t % 4); it is turned here.
// Else: k = t / 16 and t / 16 + 8, columns 4 (t % 16) ... + 3.
template <bool K_INNER> __device__ __forceinline__ void store_slice(float* slice, const float4 (&v)[2]) {
    int t = threadIdx.x;
#pragma unroll
    for (int half = 0; half < 2; half++) {
        if (K_INNER) {
            int column = t / 4 + 32 * half, k = t % 4 * 4;
            slice[place(k, column)] = v[half].x;
            slice[place(k + 1, column)] = v[half].y;
            slice[place(k + 2, column)] = v[half].z;
            slice[place(k + 3, column)] = v[half].w;
        } else {
            store4(slice + place(t / 16 + 8 * half, t % 16 * 4), v[half]);
        }
    }
}

// sums[i][j] += sum over k from `from` to below `to` of a[row i, k] b[k, column j]. fetch_a(k0, v) and fetch_b(k0, v) load a thread's share
// of the slice at k0, zeros outside.
template <bool A_K_INNER, bool B_K_INNER, typename FA, typename FB>
__device__ __forceinline__ void tile_product(float (&sums)[8][4], int from, int to, const FA& fetch_a, const FB& fetch_b) {
    SHARED(Buffers, buffers, [1]);
    int tx = threadIdx.x % 16, ty = threadIdx.x / 16, which = 0;
    if (from >= to) return;
    float4 a[2], b[2];
    fetch_a(from, a);
    fetch_b(from, b);
    store_slice<A_K_INNER>(buffers[0].a[0], a);
    store_slice<B_K_INNER>(buffers[0].b[0], b);
    __syncthreads();
    for (int k0 = from; k0 < to; k0 += SLICE) {
        bool more = k0 + SLICE < to;
        if (more) {
            fetch_a(k0 + SLICE, a);
            fetch_b(k0 + SLICE, b);
        }
        const float *slice_a = buffers[0].a[which], *slice_b = buffers[0].b[which];
#pragma unroll
        for (int k = 0; k < SLICE; k++) {
            float4 low = load4(slice_a + place(k, 4 * ty)), high = load4(slice_a + place(k, 32 + 4 * ty)), v = load4(slice_b + place(k, 4 * tx));
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
        which ^= 1;
        if (more) {
            store_slice<A_K_INNER>(buffers[0].a[which], a);
            store_slice<B_K_INNER>(buffers[0].b[which], b);
            __syncthreads();
        }
    }
}

__device__ __forceinline__ int row_of(int i) { return (i < 4 ? 0 : 28) + 4 * (static_cast<int>(threadIdx.x) / 16) + i; }
__device__ __forceinline__ int column_of() { return static_cast<int>(threadIdx.x) % 16 * 4; }

// Four elements whose places place_of(0) ... place_of(3) follow one another if V = 4; a negative place is a zero.
template <int V, typename F> __device__ __forceinline__ float4 gather(const float* __restrict__ from, const F& place_of) {
    if (V == 4) {
        long long at = place_of(0);
        return at >= 0 ? load4(from + at) : make_float4(0.0f, 0.0f, 0.0f, 0.0f);
    }
    long long at[4] = {place_of(0), place_of(1), place_of(2), place_of(3)};
    return make_float4(at[0] >= 0 ? from[at[0]] : 0.0f, at[1] >= 0 ? from[at[1]] : 0.0f, at[2] >= 0 ? from[at[2]] : 0.0f, at[3] >= 0 ? from[at[3]] : 0.0f);
}

// bias (O) and residual (like output) may be null.
template <int V>
__global__ void __launch_bounds__(THREADS, 4) conv2d_forward(const float* __restrict__ input, const float* __restrict__ weight,
    const float* __restrict__ bias, const float* residual, float* output, int B, int H, int W, int C, int O, int KH, int KW, int stride,
    int padding, int groups, int OH, int OW, int relu) {
    int M = B * OH * OW, groupC = C / groups, N = O / groups, K = KH * KW * groupC;
    int m0 = blockIdx.x * TILE, n0 = blockIdx.y * TILE, group = blockIdx.z, t = threadIdx.x;
    // The two pixels of which this thread loads: their first row and column of input; far outside if there is no such pixel.
    int image[2], top[2], left[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int m = m0 + t / 4 + 32 * half;
        image[half] = m / (OH * OW);
        top[half] = m < M ? m / OW % OH * stride - padding : -(1 << 28);
        left[half] = m % OW * stride - padding;
    }
    float sums[8][4] = {};
    tile_product<true, true>(sums, 0, K,
        [&](int k0, float4 (&v)[2]) {
#pragma unroll
            for (int half = 0; half < 2; half++)
                v[half] = gather<V>(input, [&](int i) {
                    int k = k0 + t % 4 * 4 + i, tap = k / groupC, c = k - tap * groupC, ky = tap / KW, y = top[half] + ky, x = left[half] + tap - ky * KW;
                    // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
                    bool inside = k < K && y >= 0 && y < H && x >= 0 && x < W;
                    return inside ? ((static_cast<long long>(image[half]) * H + y) * W + x) * C + group * groupC + c : -1ll;
                });
        },
        [&](int k0, float4 (&v)[2]) {
#pragma unroll
            for (int half = 0; half < 2; half++)
                v[half] = gather<V>(weight, [&](int i) {
                    int n = n0 + t / 4 + 32 * half, k = k0 + t % 4 * 4 + i;
                    // weight[o, k] is at o * K + k
                    return n < N && k < K ? (static_cast<long long>(group) * N + n) * K + k : -1ll;
                });
        });
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + row_of(i), n = n0 + column_of();
        if (m >= M || n >= N) continue;
        // output[m, o] is at m * O + o
        int o = group * N + n;
        long long at = static_cast<long long>(m) * O + o;
#pragma unroll
        for (int j = 0; j < 4; j += V) {
            if (n + j >= N) continue;
            Pack y = V == 4 ? Pack{{sums[i][0], sums[i][1], sums[i][2], sums[i][3]}} : Pack{{sums[i][j], 0.0f, 0.0f, 0.0f}}, b = {}, r = {};
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

template <int V>
__global__ void __launch_bounds__(THREADS, 4) conv2d_backward_input(const float* __restrict__ dOutput, const float* __restrict__ weight,
    float* __restrict__ dInput, int B, int H, int W, int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW,
    int accumulate) {
    int group = blockIdx.z / (stride * stride), residue = blockIdx.z % (stride * stride), ry = residue / stride, rx = residue % stride;
    // The pixels (ry + stride y, rx + stride x), y < rows, x < columns, and the taps that reach them: ky0 + stride jy, jy < tapsY
    int rows = (H - ry + stride - 1) / stride, columns = (W - rx + stride - 1) / stride, M = B * max(0, rows) * max(0, columns);
    int ky0 = (ry + padding) % stride, kx0 = (rx + padding) % stride;
    int tapsY = ky0 < KH ? (KH - 1 - ky0) / stride + 1 : 0, tapsX = kx0 < KW ? (KW - 1 - kx0) / stride + 1 : 0;
    int N = C / groups, groupO = O / groups, K = tapsY * tapsX * groupO, m0 = blockIdx.x * TILE, n0 = blockIdx.y * TILE, t = threadIdx.x;
    if (m0 >= M) return;
    int image[2], bottom[2], right[2];
#pragma unroll
    for (int half = 0; half < 2; half++) {
        int m = m0 + t / 4 + 32 * half;
        image[half] = m / (rows * columns);
        // Tap jy takes row bottom - jy of dOutput.
        bottom[half] = m < M ? m / columns % rows + (ry + padding - ky0) / stride : -(1 << 28);
        right[half] = m % columns + (rx + padding - kx0) / stride;
    }
    float sums[8][4] = {};
    tile_product<true, false>(sums, 0, K,
        [&](int k0, float4 (&v)[2]) {
#pragma unroll
            for (int half = 0; half < 2; half++)
                v[half] = gather<V>(dOutput, [&](int i) {
                    int k = k0 + t % 4 * 4 + i, tap = k / groupO, o = k - tap * groupO, jy = tap / tapsX, y = bottom[half] - jy, x = right[half] - (tap - jy * tapsX);
                    // dOutput[b,y,x,o] is at ((b * OH + y) * OW + x) * O + o
                    bool inside = k < K && y >= 0 && y < OH && x >= 0 && x < OW;
                    return inside ? ((static_cast<long long>(image[half]) * OH + y) * OW + x) * O + group * groupO + o : -1ll;
                });
        },
        [&](int k0, float4 (&v)[2]) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int k = k0 + t / 16 + 8 * half;
                if (k >= K) {
                    v[half] = make_float4(0.0f, 0.0f, 0.0f, 0.0f);
                    continue;
                }
                int tap = k / groupO, o = k - tap * groupO, jy = tap / tapsX, ky = ky0 + stride * jy, kx = kx0 + stride * (tap - jy * tapsX);
                // weight[o,ky,kx,c] is at ((o * KH + ky) * KW + kx) * N + c
                long long row = ((static_cast<long long>(group * groupO + o) * KH + ky) * KW + kx) * N;
                v[half] = gather<V>(weight, [&](int i) {
                    int n = n0 + column_of() + i;
                    return n < N ? row + n : -1ll;
                });
            }
        });
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + row_of(i), n = n0 + column_of();
        if (m >= M || n >= N) continue;
        int b = m / (rows * columns), y = ry + stride * (m / columns % rows), x = rx + stride * (m % columns);
        // dInput[b,y,x,c] is at ((b * H + y) * W + x) * C + c
        float* to = dInput + ((static_cast<long long>(b) * H + y) * W + x) * C + group * N + n;
#pragma unroll
        for (int j = 0; j < 4; j += V)
            if (n + j < N)
                give_pack(to + j, V == 4 ? Pack{{sums[i][0], sums[i][1], sums[i][2], sums[i][3]}} : Pack{{sums[i][j], 0.0f, 0.0f, 0.0f}}, accumulate, V);
    }
}

template <int V>
__global__ void __launch_bounds__(THREADS, 4) conv2d_backward_weight(const float* __restrict__ dOutput, const float* __restrict__ input,
    float* __restrict__ partial, int B, int H, int W, int C, int O, int KH, int KW, int stride, int padding, int groups, int OH, int OW,
    int splitPixels) {
    int groupC = C / groups, M = O / groups, N = KH * KW * groupC, pixels = B * OH * OW;
    int group = blockIdx.z % groups, split = blockIdx.z / groups, m0 = blockIdx.y * TILE, n0 = blockIdx.x * TILE, t = threadIdx.x;
    int from = split * splitPixels, to = min(pixels, from + splitPixels);
    // The filter elements (ky, kx, c) of this thread's columns of the second operand
    int tap_y[4], tap_x[4], channel[4];
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int n = n0 + column_of() + i, tap = n / groupC;
        channel[i] = n < N ? n - tap * groupC : -1;
        tap_y[i] = tap / KW - padding;
        tap_x[i] = tap % KW - padding;
    }
    float sums[8][4] = {};
    tile_product<false, false>(sums, from, to,
        [&](int k0, float4 (&v)[2]) {
#pragma unroll
            for (int half = 0; half < 2; half++)
                v[half] = gather<V>(dOutput, [&](int i) {
                    int k = k0 + t / 16 + 8 * half, m = m0 + column_of() + i;
                    // dOutput[pixel, o] is at pixel * O + o
                    return k < to && m < M ? static_cast<long long>(k) * O + group * M + m : -1ll;
                });
        },
        [&](int k0, float4 (&v)[2]) {
#pragma unroll
            for (int half = 0; half < 2; half++) {
                int k = k0 + t / 16 + 8 * half, image = k / (OH * OW), top = k / OW % OH * stride, left = k % OW * stride;
                v[half] = gather<V>(input, [&](int i) {
                    int y = top + tap_y[i], x = left + tap_x[i];
                    // input[b,y,x,c] is at ((b * H + y) * W + x) * C + c
                    bool inside = k < to && channel[i] >= 0 && y >= 0 && y < H && x >= 0 && x < W;
                    return inside ? ((static_cast<long long>(image) * H + y) * W + x) * C + group * groupC + channel[i] : -1ll;
                });
            }
        });
#pragma unroll
    for (int i = 0; i < 8; i++) {
        int m = m0 + row_of(i), n = n0 + column_of();
        if (m >= M || n >= N) continue;
        // partial[split, o, n] is at (split * O + o) * N + n
        float* at = partial + (static_cast<long long>(split) * O + group * M + m) * N + n;
#pragma unroll
        for (int j = 0; j < 4; j += V)
            if (n + j < N) store_pack(at + j, V == 4 ? Pack{{sums[i][0], sums[i][1], sums[i][2], sums[i][3]}} : Pack{{sums[i][j], 0.0f, 0.0f, 0.0f}}, V);
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

EXPORT_KERNEL(conv2d_forward_float32, (conv2d_forward<4>));
EXPORT_KERNEL(conv2d_forward_any_float32, (conv2d_forward<1>));
EXPORT_KERNEL(conv2d_backward_input_float32, (conv2d_backward_input<4>));
EXPORT_KERNEL(conv2d_backward_input_any_float32, (conv2d_backward_input<1>));
EXPORT_KERNEL(conv2d_backward_weight_float32, (conv2d_backward_weight<4>));
EXPORT_KERNEL(conv2d_backward_weight_any_float32, (conv2d_backward_weight<1>));
EXPORT_KERNEL(conv2d_backward_weight_total_float32, (conv2d_backward_weight_total));
