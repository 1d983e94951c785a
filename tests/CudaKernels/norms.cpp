// batch_norm, column_sum, layer_norm and layer_norm_any.
#include "check.h"

static void batch_norm(bool half, int rows, int C, int block_rows, bool training, bool relu, bool residual, bool accumulate, float offset) {
    std::string type = type_name(half), what = "batch_norm" + type + " " + std::to_string(rows) + "x" + std::to_string(C);
    const float eps = 1e-5f, momentum = 0.1f;
    size_t count = size_t(rows * C), channels = size_t(C);
    Values x = random_values(count, 1), g = random_values(count, 2, half), r = random_values(count, 3, half), old = random_values(count, 4, half);
    for (size_t i = 0; i < count; i++) x[i] = 2 * x[i] + offset + float(i % channels);
    x = stored(x, half);
    Values w = random_values(channels, 5), b = random_values(channels, 6), rm = random_values(channels, 7), rv(channels), old_w = random_values(channels, 8), old_b = random_values(channels, 9);
    for (int c = 0; c < C; c++) rv[size_t(c)] = 0.5f + 0.1f * float(c % 7);
    Doubles mean(channels), variance(channels), rstd(channels), y(count), new_rm(channels), new_rv(channels);
    for (size_t c = 0; c < channels; c++) {
        for (size_t i = c; i < count; i += channels) mean[c] += double(x[i]) / rows;
        for (size_t i = c; i < count; i += channels) variance[c] += (x[i] - mean[c]) * (x[i] - mean[c]) / rows;
        new_rm[c] = 0.9 * rm[c] + 0.1 * mean[c], new_rv[c] = 0.9 * rv[c] + 0.1 * variance[c] * rows / (rows - 1);
        if (!training) mean[c] = rm[c], variance[c] = rv[c];
        rstd[c] = 1 / std::sqrt(variance[c] + eps);
    }
    for (size_t i = 0; i < count; i++) {
        size_t c = i % channels;
        y[i] = (x[i] - mean[c]) * rstd[c] * w[c] + b[c] + (residual ? r[i] : 0);
        if (relu) y[i] = std::max(y[i], 0.0);
    }
    Buffer in(x, half), res = residual ? Buffer(r, half) : Buffer(), out(count, half);
    Device<float> weight(w), bias(b), running_mean(rm), running_variance(rv), m(channels), s(channels), scale(channels), shift(channels);
    unsigned tiles = (unsigned(C) + 31) / 32, blocks = unsigned((rows + block_rows - 1) / block_rows);
    Device<float> partial(size_t(blocks) * 4 * channels);
    if (training) {
        go("batch_norm", "batch_norm_forward_statistics" + type, {tiles, blocks}, {256}, 0, *in, *partial, rows, C, block_rows);
        go("batch_norm", "batch_norm_forward_coefficients" + type, {tiles}, {256}, 0, *in, *partial, *weight, *bias, *running_mean, *running_variance, *m, *s, *scale,
            *shift, rows, C, int(blocks), eps, momentum);
        compare(what + " running mean", running_mean.get(), new_rm, 2e-7);
        compare(what + " running variance", running_variance.get(), new_rv, 5e-7);
    } else {
        go("batch_norm", "batch_norm_forward_running", {unsigned(C + 255) / 256}, {256}, 0, *running_mean, *running_variance, *weight, *bias, *m, *s, *scale, *shift, C, eps);
    }
    compare(what + " mean", m.get(), mean, 2e-7);
    compare(what + " rstd", s.get(), rstd, 5e-7);
    go("batch_norm", "batch_norm_forward_apply" + type, {tiles, 3}, {256}, 0, *in, *scale, *shift, *res, *out, rows, C, int(relu));
    double rounding = 1e-6 + 1e-7 * std::abs(offset);
    compare(what + " output", out.get(), y, half ? 4e-3 : rounding);

    Values output = out.get();
    Doubles masked(count), sum(channels), product(channels), dx(count);
    for (size_t i = 0; i < count; i++) {
        masked[i] = !relu || output[i] > 0 ? g[i] : 0;
        sum[i % channels] += masked[i], product[i % channels] += masked[i] * (x[i] - mean[i % channels]) * rstd[i % channels];
    }
    for (size_t i = 0; i < count; i++) {
        size_t c = i % channels;
        double xhat = (x[i] - mean[c]) * rstd[c];
        dx[i] = w[c] * rstd[c] * (training ? masked[i] - sum[c] / rows - xhat * product[c] / rows : masked[i]);
    }
    Buffer dOut(g, half), mask = relu ? Buffer(count, half) : Buffer(), dIn = target(old, accumulate, half);
    Device<float> coefficients(4 * channels), dWeight(old_w), dBias(old_b);
    // The mask comes from the output where a residual was added, else from scale and shift.
    bool recomputed = relu && !residual;
    void *none = nullptr, *outputs = relu && residual ? *out : none, *scales = recomputed ? *scale : none, *shifts = recomputed ? *shift : none;
    go("batch_norm", "batch_norm_backward_sums" + type, {tiles, blocks}, {256}, 0, *in, outputs, scales, shifts, *dOut, *m, *mask, *partial, rows, C, block_rows);
    if (relu) same(what + " masked", mask.get(), Values(masked.begin(), masked.end()));
    go("batch_norm", "batch_norm_backward_coefficients", {tiles}, {256}, 0, *partial, *weight, *m, *s, shifts, *coefficients, *dWeight, *dBias, rows, C, int(blocks), int(training),
        int(accumulate), 0);
    // The saved mean is a float: its rounding times sumG.
    compare(what + " dWeight", dWeight.get(), given(product, old_w, accumulate), 1e-6 + 1e-7 * std::abs(offset));
    compare(what + " dBias", dBias.get(), sum, 2e-7);
    go("batch_norm", "batch_norm_backward_input" + type, {tiles, 2}, {256}, 0, *in, relu && residual ? *mask : *dOut, *coefficients, *dIn, rows, C, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : rounding);
}

static void column_sum(bool half, int rows, int C, int block_rows, bool accumulate) {
    std::string type = type_name(half), what = "column_sum" + type;
    Values x = random_values(size_t(rows * C), 1, half), old = random_values(size_t(C), 2);
    Doubles sums(size_t(C), 0.0);
    for (size_t i = 0; i < x.size(); i++) sums[i % size_t(C)] += x[i];
    unsigned tiles = (unsigned(C) + 31) / 32, blocks = unsigned((rows + block_rows - 1) / block_rows);
    Device<float> partial(size_t(blocks) * 2 * size_t(C));
    Buffer in(x, half), out = target(old, accumulate, false);
    go("column_sum", "column_sum_partial" + type, {tiles, blocks}, {256}, 0, *in, *partial, rows, C, block_rows);
    go("column_sum", "column_sum_total", {tiles}, {256}, 0, *partial, *out, int(blocks), C, int(accumulate));
    compare(what, out.get(), given(sums, old, accumulate), 3e-7);
}

// weight[o, ...] times scale[o]
static void fold(bool half) {
    Values w = random_values(5 * 27, 1), s = random_values(5, 2), expected(w.size());
    for (size_t i = 0; i < w.size(); i++) expected[i] = w[i] * s[i / 27];
    Device<float> weight(w), scale(s);
    Buffer out(w.size(), half);
    go("batch_norm", "batch_norm_fold" + type_name(half), {3}, {256}, 0, *weight, *scale, *out, 5, 27);
    same("batch_norm_fold", out.get(), stored(expected, half));
}

// group: the most channels of the layer_norm kernel, the number in its name; 0 for layer_norm_any.
static void layer_norm(bool half, int rows, int C, bool accumulate, int group) {
    std::string type = type_name(half), what = "layer_norm" + (group ? "_" + std::to_string(group) : "_any") + type;
    const float eps = 1e-5f;
    size_t count = size_t(rows * C), channels = size_t(C);
    Values x = random_values(count, 1, half), g = random_values(count, 2, half), old = random_values(count, 3, half), w = random_values(channels, 4), b = random_values(channels, 5);
    Values old_w = random_values(channels, 6), old_b = random_values(channels, 7);
    Doubles y(count), dx(count), dw(channels), db(channels);
    for (int r = 0; r < rows; r++) {
        double mean = 0, variance = 0, sum = 0, product = 0;
        size_t o = size_t(r * C);
        for (size_t c = 0; c < channels; c++) mean += double(x[o + c]) / C;
        for (size_t c = 0; c < channels; c++) variance += (x[o + c] - mean) * (x[o + c] - mean) / C;
        double rstd = 1 / std::sqrt(variance + eps);
        for (size_t c = 0; c < channels; c++) {
            double h = (x[o + c] - mean) * rstd;
            y[o + c] = h * w[c] + b[c], dw[c] += g[o + c] * h, db[c] += g[o + c];
            sum += double(g[o + c]) * w[c] / C, product += g[o + c] * w[c] * h / C;
        }
        for (size_t c = 0; c < channels; c++) dx[o + c] = rstd * (double(g[o + c]) * w[c] - sum - (x[o + c] - mean) * rstd * product);
    }
    const int block_rows = 32, blocks = (rows + block_rows - 1) / block_rows;
    Buffer in(x, half), out(count, half), dOut(g, half), dIn = target(old, accumulate, half), dWeight = target(old_w, accumulate, false), dBias = target(old_b, accumulate, false);
    Device<float> weight(w), bias(b), mean{size_t(rows)}, rstd{size_t(rows)}, partial(size_t(blocks * 2) * channels);
    if (group) {
        std::string end = "_" + std::to_string(group) + type;
        go("layer_norm", "layer_norm_forward" + end, {unsigned(rows + 3) / 4}, {128}, 0, *in, *weight, *bias, *out, *mean, *rstd, rows, C, eps);
        go("layer_norm", "layer_norm_backward" + end, {unsigned(blocks)}, {128}, 0, *dOut, *in, *weight, *mean, *rstd, *dIn, *partial, rows, C, int(accumulate));
    } else {
        go("layer_norm_any", "layer_norm_any_forward" + type, {3}, {128}, 0, *in, *weight, *bias, *out, *mean, *rstd, rows, C, eps);
        go("layer_norm_any", "layer_norm_any_backward_input" + type, {3}, {128}, 0, *dOut, *in, *weight, *mean, *rstd, *dIn, rows, C, int(accumulate));
        go("layer_norm_any", "layer_norm_any_backward_partial" + type, {unsigned(C + 127) / 128, unsigned(blocks)}, {128}, 0, *dOut, *in, *mean, *rstd, *partial, rows, C, block_rows);
    }
    go("layer_norm", "layer_norm_backward_parameters", {unsigned(C + 127) / 128}, {128}, 0, *partial, *dWeight, *dBias, blocks, C, int(accumulate));
    compare(what + " output", out.get(), y, half ? 4e-3 : 1e-6);
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : 1e-6);
    compare(what + " dWeight", dWeight.get(), given(dw, old_w, accumulate), 1e-6);
    compare(what + " dBias", dBias.get(), given(db, old_b, accumulate), 1e-6);
}

void check_norms() {
    for (bool half : {false, true}) {
        layer_norm(half, 77, 7, false, 0);
        layer_norm(half, 19, 1101, true, 0);
        layer_norm(half, 77, 96, false, 128);
        layer_norm(half, 41, 192, true, 256);
        layer_norm(half, 38, 384, false, 512);
        layer_norm(half, 37, 768, true, 1024);
        batch_norm(half, 701, 48, 256, true, true, true, false, 0);
        batch_norm(half, 130, 5, 64, true, true, false, true, 3);
        batch_norm(half, 90, 64, 256, false, true, false, false, 0);
        column_sum(half, 701, 40, 256, true);
        column_sum(half, 300, 7, 300, false);
    }
    batch_norm(false, 1500, 32, 512, true, false, false, false, 1000);
    for (bool half : {false, true}) fold(half);
}
