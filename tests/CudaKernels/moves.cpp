// concat, pad_crop, patch_merge, pixel_shuffle, max_pool, resize.
#include "check.h"

static void concat(bool half, int rows, int part, int channels, int offset, bool accumulate) {
    std::string type = type_name(half), what = "concat" + type + " " + std::to_string(part);
    Values p = random_values(size_t(rows * part), 1, half), whole = random_values(size_t(rows * channels), 2, half), old = random_values(p.size(), 3, half);
    Values expected = whole;
    Doubles gradient(p.size());
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < part; c++) {
            gradient[size_t(r * part + c)] = whole[size_t(r * channels + offset + c)];
            expected[size_t(r * channels + offset + c)] = p[size_t(r * part + c)];
        }
    Buffer dPart = target(old, accumulate, half), in(p, half), out(whole, half);
    Launch l = row_launch(rows, part);
    go("concat", "concat_backward" + type, l.grid, l.block, 0, *out, *dPart, (long long)rows, part, channels, offset, int(accumulate));
    compare(what + " dPart", dPart.get(), given(gradient, old, accumulate), half ? 4e-3 : 1e-7);
    go("concat", "concat_forward" + type, l.grid, l.block, 0, *in, *out, (long long)rows, part, channels, offset);
    same(what, out.get(), expected);
}

static void pad_crop(bool half, int B, int h, int w, int H, int W, int C, bool accumulate) {
    std::string type = type_name(half);
    size_t smalls = size_t(B * h * w * C), larges = size_t(B * H * W * C);
    Values s = random_values(smalls, 1, half), l = random_values(larges, 2, half), old_small = random_values(smalls, 3, half), old_large = random_values(larges, 4, half);
    Doubles padded(larges), cropped(smalls);
    for (int b = 0; b < B; b++)
        for (int y = 0; y < h; y++)
            for (int i = 0; i < w * C; i++) {
                size_t at_small = size_t((b * h + y) * w * C + i), at_large = size_t((b * H + y) * W * C + i);
                padded[at_large] = s[at_small], cropped[at_small] = l[at_large];
            }
    Buffer small(s, half), large(l, half), to_small = target(old_small, accumulate, half), to_large = target(old_large, accumulate, half);
    Launch by_large = row_launch(B * H, W * C), by_small = row_launch(B * h, w * C);
    go("pad_crop", "pad2d_forward" + type, by_large.grid, by_large.block, 0, *small, *to_large, B, h, w, H, W, C, int(accumulate));
    compare("pad2d" + type, to_large.get(), given(padded, old_large, accumulate), half ? 4e-3 : 1e-7);
    go("pad_crop", "crop2d_forward" + type, by_small.grid, by_small.block, 0, *large, *to_small, B, h, w, H, W, C, int(accumulate));
    compare("crop2d" + type, to_small.get(), given(cropped, old_small, accumulate), half ? 4e-3 : 1e-7);
}

// A permutation: place(i) is where element i of the spread (or shuffled) tensor lies in the packed one.
template <typename F> static void permutation(const std::string& of, bool half, int B, int H, int W, int C, int s, bool accumulate, F place) {
    std::string type = type_name(half);
    size_t count = size_t(B * s * H * s * W * C);
    Values spread = random_values(count, 1, half), packed = random_values(count, 2, half), old = random_values(count, 3, half), forward(count);
    Doubles backward(count);
    bool merge = of == "patch_merge";
    size_t i = 0;
    for (int b = 0; b < B; b++)
        for (int y = 0; y < s * H; y++)
            for (int x = 0; x < s * W; x++)
                for (int c = 0; c < C; c++, i++) {
                    size_t p = size_t(place(b, y, x, c));
                    if (merge) forward[p] = spread[i], backward[i] = packed[p];
                    else forward[i] = packed[p], backward[p] = spread[i];
                }
    Buffer dev_spread(spread, half), dev_packed(packed, half), out(count, half), gradient = target(old, accumulate, half);
    Launch l = row_launch(B * s * H, s * W * C);
    if (merge) {
        go(of, "patch_merge_forward" + type, l.grid, l.block, 0, *dev_spread, *out, B, H, W, C);
        go(of, "patch_merge_backward" + type, l.grid, l.block, 0, *dev_packed, *gradient, B, H, W, C, int(accumulate));
    } else {
        go(of, "pixel_shuffle_forward" + type, l.grid, l.block, 0, *dev_packed, *out, B, H, W, C, s);
        go(of, "pixel_shuffle_backward" + type, l.grid, l.block, 0, *dev_spread, *gradient, B, H, W, C, s, int(accumulate));
    }
    same(of + type, out.get(), forward);
    compare(of + type + " gradient", gradient.get(), given(backward, old, accumulate), half ? 4e-3 : 1e-7);
}

static void max_pool(bool half, int B, int H, int W, int C, int side, int stride, int padding, bool accumulate) {
    std::string type = type_name(half), what = "max_pool" + type + " " + std::to_string(side);
    int outH = (H + 2 * padding - side) / stride + 1, outW = (W + 2 * padding - side) / stride + 1;
    size_t ins = size_t(B * H * W * C), outs = size_t(B * outH * outW * C);
    Values x = random_values(ins, 1, half), g = random_values(outs, 2, half), old = random_values(ins, 3, half), y(outs);
    for (float& v : x) v = std::round(2 * v);          // ties
    Doubles dx(ins);
    std::vector<uint8_t> winners(outs);
    size_t o = 0;
    for (int b = 0; b < B; b++)
        for (int oy = 0; oy < outH; oy++)
            for (int ox = 0; ox < outW; ox++)
                for (int c = 0; c < C; c++, o++) {
                    size_t best = 0;
                    bool first = true;
                    for (int ky = 0; ky < side; ky++)
                        for (int kx = 0; kx < side; kx++) {
                            int iy = oy * stride + ky - padding, ix = ox * stride + kx - padding;
                            if (iy < 0 || iy >= H || ix < 0 || ix >= W) continue;
                            size_t at = size_t(((b * H + iy) * W + ix) * C + c);
                            if (!first && !(x[at] > x[best])) continue;
                            best = at, winners[o] = uint8_t(ky * side + kx), first = false;
                        }
                    y[o] = x[best], dx[best] += g[o];
                }
    Buffer in(x, half), out(outs, half), dOut(g, half), dIn = target(old, accumulate, half);
    Device<uint8_t> places(outs);
    Launch forward = row_launch(B * outH, outW * C), backward = row_launch(B * H, W * C);
    go("max_pool", "max_pool_forward" + type, forward.grid, forward.block, 0, *in, *out, *places, B, H, W, C, outH, outW, side, stride, padding);
    same(what, out.get(), y);
    note(places.get() == winners, what + ": winners");
    go("max_pool", "max_pool_backward" + type, backward.grid, backward.block, 0, *dOut, *places, *dIn, B, H, W, C, outH, outW, side, stride, padding, int(accumulate));
    compare(what + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : 2e-7);
}

static double cubic(double d) {
    const double a = -0.75;
    return d <= 1 ? ((a + 2) * d - (a + 3)) * d * d + 1 : ((a * d - 5 * a) * d + 8 * a) * d - 4 * a;
}
// One tap is the nearest element, two are linear, four cubic.
static void taps(int in, int out, int count, std::vector<int>& index, Doubles& weight) {
    for (int p = 0; p < out; p++) {
        if (count == 1) {
            index.push_back(p * in / out), weight.push_back(1);
            continue;
        }
        bool bicubic = count == 4;
        double center = (p + 0.5) * in / out - 0.5;
        if (!bicubic) center = std::max(center, 0.0);
        int first = int(std::floor(center));
        for (int tap = 0; tap < count; tap++) {
            int offset = bicubic ? tap - 1 : tap;
            double d = std::abs(center - first - offset);
            index.push_back(std::clamp(first + offset, 0, in - 1)), weight.push_back(bicubic ? cubic(d) : 1 - d);
        }
    }
}
static void resize(bool half, int n, int B, int H, int W, int C, int outH, int outW, bool accumulate) {
    std::string type = std::string(n == 1 ? "_nearest" : n == 2 ? "_bilinear" : "_bicubic") + type_name(half);
    size_t ins = size_t(B * H * W * C), outs = size_t(B * outH * outW * C);
    Values x = random_values(ins, 1, half), g = random_values(outs, 2, half), old = random_values(ins, 3, half);
    Doubles y(outs), dx(ins), u, v;
    std::vector<int> rows, columns;
    taps(H, outH, n, rows, u), taps(W, outW, n, columns, v);
    for (int b = 0; b < B; b++)
        for (int oy = 0; oy < outH; oy++)
            for (int ox = 0; ox < outW; ox++)
                for (int p = 0; p < n; p++)
                    for (int q = 0; q < n; q++)
                        for (int c = 0; c < C; c++) {
                            size_t o = size_t(((b * outH + oy) * outW + ox) * C + c);
                            size_t i = size_t(((b * H + rows[size_t(oy * n + p)]) * W + columns[size_t(ox * n + q)]) * C + c);
                            double weight = u[size_t(oy * n + p)] * v[size_t(ox * n + q)];
                            y[o] += weight * x[i], dx[i] += weight * g[o];
                        }
    Buffer in(x, half), out(outs, half), dOut(g, half), dIn = target(old, accumulate, half);
    Launch forward = row_launch(B * outH, outW * C), backward = row_launch(B * H, W * C);
    go("resize", "resize_forward" + type, forward.grid, forward.block, 0, *in, *out, B, H, W, C, outH, outW);
    compare("resize" + type, out.get(), y, half ? 4e-3 : 1e-6);
    go("resize", "resize_backward" + type, backward.grid, backward.block, 0, *dOut, *dIn, B, H, W, C, outH, outW, int(accumulate));
    compare("resize" + type + " dInput", dIn.get(), given(dx, old, accumulate), half ? 4e-3 : 1e-6);
}

void check_moves() {
    for (bool half : {false, true}) {
        concat(half, 37, 32, 96, 32, false);
        concat(half, 29, 7, 20, 5, true);
        pad_crop(half, 2, 3, 5, 7, 8, 16, false);
        pad_crop(half, 2, 3, 5, 4, 5, 3, true);
        for (bool accumulate : {false, true}) {
            int C = accumulate ? 16 : 5, B = 2, H = 3, W = 5;
            permutation("patch_merge", half, B, H, W, C, 2, accumulate, [=](int b, int y, int x, int c) {
                return (((b * H + y / 2) * W + x / 2) * 4 + 2 * (x % 2) + y % 2) * C + c;
            });
            for (int s : {2, 4})
                permutation("pixel_shuffle", half, B, H, W, C, s, accumulate, [=](int b, int y, int x, int c) {
                    return ((((b * H + y / s) * W + x / s) * s + y % s) * s + x % s) * C + c;
                });
        }
        max_pool(half, 2, 7, 10, 16, 3, 2, 1, false);
        max_pool(half, 1, 6, 5, 3, 2, 2, 0, true);
        max_pool(half, 1, 9, 8, 4, 4, 1, 2, true);
        for (int count : {1, 2, 4}) {
            resize(half, count, 2, 5, 7, 16, 10, 21, false);
            resize(half, count, 1, 9, 12, 3, 4, 5, true);
            resize(half, count, 1, 1, 2, 4, 6, 1, false);
            resize(half, count, 1, 13, 3, 4, 3, 17, false);
        }
    }
}
