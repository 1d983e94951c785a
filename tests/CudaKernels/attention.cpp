// window_attention, its backward pass, and the kernels for other windows and heads.
#include "check.h"

static void attention(bool half, int w, int B, int H, int W, int heads, int shift, unsigned slots, bool accumulate, int D = 32, bool matrix = false) {
    const int T = w * w, side = 2 * w - 1, C = heads * D, windows = B * (H / w) * (W / w);
    std::string size = std::to_string(w), what = "window_attention " + size + " shift " + std::to_string(shift);
    size_t tokens = size_t(B * H * W), positions = size_t(side * side);
    Values qkv = random_values(tokens * size_t(3 * C), 1, half), table = random_values(positions * size_t(heads), 2), g = random_values(tokens * size_t(C), 3, half);
    Values old = random_values(qkv.size(), 4, half), old_table = random_values(table.size(), 5);
    Doubles output(g.size()), dqkv(qkv.size()), dtable(table.size()), log_sums;
    double scale = 1 / std::sqrt(double(D));
    for (int b = 0; b < B; b++)
        for (int wy = 0; wy < H / w; wy++)
            for (int wx = 0; wx < W / w; wx++)
                for (int h = 0; h < heads; h++) {
                    auto pixel = [&](int i) { return size_t((b * H + (wy * w + i / w + shift) % H) * W + (wx * w + i % w + shift) % W); };
                    auto at = [&](int i, int which, int d) { return (pixel(i) * 3 + size_t(which)) * size_t(C) + size_t(h * D + d); };
                    auto region = [&](int i) {
                        int y = wy * w + i / w, x = wx * w + i % w;
                        return shift ? 3 * (y < H - w ? 0 : y < H - shift ? 1 : 2) + (x < W - w ? 0 : x < W - shift ? 1 : 2) : 0;
                    };
                    for (int i = 0; i < T; i++) {
                        Doubles p(size_t(T), 0.0), dp(size_t(T), 0.0);
                        double sum = 0, delta = 0;
                        auto relative = [&](int j) { return size_t((i / w - j / w + w - 1) * side + i % w - j % w + w - 1) * size_t(heads) + size_t(h); };
                        for (int j = 0; j < T; j++) {
                            double s = 0;
                            for (int d = 0; d < D; d++) s += double(qkv[at(i, 0, d)]) * qkv[at(j, 1, d)], dp[size_t(j)] += double(g[pixel(i) * size_t(C) + size_t(h * D + d)]) * qkv[at(j, 2, d)];
                            sum += p[size_t(j)] = std::exp(s * scale + table[relative(j)] - (region(i) == region(j) ? 0 : 100));
                        }
                        log_sums.push_back(std::log(sum));
                        for (int j = 0; j < T; j++) p[size_t(j)] /= sum, delta += p[size_t(j)] * dp[size_t(j)];
                        for (int j = 0; j < T; j++) {
                            double ds = p[size_t(j)] * (dp[size_t(j)] - delta);
                            dtable[relative(j)] += ds;
                            for (int d = 0; d < D; d++) {
                                output[pixel(i) * size_t(C) + size_t(h * D + d)] += p[size_t(j)] * qkv[at(j, 2, d)];
                                dqkv[at(i, 0, d)] += scale * ds * qkv[at(j, 1, d)];
                                dqkv[at(j, 1, d)] += scale * ds * qkv[at(i, 0, d)];
                                dqkv[at(j, 2, d)] += p[size_t(j)] * g[pixel(i) * size_t(C) + size_t(h * D + d)];
                            }
                        }
                    }
                }
    Device<float> bias(table);
    Buffer in(qkv, half), out(g.size(), half), dOut(g, half), dIn = target(old, accumulate, half), dTable = target(old_table, accumulate, false);
    if (D != 32 || w > 8) {
        what += " any";
        size_t scores = size_t(windows * heads) * size_t(T * T);
        Device<float> p(scores), ds(scores);
        go("window_attention_any", "window_attention_any_forward" + type_name(half), {unsigned(windows), unsigned(heads)}, {128}, 0, *in, *bias, *out, *p, H, W, w, heads, D, shift);
        go("window_attention_any", "window_attention_any_backward" + type_name(half), {unsigned(windows), unsigned(heads)}, {128}, 0, *in, *p, *dOut, *ds, *dIn, H, W, w, heads, D,
            shift, int(accumulate));
        go("window_attention_any", "window_attention_any_backward_table", {unsigned(heads * side * side + 127) / 128}, {128}, 0, *ds, *dTable, windows, w, heads, int(accumulate));
    } else {
        what += matrix ? " tensor_core" : "";
        Device<float> lse(log_sums.size()), partial(slots * size_t(heads) * positions);
        if (matrix) {
            go("window_attention_tensor_core", "window_attention_tensor_core_forward_" + size + "_bf16", {(slots + 1) / 2, unsigned(heads)}, {128}, 0, *in, *bias, *out, *lse, B, H, W,
                heads, shift);
            go("window_attention_tensor_core", "window_attention_tensor_core_backward_" + size + "_bf16", {slots, unsigned(heads)}, {128}, 0, *in, *bias, *lse, *dOut, *dIn, *partial, B,
                H, W, heads, shift, int(accumulate));
        } else {
            go("window_attention", "window_attention_forward_" + size + type_name(half), {unsigned(windows), unsigned(heads)}, {128}, 0, *in, *bias, *out, *lse, H, W, heads, shift);
            int tp = (T + 3) / 4 * 4;
            unsigned shared = unsigned(4 * (4 * tp * 36 + tp * tp + side * side + 3 * tp));
            go("window_attention_backward", "window_attention_backward_" + size + type_name(half), {slots, unsigned(heads)}, {256}, shared, *in, *bias, *lse, *dOut, *dIn, *partial, B, H,
                W, heads, shift, int(accumulate));
        }
        // Either forward pass saves what either backward pass reads.
        compare(what + " log sums", lse.get(), log_sums, 1e-6);
        go("window_attention_backward", "window_attention_backward_table", {unsigned(heads * side * side + 255) / 256}, {256}, 0, *partial, *dTable, int(slots), heads, side * side,
            int(accumulate));
    }
    // On the matrix units P and dS are rounded to bf16, too, before their products are.
    double rounding = matrix ? 6e-3 : 4e-3;
    compare(what + " output", out.get(), output, half ? rounding : 1e-6);
    compare(what + " dQkv", dIn.get(), given(dqkv, old, accumulate), half ? rounding : 3e-6);
    compare(what + " dTable", dTable.get(), given(dtable, old_table, accumulate), 3e-6);
}

void check_attention() {
    for (bool half : {false, true}) {
        attention(half, 7, 1, 14, 21, 2, 3, 2, false);
        attention(half, 7, 2, 7, 14, 1, 0, 3, true);
        attention(half, 8, 1, 16, 24, 1, 4, 6, false);
        attention(half, 8, 1, 16, 8, 2, 0, 1, true);
        attention(half, 9, 1, 9, 18, 1, 4, 1, false);
        attention(half, 3, 2, 6, 9, 3, 1, 1, true, 5);
        for (int w = 1; w <= 6; w++) attention(half, w, 1, 2 * w, w, 2, w / 2, 2, w % 2 == 0);
    }
    attention(true, 7, 1, 14, 21, 2, 3, 2, false, 32, true);
    attention(true, 7, 2, 7, 14, 1, 0, 3, true, 32, true);
    attention(true, 8, 1, 16, 24, 1, 4, 6, false, 32, true);
    attention(true, 8, 1, 16, 8, 2, 0, 1, true, 32, true);
    for (int w = 1; w <= 6; w++) attention(true, w, 1, 2 * w, w, 2, w / 2, 2, w % 2 == 0, 32, true);
}
