// conv2d_few_channels and conv2d_few_filters: packed images and weights, their gradient's way back, and pointwise convolutions to few filters.
#include "check.h"

struct Pack { int B, H, W, C, R, padding, PH, PW, columns; };

// What conv2d_few_channels_pack makes of a source, and where in it an element of a filter is.
static void pack(const std::string& types, bool from_half, bool to_half, const Pack& s) {
    auto [B, H, W, C, R, padding, PH, PW, columns] = s;
    int piece = to_half ? 8 : 4, PC = (R * R * C + piece - 1) / piece * piece;
    Values source = random_values(size_t(B * H * W * C), 1, from_half), packed(size_t(B * PH * PW * PC));
    for (int b = 0; b < B; b++)
        for (int Y = 0; Y < PH; Y++)
            for (int X = 0; X < PW; X++)
                for (int k = 0; k < R * R * C; k++) {
                    int y = Y * R + k / C / R - padding, x = X * R + k / C % R - padding;
                    if (y >= 0 && y < H && x >= 0 && x < W)
                        packed[size_t(((b * PH + Y) * PW + X) * PC + k)] = source[size_t(((b * H + y) * W + x) * C + k % C)];
                }
    Buffer in(source, from_half), out(packed.size(), to_half);
    go("conv2d_few_channels", "conv2d_few_channels_pack" + types, {unsigned(B * PH * ((PW + columns - 1) / columns))}, {256}, 0, *in, *out, B, H, W, C, R, padding, PH, PW, PC,
        columns);
    same("packed" + types + " C" + std::to_string(C) + " R" + std::to_string(R), out.get(), stored(packed, to_half));
}

static void total(int O, int KH, int KW, int C, int R, int PC, int splits, bool accumulate) {
    int PKH = (KH + R - 1) / R, PKW = (KW + R - 1) / R;
    size_t packed = size_t(O * PKH * PKW * PC), count = size_t(O * KH * KW * C);
    Values partial = random_values(packed * size_t(splits), 2), old = random_values(count, 3);
    Doubles sums(count);
    for (int o = 0; o < O; o++)
        for (int ky = 0; ky < KH; ky++)
            for (int kx = 0; kx < KW; kx++)
                for (int c = 0; c < C; c++)
                    for (int split = 0; split < splits; split++)
                        sums[size_t(((o * KH + ky) * KW + kx) * C + c)] += partial[size_t(split) * packed
                            + size_t(((o * PKH + ky / R) * PKW + kx / R) * PC + (ky % R * R + kx % R) * C + c)];
    Device<float> from(partial);
    Buffer dWeight = target(old, accumulate, false);
    go("conv2d_few_channels", "conv2d_few_channels_total", {2}, {128}, 0, *from, *dWeight, O, KH, KW, C, R, PKH, PKW, PC, splits, int(accumulate));
    compare("dWeight of packed channels", dWeight.get(), given(sums, old, accumulate), 2e-7);
}

static void few_filters(bool half, int pixels, int C, int O, int block_pixels, bool has_bias, bool accumulate) {
    std::string type = type_name(half), what = "few filters" + type + " " + std::to_string(C) + "->" + std::to_string(O);
    size_t ins = size_t(pixels) * size_t(C), outs = size_t(pixels * O), weights = size_t(O * C);
    Values x = random_values(ins, 1, half), w = random_values(weights, 2), bias = random_values(size_t(O), 3), g = random_values(outs, 4, half);
    Values old_x = random_values(ins, 5, half), old_w = random_values(weights, 6);
    Doubles y(outs), dx(ins), dw(weights);
    for (size_t p = 0; p < size_t(pixels); p++)
        for (size_t o = 0; o < size_t(O); o++) {
            size_t at = p * size_t(O) + o;
            if (has_bias) y[at] = bias[o];
            for (size_t c = 0; c < size_t(C); c++) {
                size_t i = p * size_t(C) + c, k = o * size_t(C) + c;
                y[at] += double(x[i]) * w[k], dx[i] += double(g[at]) * w[k], dw[k] += double(g[at]) * x[i];
            }
        }
    Buffer in(x, half), dOut(g, half), out(outs, half), dIn = target(old_x, accumulate, half), dWeight = target(old_w, accumulate, false);
    Device<float> weight(w), dev_bias(bias);
    void* b = has_bias ? *dev_bias : nullptr;
    double tolerance = half ? 4e-3 : 1e-6;
    go("conv2d_few_filters", "conv2d_few_filters_forward" + type, {unsigned(pixels + 511) / 512}, {256}, 0, *in, *weight, b, *out, pixels, C, O);
    compare(what + " output", out.get(), y, tolerance);
    go("conv2d_few_filters", "conv2d_few_filters_backward_input" + type, {3}, {256}, 0, *dOut, *weight, *dIn, pixels, C, O, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old_x, accumulate), tolerance);
    int blocks = (pixels + block_pixels - 1) / block_pixels, count = O * C;
    Device<float> partial(2 * size_t(blocks) * weights);
    go("conv2d_few_filters", "conv2d_few_filters_backward_weight" + type, {unsigned(blocks)}, {256}, 0, *dOut, *in, *partial, pixels, C, O, block_pixels);
    go("column_sum", "column_sum_total", {unsigned(count + 31) / 32}, {256}, 0, *partial, *dWeight, blocks, count, int(accumulate));
    compare(what + " dWeight", dWeight.get(), given(dw, old_w, accumulate), 1e-6);
}

void check_few() {
    struct Types { std::string name; bool from_half, to_half; };
    for (auto& [name, from_half, to_half] : {Types{"_float32", false, false}, Types{"_bf16", true, true}, Types{"_float32_to_bf16", false, true}}) {
        // A stem's and a patch embedding's images, odd sizes in strips, and two filters' weights.
        pack(name, from_half, to_half, {1, 9, 224, 3, 2, 3, 7, 115, 115});
        pack(name, from_half, to_half, {2, 8, 224, 3, 4, 0, 2, 56, 56});
        pack(name, from_half, to_half, {2, 7, 201, 3, 3, 2, 4, 68, 17});
        pack(name, from_half, to_half, {1, 5, 112, 5, 1, 1, 7, 114, 114});
        pack(name, from_half, to_half, {16, 7, 7, 3, 2, 0, 4, 4, 4});
        pack(name, from_half, to_half, {8, 2, 3, 1, 4, 0, 1, 1, 1});
    }
    total(16, 7, 7, 3, 2, 16, 40, false);
    total(24, 4, 4, 3, 4, 48, 33, true);
    total(8, 3, 2, 5, 1, 8, 6, true);
    for (bool half : {false, true}) {
        few_filters(half, 1100, 96, 3, 300, true, false);
        few_filters(half, 1030, 24, 3, 300, false, true);
        few_filters(half, 515, 8, 4, 512, true, true);
        few_filters(half, 33, 40, 1, 256, true, false);
        // More pieces than threads.
        few_filters(half, 19, half ? 2064 : 1032, 2, 10, false, false);
    }
}
