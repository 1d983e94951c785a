// The project's kernels against plain references in double, under several thread orders.
#include "client.h"
#include <chrono>

using Values = std::vector<float>;

static std::string compare(const std::string& what, const Values& got, const std::vector<double>& expected, double tolerance) {
    double worst = difference(got, expected);
    char text[100];
    snprintf(text, sizeof text, ": off by %.2e of the largest entry; ", worst);
    return worst <= tolerance ? "" : what + text;
}

// ---- layer norm
static std::string layer_norm(Module& module, int rows, int C, bool half, int group) {
    const float eps = 1e-5f;
    Values x = normal(size_t(rows) * C, 1), dy = normal(x.size(), 2), weight = normal(C, 3), bias = normal(C, 4);
    for (float& v : x) v += 3;
    if (half) x = from_bf16(to_bf16(x)), dy = from_bf16(to_bf16(dy));
    std::vector<double> y(x.size()), means(rows), rstds(rows), dx(x.size()), dw(C), db(C);
    for (int r = 0; r < rows; r++) {
        double mean = 0, variance = 0, g_sum = 0, gx_sum = 0;
        const float* row = &x[size_t(r) * C];
        for (int c = 0; c < C; c++) mean += row[c] / double(C);
        for (int c = 0; c < C; c++) variance += (row[c] - mean) * (row[c] - mean) / C;
        double rstd = 1 / std::sqrt(variance + eps);
        means[r] = mean, rstds[r] = rstd;
        for (int c = 0; c < C; c++) {
            double xhat = (row[c] - mean) * rstd, g = double(dy[size_t(r) * C + c]);
            y[size_t(r) * C + c] = xhat * weight[c] + bias[c];
            dw[c] += g * xhat, db[c] += g;
            g_sum += g * weight[c] / C, gx_sum += g * weight[c] * xhat / C;
        }
        for (int c = 0; c < C; c++) {
            double xhat = (row[c] - mean) * rstd;
            dx[size_t(r) * C + c] = rstd * (double(dy[size_t(r) * C + c]) * weight[c] - g_sum - xhat * gx_sum);
        }
    }
    Device<float> dev_weight(weight), dev_bias(bias), mean(rows), rstd(rows), dev_dw(C), dev_db(C);
    const unsigned blocks = 3;
    Device<float> partial(size_t(blocks) * 2 * C);
    std::string type = half ? "_bf16" : "_float32", size = std::to_string(group), complaints;
    const unsigned grid = 2;
    auto run = [&]<typename T>(Device<T>& in, Device<T>& out, Device<T>& gradient, Device<T>& dInput) {
        require(module.launch("layer_norm_forward_" + size + type, {grid}, {128}, 0, *in, *dev_weight, *dev_bias, *out, *mean, *rstd,
            rows, C, eps, 0, 1, 1), "forward");
        require(module.launch("layer_norm_backward_" + size + type, {blocks}, {128}, 0, *gradient, *in, *dev_weight, *mean, *rstd,
            *dInput, *partial, rows, C, 0, 1, 1, 0), "backward");
        require(module.launch("layer_norm_backward_parameters", {unsigned(C + 31) / 32}, {256}, 0, *partial, *dev_dw, *dev_db,
            int(blocks), C, 0, 0), "parameters");
    };
    double tolerance = half ? 5e-3 : 2e-6;
    if (half) {
        Device<uint16_t> in(to_bf16(x)), out(x.size()), gradient(to_bf16(dy)), dInput(x.size());
        run(in, out, gradient, dInput);
        complaints += compare("output", from_bf16(out.get()), y, tolerance) + compare("dInput", from_bf16(dInput.get()), dx, tolerance);
    } else {
        Device<float> in(x), out(x.size()), gradient(dy), dInput(x.size());
        run(in, out, gradient, dInput);
        complaints += compare("output", out.get(), y, tolerance) + compare("dInput", dInput.get(), dx, tolerance);
    }
    complaints += compare("mean", mean.get(), means, 2e-6) + compare("rstd", rstd.get(), rstds, 2e-6);
    return complaints + compare("dWeight", dev_dw.get(), dw, 5e-6) + compare("dBias", dev_db.get(), db, 5e-6);
}

// ---- matrix product
enum Precision { Float32, Tf32, Bf16 };
static std::string gemm(Module& module, const std::string& layout, Precision precision, int M, int N, int K, bool with_bias,
    bool accumulate) {
    Values a = normal(size_t(M) * K, 5), b = normal(size_t(N) * K, 6), bias = normal(N, 7), c0 = normal(size_t(M) * N, 8);
    if (precision == Bf16) a = from_bf16(to_bf16(a)), b = from_bf16(to_bf16(b));
    bool out_half = precision == Bf16 && layout != "tn";
    if (out_half) c0 = from_bf16(to_bf16(c0));
    std::vector<double> expected(size_t(M) * N);
    auto operand = [&](float x) { return double(precision == Tf32 ? round_tf32(x) : x); };
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double sum = (with_bias ? bias[n] : 0.0f) + (accumulate ? c0[size_t(m) * N + n] : 0.0f);
            for (int k = 0; k < K; k++)
                sum += operand(layout == "tn" ? a[size_t(k) * M + m] : a[size_t(m) * K + k]) * operand(layout == "nt"
                    ? b[size_t(n) * K + k] : b[size_t(k) * N + n]);
            expected[size_t(m) * N + n] = sum;
        }
    std::string name = "gemm_" + layout + "_64x64" + (precision == Float32 ? "_float32" : precision == Tf32 ? "_tf32" : "_bf16");
    Device<float> dev_bias(bias);
    float *bias_pointer = with_bias ? *dev_bias : nullptr, *none = nullptr;
    // Four slices of A and B of 64 bytes a row, 68 without the matrix units; one part, no epilogue but the bias.
    unsigned shared = 4 * 128 * (precision == Float32 ? 68 : 64);
    auto run = [&](auto& da, auto& db, auto& dc) {
        return module.launch(name, {unsigned(N + 63) / 64, unsigned(M + 63) / 64}, {128}, shared, *da, *db, bias_pointer, none, none, *dc, none, none,
            none, M, N, K, K, 0, 0u, 1.0f, 0u, 0ull, 0, int(accumulate), 0);
    };
    Values got;
    int status;
    if (precision == Bf16) {
        Device<uint16_t> da(to_bf16(a)), db(to_bf16(b));
        if (out_half) {
            Device<uint16_t> dc(to_bf16(c0));
            status = run(da, db, dc);
            if (!status) got = from_bf16(dc.get());
        } else {
            Device<float> dc(c0);
            status = run(da, db, dc);
            if (!status) got = dc.get();
        }
    } else {
        Device<float> da(a), db(b), dc(c0);
        status = run(da, db, dc);
        if (!status) got = dc.get();
    }
    if (status) return "status " + std::to_string(status);
    return compare(name, got, expected, out_half ? 4e-3 : 2e-6);
}

// ---- window attention
static std::string window_attention(Module& module, int window, int B, int H, int W, int heads, int shift) {
    const int D = 32, C = heads * D, T = window * window, tables = (2 * window - 1) * (2 * window - 1);
    Values qkv = normal(size_t(B) * H * W * 3 * C, 9), table = normal(size_t(tables) * heads, 10);
    std::vector<double> out(size_t(B) * H * W * C), lse(size_t(B) * (H / window) * (W / window) * heads * T);
    auto region = [&](int r, int size) { return r < size - window ? 0 : r < size - shift ? 1 : 2; };
    double scale = 1 / std::sqrt(double(D));
    size_t index = 0;
    for (int b = 0; b < B; b++)
        for (int wy = 0; wy < H / window; wy++)
            for (int wx = 0; wx < W / window; wx++) {
                std::vector<size_t> position(T);
                std::vector<int> regions(T);
                for (int i = 0; i < T; i++) {
                    int ry = wy * window + i / window, rx = wx * window + i % window;
                    position[i] = (size_t(b) * H + (ry + shift) % H) * W + (rx + shift) % W;
                    regions[i] = shift ? 3 * region(ry, H) + region(rx, W) : 0;
                }
                for (int h = 0; h < heads; h++)
                    for (int i = 0; i < T; i++) {
                        std::vector<double> s(T);
                        double top = -1e30, sum = 0;
                        for (int j = 0; j < T; j++) {
                            for (int d = 0; d < D; d++)
                                s[j] += double(qkv[position[i] * 3 * C + h * D + d]) * qkv[position[j] * 3 * C + C + h * D + d];
                            int relative = (i / window - j / window + window - 1) * (2 * window - 1) + i % window - j % window + window - 1;
                            s[j] = s[j] * scale + table[size_t(relative) * heads + h] + (regions[i] == regions[j] ? 0 : -100);
                            top = std::max(top, s[j]);
                        }
                        for (double& v : s) sum += v = std::exp(v - top);
                        for (int d = 0; d < D; d++)
                            for (int j = 0; j < T; j++)
                                out[position[i] * C + h * D + d] += s[j] / sum * qkv[position[j] * 3 * C + 2 * C + h * D + d];
                        lse[index++] = top + std::log(sum);
                    }
            }
    Device<float> dev_qkv(qkv), dev_table(table), dev_out(out.size()), dev_lse(lse.size());
    unsigned windows = unsigned(B * (H / window) * (W / window));
    int status = module.launch("window_attention_forward_" + std::to_string(window) + "_float32", {windows, unsigned(heads)}, {128}, 0,
        *dev_qkv,
        *dev_table, *dev_out, *dev_lse, H, W, heads, shift);
    if (status) return "status " + std::to_string(status);
    return compare("output", dev_out.get(), out, 3e-6) + compare("lse", dev_lse.get(), lse, 3e-6);
}

const std::vector<KernelCase>& kernel_cases() {
    static const std::vector<KernelCase> cases = [] {
        std::vector<KernelCase> all;
        auto norm = [&](int rows, int C, bool half, int group) {
            std::string end = "_" + std::to_string(group) + (half ? "_bf16" : "_float32");
            all.push_back({"layer_norm " + std::to_string(rows) + "x" + std::to_string(C) + (half ? " bf16" : " float32"), "layer_norm.cu",
                {"layer_norm_forward" + end, "layer_norm_backward" + end, "layer_norm_backward_parameters"},
                [=](Module& m) { return layer_norm(m, rows, C, half, group); }});
        };
        norm(37, 96, false, 96);
        norm(13, 100, false, 192);
        norm(9, 768, true, 768);
        auto product = [&](const std::string& layout, Precision precision, int M, int N, int K, bool bias, bool accumulate) {
            const char* name = precision == Float32 ? "_float32" : precision == Tf32 ? "_tf32" : "_bf16";
            all.push_back({"gemm " + layout + name + " " + std::to_string(M) + "x" + std::to_string(N) + "x" + std::to_string(K), "gemm.cu",
                {"gemm_" + layout + "_64x64" + name}, [=](Module& m) { return gemm(m, layout, precision, M, N, K, bias, accumulate); }});
        };
        for (const char* layout : {"nt", "nn", "tn"}) {
            // A product forward has a bias; the other two may be added to what is there.
            bool forward = layout == std::string("nt");
            product(layout, Tf32, 96, 72, 132, forward, false);
            product(layout, Bf16, 72, 80, 200, forward, !forward);
            product(layout, Float32, 68, 76, 40, false, !forward);
        }
        auto attention = [&](int window, int B, int H, int W, int heads, int shift) {
            all.push_back({"window_attention " + std::to_string(window) + " shift " + std::to_string(shift), "window_attention.cu",
                {"window_attention_forward_" + std::to_string(window) + "_float32"},
                [=](Module& m) { return window_attention(m, window, B, H, W, heads, shift); }});
        };
        attention(8, 1, 8, 16, 2, 0);
        attention(7, 1, 14, 14, 2, 3);
        return all;
    }();
    return cases;
}

void test_kernels() {
    std::map<std::string, std::unique_ptr<Module>> modules;
    for (const KernelCase& c : kernel_cases()) {
        auto& module = modules[c.file];
        if (!module) module = std::make_unique<Module>(c.file, read_file(kernels_folder + "/" + c.file));
        expect(module->log.find("warning") == std::string::npos, c.file + " compiles with warnings: " + module->log);
        for (int order = 0; order < 4; order++) {
            set_order(order, 7);
            std::string complaint = c.run(*module);
            expect(complaint.empty(), c.name + ", order " + std::to_string(order) + ": " + complaint + report());
            if (CALL(cuCtxSynchronize)) reset_device();
        }
        set_order(0, 0);
    }
    // Both orders inside one launch, compared by the emulator.
    set_mode("orders");
    for (const KernelCase& c : kernel_cases()) {
        std::string complaint = c.run(*modules[c.file]);
        expect(complaint.empty() && report().empty(), c.name + " in mode orders: " + complaint + report());
    }
    set_mode("plain");
}

// The best time of several runs: launches of an almost empty kernel, and typical sizes.
void measure() {
    using Clock = std::chrono::steady_clock;
    auto best = [](int repeats, auto action) {
        double least = 1e30;
        for (int i = 0; i < repeats; i++) {
            auto start = Clock::now();
            action();
            least = std::min(least, std::chrono::duration<double, std::milli>(Clock::now() - start).count());
        }
        return least;
    };
    for (const char* mode : {"plain", "hook"}) {
        set_mode(mode);
        Module norm("layer_norm.cu", read_file(kernels_folder + "/layer_norm.cu"), {"layer_norm_forward_96_float32"});
        int rows = 4096, few = 4, C = 96;
        Device<float> x(normal(size_t(rows) * C, 1)), weight(normal(C, 2)), y(size_t(rows) * C), mean(rows), rstd(rows);
        auto run = [&](int count) {
            require(norm.launch("layer_norm_forward_96_float32", {unsigned(count + 15) / 16}, {128}, 0, *x, *weight, *weight, *y, *mean, *rstd,
                count, C, 1e-5f, 0, 1, 1), "launch");
        };
        double small = best(200, [&] { run(few); }), large = best(7, [&] { run(rows); });
        Module product("gemm.cu", read_file(kernels_folder + "/gemm.cu"), {"gemm_nn_64x64_tf32"});
        int n = 256;
        Device<float> a(normal(size_t(n) * n, 3)), b(normal(size_t(n) * n, 4)), c(size_t(n) * n);
        double gemm_ms = best(7, [&] {
            float* none = nullptr;
            require(product.launch("gemm_nn_64x64_tf32", {4, 4}, {128}, 4 * 128 * 64, *a, *b, none, none, none, *c, none, none, none, n, n, n, n, 0, 0u,
                1.0f, 0u, 0ull, 0, 0, 0), "launch");
        });
        printf("  %-5s launch of one block %.0f us, layer norm 4096x96 %.1f ms, tf32 product 256^3 %.1f ms\n", mode, small * 1e3, large,
            gemm_ms);
        clear_report();
    }
    set_mode("plain");
}
