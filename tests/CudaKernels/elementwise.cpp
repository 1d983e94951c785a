// relu, gelu, add, multiply, tensor_math, drop_path, softmax.
#include "check.h"

static void relu(bool half, int count, bool accumulate) {
    std::string type = type_name(half), what = "relu" + type + " " + std::to_string(count);
    Values x = random_values(size_t(count), 1, half), g = random_values(x.size(), 2, half), old = random_values(x.size(), 3, half), y(x.size());
    Doubles dx(x.size());
    for (size_t i = 0; i < x.size(); i++) y[i] = std::max(x[i], 0.0f), dx[i] = x[i] > 0 ? g[i] : 0;
    Buffer in(x, half), out(x.size(), half), dOut(g, half), dIn = target(old, accumulate, half);
    go("relu", "relu_forward" + type, {2}, {256}, 0, *in, *out, (long long)count);
    same(what, out.get(), y);
    go("relu", "relu_backward" + type, {2}, {256}, 0, *out, *dOut, *dIn, (long long)count, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : 1e-7);
}

static void gelu(bool half, int count, bool accumulate) {
    std::string type = type_name(half), what = "gelu" + type;
    Values x = random_values(size_t(count), 1, half), g = random_values(x.size(), 2, half), old = random_values(x.size(), 3, half);
    Doubles y(x.size()), dx(x.size());
    for (size_t i = 0; i < x.size(); i++) {
        double phi = 0.5 * std::erfc(-x[i] / std::sqrt(2.0));
        y[i] = x[i] * phi, dx[i] = g[i] * (phi + x[i] * std::exp(-0.5 * x[i] * x[i]) / std::sqrt(2 * M_PI));
    }
    Buffer in(x, half), out(x.size(), half), dOut(g, half), dIn = target(old, accumulate, half);
    go("gelu", "gelu_forward" + type, {3}, {256}, 0, *in, *out, (long long)count);
    compare(what, out.get(), y, half ? 4e-3 : 2e-7);
    go("gelu", "gelu_backward" + type, {3}, {256}, 0, *in, *dOut, *dIn, (long long)count, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : 2e-7);
}

static void multiply(bool half, int count, bool accumulate) {
    std::string type = type_name(half);
    Values a = random_values(size_t(count), 1, half), b = random_values(a.size(), 2, half), g = random_values(a.size(), 3, half), old = random_values(a.size(), 4, half);
    Doubles product(a.size()), da(a.size());
    for (size_t i = 0; i < a.size(); i++) product[i] = double(a[i]) * b[i], da[i] = double(g[i]) * b[i];
    Buffer x(a, half), y(b, half), out(a.size(), half), dOut(g, half), dIn = target(old, accumulate, half);
    go("multiply", "multiply_forward" + type, {2}, {256}, 0, *x, *y, *out, (long long)count);
    compare("multiply" + type, out.get(), product, half ? 4e-3 : 1e-7);
    go("multiply", "multiply_backward" + type, {2}, {256}, 0, *dOut, *y, *dIn, (long long)count, int(accumulate));
    compare("multiply" + type + " da", dIn.get(), given(da, old, accumulate), half ? 4e-3 : 1e-7);
}

static void arithmetic(bool half, int count) {
    std::string type = type_name(half);
    Values a = random_values(size_t(count), 1, half), b = random_values(a.size(), 2, half), sum(a.size());
    Doubles axpy(a.size());
    for (size_t i = 0; i < a.size(); i++) sum[i] = a[i] + b[i], axpy[i] = 0.75 * a[i] + b[i];
    Buffer x(a, half), y(b, half), out(a.size(), half);
    long long n = count;
    go("add", "add_forward" + type, {2}, {256}, 0, *x, *y, *out, n);
    same("add" + type, out.get(), stored(sum, half));
    go("tensor_math", "tensor_math_axpy" + type, {2}, {256}, 0, *x, *y, 0.75f, n);
    compare("axpy" + type, y.get(), axpy, half ? 4e-3 : 1e-7);
    Buffer other(a.size(), !half);
    go("tensor_math", half ? "tensor_math_copy_bf16_to_float32" : "tensor_math_copy_float32_to_bf16", {2}, {256}, 0, *x, *other, n);
    same("convert" + type, other.get(), stored(a, true));
}

// Philox4x32-10 by its definition.
static double uniform(uint64_t element, uint32_t step, uint32_t layer, uint64_t seed) {
    uint32_t c[4] = {uint32_t(element), uint32_t(element >> 32), step, layer}, k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
        uint32_t next[4] = {uint32_t(b >> 32) ^ c[1] ^ k0, uint32_t(b), uint32_t(a >> 32) ^ c[3] ^ k1, uint32_t(a)};
        memcpy(c, next, sizeof c);
        k0 += 0x9E3779B9, k1 += 0xBB67AE85;
    }
    return (c[0] >> 8) * (1.0 / (1 << 24));
}

static void drop(bool half, int samples, int per_sample, bool accumulate) {
    std::string type = type_name(half);
    const double probability = 0.3;
    const unsigned layer = 7, step = 12345, threshold = unsigned(std::ceil(probability * (1 << 24)));
    const unsigned long long seed = 0x123456789abcdefull;
    const float factor = float(1 / (1 - probability));
    size_t count = size_t(samples) * size_t(per_sample);
    Values x = random_values(count, 1, half), old = random_values(count, 2, half);
    Doubles path(count), element(count);
    for (size_t i = 0; i < count; i++) {
        path[i] = uniform(i / size_t(per_sample), step, layer, seed) < probability ? 0 : double(factor) * x[i];
        element[i] = uniform(i, step, layer, seed) < probability ? 0 : double(factor) * x[i];
    }
    Device<uint32_t> now(std::vector<uint32_t>{step});
    Buffer in(x, half), out = target(old, accumulate, half), out2 = target(old, accumulate, half);
    go("drop_path", "drop_path" + type, {2, unsigned(samples)}, {256}, 0, *in, *out, *now, (long long)per_sample, samples, threshold, factor, layer, seed, int(accumulate));
    compare("drop_path" + type, out.get(), given(path, old, accumulate), half ? 4e-3 : 1e-7);
    go("drop_path", "dropout" + type, {2}, {256}, 0, *in, *out2, *now, (long long)count, threshold, factor, layer, seed, int(accumulate));
    compare("dropout" + type, out2.get(), given(element, old, accumulate), half ? 4e-3 : 1e-7);
}

static void softmax(bool half, int rows, int C, bool accumulate) {
    std::string type = (C <= 8 ? "_8" : "_32") + type_name(half), what = "softmax" + type + " " + std::to_string(C);
    size_t count = size_t(rows) * size_t(C);
    Values x = random_values(count, 1, half), g = random_values(count, 2, half), old = random_values(count, 3, half);
    Doubles y(count), dx(count);
    for (int r = 0; r < rows; r++) {
        size_t o = size_t(r) * size_t(C);
        double sum = 0, dot = 0;
        for (int c = 0; c < C; c++) sum += y[o + c] = std::exp(double(x[o + c]));
        for (int c = 0; c < C; c++) y[o + c] /= sum;
        for (int c = 0; c < C; c++) dot += y[o + c] * g[o + c];
        for (int c = 0; c < C; c++) dx[o + c] = y[o + c] * (g[o + c] - dot);
    }
    Buffer in(x, half), out(count, half), dOut(g, half), dIn = target(old, accumulate, half);
    go("softmax", "softmax_forward" + type, {2}, {256}, 0, *in, *out, (long long)rows, C);
    compare(what, out.get(), y, half ? 4e-3 : 4e-7);
    go("softmax", "softmax_backward" + type, {2}, {256}, 0, *out, *dOut, *dIn, (long long)rows, C, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 1e-2 : 4e-7);
}

void check_elementwise() {
    for (bool half : {false, true}) {
        for (int count : {1, 4097}) relu(half, count, count > 1), gelu(half, count, count == 1), arithmetic(half, count), multiply(half, count, count > 1);
        drop(half, 5, 1028, false);
        drop(half, 3, 35, true);
        softmax(half, 77, 5, false);
        softmax(half, 21, 70, true);
    }
}
