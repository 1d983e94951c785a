// conv2d and conv2d_tensor_core: forward with its prologue, epilogue and statistics, both gradients, all strides, paddings and groups.
#include "check.h"

struct Shape { int B, H, W, C, O, KH, KW, stride, padding, groups; };

// What the matrix units see of a number; the kernels of float32 and of any shape see all of it.
static float seen(float v, const std::string& precision, bool units) {
    if (!units) return v;
    return precision == "_bf16" ? from_bf16(to_bf16(v)) : round_tf32(v);
}
static Values operand(size_t count, unsigned seed, const std::string& precision, bool units) {
    Values values = random_values(count, seed, precision == "_bf16");
    for (float& v : values) v = seen(v, precision, units);
    return values;
}

// The kernels' names: which file, and what is between the pass and the element type.
struct Names {
    std::string file, any, type;
    bool units;
    std::string of(const std::string& pass, const std::string& variant = "") const { return "conv2d_" + pass + any + (units ? variant : "") + type; }
};
static Names names_of(const std::string& precision, const Shape& s) {
    int width = precision == "_bf16" ? 8 : 4;
    bool vectors = s.C / s.groups % width == 0 && s.O / s.groups % width == 0;
    if (vectors && precision != "_float32") return {"conv2d_tensor_core", "", precision, true};
    return {"conv2d", vectors ? "" : "_any", precision == "_tf32" ? "_float32" : precision, false};
}

// Mean and rstd per channel of what the forward pass wrote, from its statistics.
static void check_statistics(const std::string& what, const Values& output, int rows, int O, int tile, const Device<float>& statistics) {
    size_t channels = size_t(O);
    Doubles mean(channels), variance(channels), rstd(channels), scale(channels), shift(channels), running(channels), running_variance(channels);
    for (size_t i = 0; i < output.size(); i++) mean[i % channels] += double(output[i]) / rows;
    for (size_t i = 0; i < output.size(); i++) variance[i % channels] += (output[i] - mean[i % channels]) * (output[i] - mean[i % channels]) / rows;
    Values w = random_values(channels, 20), b = random_values(channels, 21), rm = random_values(channels, 22), rv(channels, 1.5f);
    for (size_t c = 0; c < channels; c++) {
        rstd[c] = 1 / std::sqrt(variance[c] + 1e-5), scale[c] = w[c] * rstd[c], shift[c] = b[c] - mean[c] * scale[c];
        running[c] = 0.9 * rm[c] + 0.1 * mean[c], running_variance[c] = 0.9 * rv[c] + 0.1 * variance[c] * rows / (rows - 1);
    }
    Device<float> weight(w), bias(b), running_mean(rm), running_var(rv), m(channels), r(channels), s(channels), t(channels);
    go("batch_norm", "batch_norm_forward_coefficients_of_tiles", {(unsigned(O) + 7) / 8}, {256}, 0, *statistics, *weight, *bias, *running_mean, *running_var, *m, *r, *s, *t,
        rows, O, tile, 1e-5f, 0.1f);
    compare(what + " mean", m.get(), mean, 2e-7);
    compare(what + " rstd", r.get(), rstd, 5e-7);
    compare(what + " scale", s.get(), scale, 5e-7);
    compare(what + " shift", t.get(), shift, 1e-6);
    compare(what + " running mean", running_mean.get(), running, 2e-7);
    compare(what + " running variance", running_var.get(), running_variance, 5e-7);
}

// The statistics as a forward pass writes them, of rows that no convolution made: for the removal of batch_norm.cu's barriers.
void check_tile_statistics() {
    int rows = 300, O = 13, tile = 4, tiles = (rows + tile - 1) / tile;
    Values output = random_values(size_t(rows * O), 31), values(size_t(tiles * 3 * O));
    for (int t = 0; t < tiles; t++)
        for (int c = 0; c < O; c++) {
            int end = std::min(rows, (t + 1) * tile);
            double mean = 0, deviations = 0, squares = 0;
            for (int row = t * tile; row < end; row++) mean += output[size_t(row * O + c)] / (end - t * tile);
            for (int row = t * tile; row < end; row++) {
                double d = output[size_t(row * O + c)] - double(float(mean));
                deviations += d, squares += d * d;
            }
            float* at = &values[size_t(3 * t * O + c)];
            at[0] = float(mean), at[O] = float(deviations), at[2 * O] = float(squares);
        }
    Device<float> statistics(values);
    check_statistics("statistics of tiles", output, rows, O, tile, statistics);
}

// normalised: the input is relu(batch norm(x)), and dOutput goes through the ReLU and batch norm that follow.
static void convolution(const std::string& precision, const Shape& s, int split_pixels, bool accumulate, bool epilogue, bool normalised) {
    auto [B, H, W, C, O, KH, KW, stride, padding, groups] = s;
    Names names = names_of(precision, s);
    bool half = precision == "_bf16";
    int OH = (H + 2 * padding - KH) / stride + 1, OW = (W + 2 * padding - KW) / stride + 1, gc = C / groups, go_ = O / groups, rows = B * OH * OW;
    std::string what = names.of("", normalised ? "normalised" : "") + precision + " " + std::to_string(KH) + "x" + std::to_string(KW) + "/" + std::to_string(stride) + " C" + std::to_string(C);
    size_t ins = size_t(B * H * W * C), outs = size_t(rows * O), weights = size_t(O * KH * KW * gc);
    Values x = operand(ins, 1, precision, names.units), w = operand(weights, 2, precision, names.units), g = operand(outs, 5, precision, names.units);
    Values bias = random_values(size_t(O), 3), res = random_values(outs, 4, half), old_x = random_values(ins, 6, half), old_w = random_values(weights, 7);
    Values z = random_values(outs, 8, half), norm = random_values(size_t(2 * C), 9), coefficients = random_values(size_t(4 * O), 10);
    // What x and g become on their way, as the products see it.
    Values xs = x, gs = g;
    if (normalised) {
        for (size_t i = 0; i < ins; i++) {
            float y = std::fma(x[i], norm[i % size_t(C)], norm[size_t(C) + i % size_t(C)]);
            xs[i] = seen(y < 0 ? 0 : y, precision, names.units);
        }
        for (size_t i = 0; i < outs; i++) {
            size_t o = i % size_t(O), n = size_t(O);
            float a = coefficients[o], masked = std::fma(z[i], a, coefficients[3 * n + o]) > 0 ? g[i] : 0;
            gs[i] = seen(std::fma(masked, a, std::fma(z[i], coefficients[n + o], coefficients[2 * n + o])), precision, names.units);
        }
    }
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
                                y[at] += double(xs[i]) * w[k], dx[i] += double(gs[at]) * w[k], dw[k] += double(gs[at]) * xs[i];
                            }
                        }
                    if (epilogue) y[at] = std::max(0.0, y[at] + bias[size_t(o)] + res[at]);
                }
    Buffer in(x, half), weight(w, half), residual(res, half), dOut(g, half), saved(z, half);
    Device<float> dev_bias(bias), dev_norm(norm), dev_coefficients(coefficients);
    // Names without `normalised` do not read these; with them, conv2d.cu takes null for no.
    void *pn = normalised ? *dev_norm : nullptr, *pz = normalised ? *saved : nullptr, *pc = normalised ? *dev_coefficients : nullptr;
    void *pb = epilogue ? *dev_bias : nullptr, *pr = epilogue ? *residual : nullptr;
    double tolerance = half ? 4e-3 : 2e-6;
    auto tiles = [](int n, int tile = 64) { return unsigned(n + tile - 1) / unsigned(tile); };
    std::string variant = normalised ? "_normalised" : "";
    for (int tile : {64, 128}) {
        if (tile == 128 && !names.units) continue;
        std::string large = tile == 128 ? "_large" : "";
        Buffer out(outs, half);
        Device<float> statistics(epilogue ? 1 : size_t(tiles(rows, tile)) * 3 * size_t(O));
        go(names.file, names.of("forward", variant + large), {tiles(rows, tile), tiles(go_), unsigned(groups)}, {128}, 0, *in, pn, *weight, pb, pr, *out,
            epilogue ? nullptr : *statistics, B, H, W, C, O, KH, KW, stride, padding, groups, OH, OW, int(epilogue));
        compare(what + large + " output", out.get(), y, tolerance);
        if (!epilogue) check_statistics(what + large, out.get(), rows, O, tile, statistics);
        if (tile == 128 && normalised) continue;
        Buffer dIn = target(old_x, accumulate, half);
        int residues = B * ((H + stride - 1) / stride) * ((W + stride - 1) / stride);
        go(names.file, names.of("backward_input", variant + large), {tiles(residues, tile), tiles(gc), unsigned(groups * stride * stride)}, {128}, 0, *dOut, pz, pc, *weight,
            *dIn, B, H, W, C, O, KH, KW, stride, padding, groups, OH, OW, int(accumulate));
        compare(what + large + " dInput", dIn.get(), given(dx, old_x, accumulate), tolerance);
    }
    int splits = (rows + split_pixels - 1) / split_pixels;
    auto check_weight = [&](const std::string& of, void* from_z, void* with_coefficients, void* with_norm, const Doubles& expected) {
        Device<float> partial(weights * size_t(splits));
        Buffer dWeight = target(old_w, accumulate, false);
        go(names.file, names.of("backward_weight", of), {tiles(KH * KW * gc), tiles(go_), unsigned(groups * splits)}, {128}, 0, *dOut, from_z, with_coefficients, *in, with_norm,
            *partial, B, H, W, C, O, KH, KW, stride, padding, groups, OH, OW, split_pixels);
        go("conv2d", "conv2d_backward_weight_total", {2}, {128}, 0, *partial, *dWeight, (long long)weights, splits, int(accumulate));
        compare(what + of + " dWeight", dWeight.get(), given(expected, old_w, accumulate), 2e-6);
    };
    check_weight(normalised ? "_normalised_both" : "", pz, pc, pn, dw);
    if (!normalised) return;
    // One operand made on the way, the other as it is.
    for (bool output : {true, false}) {
        Doubles expected(weights);
        for (int b = 0; b < B; b++)
            for (int oy = 0; oy < OH; oy++)
                for (int ox = 0; ox < OW; ox++)
                    for (int ky = 0; ky < KH; ky++)
                        for (int kx = 0; kx < KW; kx++) {
                            int iy = oy * stride + ky - padding, ix = ox * stride + kx - padding;
                            if (iy < 0 || iy >= H || ix < 0 || ix >= W) continue;
                            for (int o = 0; o < O; o++)
                                for (int c = 0; c < gc; c++) {
                                    size_t i = size_t(((b * H + iy) * W + ix) * C + o / go_ * gc + c), at = size_t(((b * OH + oy) * OW + ox) * O + o);
                                    expected[size_t(((o * KH + ky) * KW + kx) * gc + c)] += double(output ? gs[at] : g[at]) * (output ? x[i] : xs[i]);
                                }
                        }
        check_weight(output ? "_normalised" : "_normalised_input", output ? pz : nullptr, output ? pc : nullptr, output ? nullptr : pn, expected);
    }
}

// Means far from 0: the statistics are of 1x1 convolutions that change nothing.
static void distant_mean(const std::string& precision) {
    bool half = precision == "_bf16";
    Shape s = {1, 19, 17, 16, 16, 1, 1, 1, 0, 1};
    Names names = names_of(precision, s);
    int rows = s.H * s.W;
    Values x = random_values(size_t(rows * s.C), 1), w(256, 0.0f);
    for (float& v : x) v += half ? 100.0f : 1000.0f;
    x = stored(x, half);
    for (float& v : x) v = seen(v, precision, names.units);
    for (size_t i = 0; i < 16; i++) w[17 * i] = 1;
    Buffer in(x, half), weight(w, half), out(x.size(), half);
    Device<float> statistics(size_t((rows + 63) / 64) * 3 * 16);
    void* none = nullptr;
    go(names.file, names.of("forward"), {unsigned(rows + 63) / 64, 1, 1}, {128}, 0, *in, none, *weight, none, none, *out, *statistics, 1, s.H, s.W, 16, 16, 1, 1, 1, 0, 1, s.H,
        s.W, 0);
    same("conv2d" + precision + " that changes nothing", out.get(), x);
    check_statistics("conv2d" + precision + " distant", x, rows, 16, 64, statistics);
}

void check_convolution() {
    for (std::string precision : {"_float32", "_tf32", "_bf16"}) {
        for (bool normalised : {false, true}) {
            convolution(precision, {2, 7, 9, 16, 24, 3, 3, 1, 1, 1}, 64, false, !normalised, normalised);
            convolution(precision, {2, 9, 11, 32, 72, 3, 3, 2, 1, 1}, 32, true, false, normalised);
            convolution(precision, {1, 8, 7, 64, 32, 1, 1, 2, 0, 1}, 32, false, normalised, normalised);
            convolution(precision, {1, 9, 8, 32, 16, 3, 3, 2, 1, 2}, 64, false, false, normalised);
            convolution(precision, {1, 10, 11, 8, 5, 4, 4, 4, 0, 1}, 32, false, normalised, normalised);
        }
        convolution(precision, {1, 13, 10, 16, 16, 1, 1, 1, 0, 1}, 1024, true, true, false);
        convolution(precision, {2, 15, 12, 3, 16, 7, 7, 2, 3, 1}, 32, false, false, false);
        convolution(precision, {1, 6, 5, 12, 8, 2, 3, 3, 2, 4}, 32, false, true, false);
        convolution(precision, {1, 6, 5, 16, 16, 3, 3, 1, 1, 16}, 32, true, false, true);
        convolution(precision, {1, 5, 4, 68, 36, 3, 3, 1, 1, 1}, 32, false, false, false);
        distant_mean(precision);
    }
}
