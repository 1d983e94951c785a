// batch_norm, column_sum, layer_norm, layer_norm_any.
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

// Where element c of row r lies: kernels/layer_norm.cu's layouts 0 in order, 1 merged, 2 shuffled.
static size_t place(int layout, int W, int s, int C, int r, int c) {
    if (layout == 0) return size_t(r) * size_t(C) + size_t(c);
    if (layout == 1) {
        int K = C / 4, y = r / W, x = r % W, dy = c / K % 2, dx = c / K / 2;
        return size_t(((2 * y + dy) * 2 * W + 2 * x + dx) * K + c % K);
    }
    int y = r / (s * W), x = r % (s * W);
    return size_t((((y / s * W + x / s) * s + y % s) * s + x % s) * C + c);
}

// layer_norm_LANES or, with lanes = 0, layer_norm_any.
static void layer_norm(bool half, int lanes, int rows, int C, bool accumulate, int layout = 0, int W = 1, int s = 1) {
    std::string type = type_name(half), of = lanes ? "layer_norm" : "layer_norm_any";
    std::string what = of + type + " " + std::to_string(rows) + "x" + std::to_string(C) + " layout " + std::to_string(layout), size = lanes ? "_" + std::to_string(12 * lanes) : "";
    const float eps = 1e-5f;
    size_t count = size_t(rows * C), channels = size_t(C);
    Values x = random_values(count, 1, half), g = random_values(count, 2, half), old = random_values(count, 3, half), w = random_values(channels, 4), b = random_values(channels, 5);
    Values old_w = random_values(channels, 6);
    Doubles y(count), dx(count), dw(channels), db(channels);
    for (int r = 0; r < rows; r++) {
        double mean = 0, variance = 0, total = 0, product = 0;
        size_t o = size_t(r * C);
        Doubles row(channels);
        for (size_t c = 0; c < channels; c++) row[c] = x[place(layout, W, s, C, r, int(c))], mean += row[c] / C;
        for (size_t c = 0; c < channels; c++) variance += (row[c] - mean) * (row[c] - mean) / C;
        double rstd = 1 / std::sqrt(variance + eps);
        for (size_t c = 0; c < channels; c++) {
            double h = (row[c] - mean) * rstd;
            y[o + c] = h * w[c] + b[c], dw[c] += g[o + c] * h, db[c] += g[o + c];
            total += double(g[o + c]) * w[c] / C, product += g[o + c] * w[c] * h / C;
        }
        for (size_t c = 0; c < channels; c++)
            dx[place(layout, W, s, C, r, int(c))] = rstd * (double(g[o + c]) * w[c] - total - (row[c] - mean) * rstd * product);
    }
    const int block_rows = 32, blocks = lanes ? 3 : (rows + block_rows - 1) / block_rows;
    Buffer in(x, half), out(count, half), dOut(g, half), dIn = target(old, accumulate, half), dWeight = target(old_w, accumulate, false), dBias(channels, false);
    Device<float> weight(w), bias(b), mean{size_t(rows)}, rstd{size_t(rows)}, partial(size_t(blocks * 2) * channels);
    go(of, of + "_forward" + size + type, {2}, {128}, 0, *in, *weight, *bias, *out, *mean, *rstd, rows, C, eps, layout, W, s);
    compare(what + " output", out.get(), y, half ? 4e-3 : 2e-6);
    if (lanes) {
        go(of, of + "_backward" + size + type, {unsigned(blocks)}, {128}, 0, *dOut, *in, *weight, *mean, *rstd, *dIn, *partial, rows, C, layout, W, s, int(accumulate));
    } else {
        go(of, of + "_backward_input" + type, {3}, {128}, 0, *dOut, *in, *weight, *mean, *rstd, *dIn, rows, C, layout, W, s, int(accumulate));
        go(of, of + "_backward_partial" + type, {unsigned(C + 127) / 128, unsigned(blocks)}, {128}, 0, *dOut, *in, *mean, *rstd, *partial, rows, C, block_rows, layout, W, s);
    }
    go("layer_norm", "layer_norm_backward_parameters", {unsigned(C + 31) / 32}, {256}, 0, *partial, *dWeight, *dBias, blocks, C, int(accumulate), 0);
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : 2e-6);
    compare(what + " dWeight", dWeight.get(), given(dw, old_w, accumulate), 2e-6);
    compare(what + " dBias", dBias.get(), db, 2e-6);
    if (lanes) {
        // Only what is wanted
        Device<float> alone(channels);
        void* none = nullptr;
        go(of, of + "_backward" + size + type, {unsigned(blocks)}, {128}, 0, *dOut, *in, *weight, *mean, *rstd, none, *partial, rows, C, layout, W, s, 0);
        go("layer_norm", "layer_norm_backward_parameters", {unsigned(C + 31) / 32}, {256}, 0, *partial, none, *alone, blocks, C, 1, 0);
        compare(what + " dBias alone", alone.get(), db, 2e-6);
    }
}

void check_norms() {
    for (bool half : {false, true}) {
        layer_norm(half, 8, 77, 96, false);
        layer_norm(half, 8, 35, 20, true);
        layer_norm(half, 16, 37, 192, false);
        layer_norm(half, 32, 21, 384, true);
        layer_norm(half, 64, 9, 700, false);
        layer_norm(half, 128, 5, 1536, true);
        layer_norm(half, 0, 77, 7, false);
        layer_norm(half, 0, 19, 1101, true);
        for (int lanes : {32, 0}) {
            // merged (2 x 3, 5) of 4 x 24 channels; shuffled x2 (2 x 3, 5) and x3
            layer_norm(half, lanes, 30, 96, !lanes, 1, 5);
            layer_norm(half, lanes, 120, 96, lanes, 2, 5, 2);
            layer_norm(half, lanes, 54, 12, false, 2, 3, 3);
        }
        batch_norm(half, 701, 48, 256, true, true, true, false, 0);
        batch_norm(half, 130, 5, 64, true, true, false, true, 3);
        batch_norm(half, 90, 64, 256, false, true, false, false, 0);
        column_sum(half, 701, 40, 256, true);
        column_sum(half, 300, 7, 300, false);
    }
    batch_norm(false, 1500, 32, 512, true, false, false, false, 1000);
    for (bool half : {false, true}) fold(half);
}
