// softmax.
#include "check.h"

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

void check_softmax() {
    for (bool half : {false, true}) {
        softmax(half, 77, 5, false);
        softmax(half, 21, 70, true);
    }
}
