// Space-to-depth for convolutions of few channels, such as an image's, whose pixels are not a multiple of 16 bytes. Input and weight get
// R x R pixels as the channels of one; conv2d.cu and conv2d_tensor_core.cu then convolve with 1 / R of the stride and no padding.
//   pack:  packed[b,Y,X,(dy R + dx) C + c] = source[b, R Y + dy - padding, R X + dx - padding, c], 0 outside the source and in the channels
//     from R R C on. source (B,H,W,C), packed (B,PH,PW,PC), PC = R R C rounded up to whole 16 bytes. R = 1 or the convolution's stride.
//     Input: PH = (OH - 1) stride / R + ceil(KH / R), all that is read. Weight (O,KH,KW,C), packed as one image per filter: padding 0,
//     PH = ceil(KH / R). Filter element (ky, kx, c) meets pixel R Y + ky: block (ky / R, kx / R), channel ((ky % R) R + kx % R) C + c.
//   total: dWeight[o,ky,kx,c] = or += (`accumulate`) sum over splits of partial[split, o, ky / R, kx / R, the channel above], in order and
//     to about twice float's precision; partial (splits, O, PKH, PKW, PC) is the output of the packed weight's gradient kernel.
// pack: float or bf16 by its name; total: float. Saves nothing: the packed input also serves the backward pass. Memory-bound.
// A block of 256 threads packs `columns` blocks of one row: it reads their pixels in order and rearranges them in shared memory.
// Launch: pack grid (B PH ceil(PW / columns)), columns = min(PW, 4096 / PC), PC at most 4096; total grid any, useful up to
// ceil(elements / 512), elements = O PKH PKW PC, blocks of 128. No dynamic shared memory.
// Over 1.25 times the ideal: conv2d_few_channels_pack_*: consecutive pixels lie R R C channels apart in shared memory and conflict in banks; memory limits the pass.
#include "common.cuh"

constexpr int THREADS = 256, TOTAL_THREADS = 128, TILE = 4096;

template <typename FROM, typename TO>
__global__ void __launch_bounds__(THREADS) conv2d_few_channels_pack(const FROM* __restrict__ source, TO* __restrict__ packed, int B, int H, int W, int C,
    int R, int padding, int PH, int PW, int PC, int columns) {
    SHARED(TO, tile, [TILE]);
    constexpr int PER = 16 / sizeof(TO);
    int strips = (PW + columns - 1) / columns, line = blockIdx.x / strips, X0 = blockIdx.x % strips * columns, count = min(columns, PW - X0);
    int b = line / PH, Y = line - b * PH, run = R * C, spare = PC - R * run;
    for (int dy = 0; dy < R; dy++) {
        int y = R * Y + dy - padding;
        // source[b,y,x,c] is at ((b * H + y) * W + x) * C + c
        const FROM* row = source + (static_cast<long long>(b) * H + y) * W * C;
        bool inside = y >= 0 && y < H;
        for (int i = threadIdx.x; i < count * run; i += THREADS) {
            int X = i / run, at = (R * X0 - padding) * C + i;
            store1(tile + X * PC + dy * run + i - X * run, inside && at >= 0 && at < W * C ? load1(row + at) : 0.0f);
        }
    }
    for (int i = threadIdx.x; i < count * spare; i += THREADS) store1(tile + i / spare * PC + R * run + i % spare, 0.0f);
    __syncthreads();
    // packed[b,Y,X,k] is at ((b * PH + Y) * PW + X) * PC + k
    TO* target = packed + (static_cast<long long>(line) * PW + X0) * PC;
    for (int i = PER * threadIdx.x; i < count * PC; i += PER * THREADS)
        store_vector(reinterpret_cast<uint4*>(target + i), load_vector(reinterpret_cast<const uint4*>(tile + i)));
}

__global__ void __launch_bounds__(TOTAL_THREADS) conv2d_few_channels_total(const float* __restrict__ partial, float* __restrict__ dWeight, int O, int KH,
    int KW, int C, int R, int PKH, int PKW, int PC, int splits, int accumulate) {
    long long count = static_cast<long long>(O) * PKH * PKW * PC;
    for_each_pack(count, true, [&](long long i, int V) {
        Sum sums[4] = {zero_sum(), zero_sum(), zero_sum(), zero_sum()};
#pragma unroll 4
        for (int split = 0; split < splits; split++) {
            Pack x = load_pack(partial + split * count + i, V);
#pragma unroll
            for (int k = 0; k < 4; k++) add(sums[k], x.v[k]);
        }
        int block = static_cast<int>(i / PC), jx = block % PKW, jy = block / PKW % PKH, o = block / (PKW * PKH);
#pragma unroll
        for (int k = 0; k < 4; k++) {
            int channel = static_cast<int>(i - static_cast<long long>(block) * PC) + k, pixel = channel / C, dy = pixel / R;
            int ky = jy * R + dy, kx = jx * R + pixel - dy * R;
            if (dy >= R || ky >= KH || kx >= KW) continue;
            // dWeight[o,ky,kx,c] is at ((o * KH + ky) * KW + kx) * C + c
            give_pack(dWeight + (static_cast<long long>(o * KH + ky) * KW + kx) * C + channel - pixel * C, Pack{{value(sums[k])}}, accumulate, 1);
        }
    });
}

EXPORT_KERNEL(conv2d_few_channels_pack_float32, (conv2d_few_channels_pack<float, float>));
EXPORT_KERNEL(conv2d_few_channels_pack_bf16, (conv2d_few_channels_pack<bf16, bf16>));
EXPORT_KERNEL(conv2d_few_channels_pack_float32_to_bf16, (conv2d_few_channels_pack<float, bf16>));
EXPORT_KERNEL(conv2d_few_channels_total, (conv2d_few_channels_total));
