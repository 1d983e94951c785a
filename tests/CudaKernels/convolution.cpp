// conv2d: forward with its epilogue, both gradients, all strides, paddings and groups.
#include "check.h"

struct Shape { int B, H, W, C, O, KH, KW, stride, padding, groups; };

static void convolution(const Shape& s, int split_pixels, bool accumulate, bool epilogue) {
    auto [B, H, W, C, O, KH, KW, stride, padding, groups] = s;
    int OH = (H + 2 * padding - KH) / stride + 1, OW = (W + 2 * padding - KW) / stride + 1, gc = C / groups, go_ = O / groups;
    bool vectors = gc % 4 == 0 && go_ % 4 == 0;
    std::string any = vectors ? "" : "_any", what = "conv2d" + any + " " + std::to_string(KH) + "x" + std::to_string(KW) + "/" + std::to_string(stride) + " C" + std::to_string(C);
    size_t ins = size_t(B * H * W * C), outs = size_t(B * OH * OW * O), weights = size_t(O * KH * KW * gc);
    Values x = random_values(ins, 1), w = random_values(weights, 2), bias = random_values(size_t(O), 3), res = random_values(outs, 4), g = random_values(outs, 5);
    Values old_x = random_values(ins, 6), old_w = random_values(weights, 7);
    Doubles y(outs), dx(ins), dw(weights);
    for (int b = 0; b < B; b++)
        for (int oy = 0; oy < OH; oy++)
            for (int ox = 0; ox < OW; ox++)
                for (int o = 0; o < O; o++) {
                    size_t at = size_t(((b * OH + oy) * OW + ox) * O + o);
                    for (int ky = 0; ky < KH; ky++)
                        for (int kx = 0; kx < KW; kx++) {
                            int iy = oy * stride + ky - padding, ix = ox * stride + kx - padding;
                            if (iy < 0 || iy >= H || ix < 0 || ix >= W) continue;
                            for (int c = 0; c < gc; c++) {
                                size_t i = size_t(((b * H + iy) * W + ix) * C + o / go_ * gc + c), k = size_t(((o * KH + ky) * KW + kx) * gc + c);
                                y[at] += double(x[i]) * w[k], dx[i] += double(g[at]) * w[k], dw[k] += double(g[at]) * x[i];
                            }
                        }
                    if (epilogue) y[at] = std::max(0.0, y[at] + bias[size_t(o)] + res[at]);
                }
    Device<float> in(x), weight(w), dev_bias(bias), residual(res), out(outs), dOut(g);
    auto tiles = [](int n) { return unsigned(n + 63) / 64; };
    float *pb = epilogue ? *dev_bias : nullptr, *pr = epilogue ? *residual : nullptr;
    go("conv2d", "conv2d_forward" + any + "_float32", {tiles(B * OH * OW), tiles(go_), unsigned(groups)}, {128}, 0, *in, *weight, pb, pr, *out, B, H, W, C, O, KH, KW, stride,
        padding, groups, OH, OW, int(epilogue));
    compare(what + " output", out.get(), y, 2e-6);
    Buffer dIn = target(old_x, accumulate, false), dWeight = target(old_w, accumulate, false);
    int rows = (H + stride - 1) / stride, columns = (W + stride - 1) / stride;
    go("conv2d", "conv2d_backward_input" + any + "_float32", {tiles(B * rows * columns), tiles(gc), unsigned(groups * stride * stride)}, {128}, 0, *dOut, *weight, *dIn, B, H, W,
        C, O, KH, KW, stride, padding, groups, OH, OW, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old_x, accumulate), 2e-6);
    int splits = (B * OH * OW + split_pixels - 1) / split_pixels;
    Device<float> partial(weights * size_t(splits));
    go("conv2d", "conv2d_backward_weight" + any + "_float32", {tiles(KH * KW * gc), tiles(go_), unsigned(groups * splits)}, {128}, 0, *dOut, *in, *partial, B, H, W, C, O, KH, KW,
        stride, padding, groups, OH, OW, split_pixels);
    go("conv2d", "conv2d_backward_weight_total_float32", {2}, {128}, 0, *partial, *dWeight, (long long)weights, splits, int(accumulate));
    compare(what + " dWeight", dWeight.get(), given(dw, old_w, accumulate), 2e-6);
}

void check_convolution() {
    convolution({2, 7, 9, 16, 24, 3, 3, 1, 1, 1}, 48, false, true);
    convolution({2, 9, 11, 32, 68, 3, 3, 2, 1, 1}, 32, true, false);
    convolution({1, 8, 7, 64, 32, 1, 1, 2, 0, 1}, 16, false, false);
    convolution({1, 13, 10, 16, 16, 1, 1, 1, 0, 1}, 1024, true, true);
    convolution({2, 15, 12, 3, 16, 7, 7, 2, 3, 1}, 32, false, false);
    convolution({1, 6, 5, 12, 8, 2, 3, 3, 2, 4}, 16, false, true);
    convolution({1, 6, 5, 16, 16, 3, 3, 1, 1, 16}, 16, true, false);
    convolution({1, 9, 8, 32, 16, 3, 3, 2, 1, 2}, 64, false, false);
    convolution({1, 10, 11, 8, 5, 4, 4, 4, 0, 1}, 16, false, false);
}
