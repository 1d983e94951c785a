// conv2d: forward with its epilogue, both gradients, all strides, paddings and groups.
#include "check.h"

struct Shape { int B, H, W, C, O, KH, KW, stride, padding, groups; };

// The operands are rounded to what the matrix units see, so that references need no rounding of their own.
static Values operand(size_t count, unsigned seed, const std::string& precision) {
    Values values = random_values(count, seed, precision == "_bf16");
    if (precision == "_tf32")
        for (float& v : values) v = round_tf32(v);
    return values;
}

static void convolution(const std::string& precision, const Shape& s, int split_pixels, bool accumulate, bool epilogue) {
    bool half = precision == "_bf16";
    auto [B, H, W, C, O, KH, KW, stride, padding, groups] = s;
    int OH = (H + 2 * padding - KH) / stride + 1, OW = (W + 2 * padding - KW) / stride + 1, gc = C / groups, go_ = O / groups;
    bool vectors = gc % 4 == 0 && go_ % 4 == 0;
    std::string any = (vectors ? "" : "_any") + precision, what = "conv2d" + any + " " + std::to_string(KH) + "x" + std::to_string(KW) + "/" + std::to_string(stride) + " C" + std::to_string(C);
    size_t ins = size_t(B * H * W * C), outs = size_t(B * OH * OW * O), weights = size_t(O * KH * KW * gc);
    Values x = operand(ins, 1, precision), w = operand(weights, 2, precision), bias = random_values(size_t(O), 3), res = random_values(outs, 4, half), g = operand(outs, 5, precision);
    Values old_x = random_values(ins, 6, half), old_w = random_values(weights, 7);
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
    Buffer in(x, half), weight(w, half), residual(res, half), out(outs, half), dOut(g, half);
    Device<float> dev_bias(bias);
    double tolerance = half ? 4e-3 : 2e-6;
    auto tiles = [](int n) { return unsigned(n + 63) / 64; };
    void *pb = epilogue ? *dev_bias : nullptr, *pr = epilogue ? *residual : nullptr;
    go("conv2d", "conv2d_forward" + any, {tiles(B * OH * OW), tiles(go_), unsigned(groups)}, {128}, 0, *in, *weight, pb, pr, *out, B, H, W, C, O, KH, KW, stride,
        padding, groups, OH, OW, int(epilogue));
    compare(what + " output", out.get(), y, tolerance);
    Buffer dIn = target(old_x, accumulate, half), dWeight = target(old_w, accumulate, false);
    int rows = (H + stride - 1) / stride, columns = (W + stride - 1) / stride;
    go("conv2d", "conv2d_backward_input" + any, {tiles(B * rows * columns), tiles(gc), unsigned(groups * stride * stride)}, {128}, 0, *dOut, *weight, *dIn, B, H, W,
        C, O, KH, KW, stride, padding, groups, OH, OW, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old_x, accumulate), tolerance);
    int splits = (B * OH * OW + split_pixels - 1) / split_pixels;
    Device<float> partial(weights * size_t(splits));
    go("conv2d", "conv2d_backward_weight" + any, {tiles(KH * KW * gc), tiles(go_), unsigned(groups * splits)}, {128}, 0, *dOut, *in, *partial, B, H, W, C, O, KH, KW,
        stride, padding, groups, OH, OW, split_pixels);
    go("conv2d", "conv2d_backward_weight_total_float32", {2}, {128}, 0, *partial, *dWeight, (long long)weights, splits, int(accumulate));
    compare(what + " dWeight", dWeight.get(), given(dw, old_w, accumulate), 2e-6);
}

void check_convolution() {
    for (std::string precision : {"_float32", "_tf32", "_bf16"}) {
        convolution(precision, {2, 7, 9, 16, 24, 3, 3, 1, 1, 1}, 48, false, true);
        convolution(precision, {2, 9, 11, 32, 68, 3, 3, 2, 1, 1}, 32, true, false);
        convolution(precision, {1, 8, 7, 64, 32, 1, 1, 2, 0, 1}, 16, false, false);
        convolution(precision, {1, 13, 10, 16, 16, 1, 1, 1, 0, 1}, 1024, true, true);
        convolution(precision, {2, 15, 12, 3, 16, 7, 7, 2, 3, 1}, 32, false, false);
        convolution(precision, {1, 6, 5, 12, 8, 2, 3, 3, 2, 4}, 16, false, true);
        convolution(precision, {1, 6, 5, 16, 16, 3, 3, 1, 1, 16}, 16, true, false);
        convolution(precision, {1, 9, 8, 32, 16, 3, 3, 2, 1, 2}, 64, false, false);
        convolution(precision, {1, 10, 11, 8, 5, 4, 4, 4, 0, 1}, 16, false, false);
    }
}
