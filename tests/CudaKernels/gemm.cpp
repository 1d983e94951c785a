// gemm: the three layouts in every precision and tile, with their epilogues, in one part and split along K.
#include "check.h"

namespace {

struct Tile { std::string name; int BM, BN; };
// What comes with the product; DropPath: rowsPerSample > 0.
struct With { bool bias, residual, pre, gelu, accumulate; int rowsPerSample, depth; };

double normal_distribution(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }
double gelu(double x) { return x * normal_distribution(x); }
double gelu_derivative(double x) { return normal_distribution(x) + x * std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI); }

constexpr unsigned STEP = 5, LAYER = 3;
constexpr unsigned long long SEED = 0x123456789abcdefull;

// keep(row) factor for a dropping probability of 0.5
double scale_of(int row, int rowsPerSample) {
    if (!rowsPerSample) return 1;
    uint32_t c[4] = {uint32_t(row / rowsPerSample), 0, STEP, LAYER}, k[2] = {uint32_t(SEED), uint32_t(SEED >> 32)};
    for (int round = 0; round < 10; round++) {
        uint64_t a = 0xD2511F53ull * c[0], b = 0xCD9E8D57ull * c[2];
        uint32_t next[4] = {uint32_t(b >> 32) ^ c[1] ^ k[0], uint32_t(b), uint32_t(a >> 32) ^ c[3] ^ k[1], uint32_t(a)};
        std::copy(next, next + 4, c);
        k[0] += 0x9E3779B9u, k[1] += 0xBB67AE85u;
    }
    return c[0] >> 8 < 1u << 23 ? 0 : 2;
}

// The operands are rounded to what the matrix units see, so that references need no rounding of their own.
Values operand(size_t count, unsigned seed, const std::string& precision) {
    Values values = random_values(count, seed, precision == "_bf16");
    if (precision == "_tf32")
        for (float& v : values) v = round_tf32(v);
    return values;
}

void product(const std::string& layout, const std::string& precision, const Tile& tile, int M, int N, int K, const With& with) {
    bool half = precision == "_bf16", tn = layout == "tn", nt = layout == "nt";
    std::string name = "gemm_" + layout + "_" + tile.name + precision, what = name + " " + std::to_string(M) + "x" + std::to_string(N) + "x" + std::to_string(K);
    Values a = operand(size_t(M) * K, 1, precision), b = operand(size_t(N) * K, 2, precision), bias = random_values(size_t(tn ? M : N), 3);
    size_t outs = size_t(M) * N;
    Values residual = random_values(outs, 4, half), pre = random_values(outs, 5, half), old = random_values(outs, 6, half && !tn), oldBias = bias;
    Doubles c(outs), z(outs), dBias(tn ? size_t(M) : 0);
    for (int m = 0; m < M; m++)
        for (int n = 0; n < N; n++) {
            double sum = 0;
            for (int k = 0; k < K; k++)
                sum += double(a[tn ? size_t(k) * M + m : size_t(m) * K + k]) * b[nt ? size_t(n) * K + k : size_t(k) * N + n] * (tn ? scale_of(k, with.rowsPerSample) : 1);
            size_t at = size_t(m) * N + n;
            if (nt && with.bias) sum += bias[size_t(n)];
            if (!tn) sum *= scale_of(m, with.rowsPerSample);
            if (layout == "nn" && with.pre) sum *= gelu_derivative(pre[at]);
            if (!tn && with.residual) sum += residual[at];
            z[at] = sum;
            if (nt && with.gelu) sum = gelu(sum);
            c[at] = sum;
        }
    for (int m = 0; tn && m < M; m++)
        for (int k = 0; k < K; k++) dBias[size_t(m)] += double(a[size_t(k) * M + m]) * scale_of(k, with.rowsPerSample);

    Buffer dev_a(a, half), dev_b(b, half), dev_residual(residual, half), out = target(old, with.accumulate, half && !tn);
    Buffer dev_pre = nt ? Buffer(outs, half) : Buffer(pre, half), dev_bias = tn ? target(oldBias, !with.accumulate, false) : Buffer(bias, false);
    // For kernels that take any address, a bias that begins 4 bytes after a multiple of 16.
    Values behind(1);
    behind.insert(behind.end(), bias.begin(), bias.end());
    Buffer dev_behind(behind, false);
    Device<unsigned> step(std::vector<unsigned>{STEP});
    auto over = [](int x, int y) { return unsigned((x + y - 1) / y); };
    int depth = with.depth ? with.depth : K;
    unsigned splits = over(K, depth);
    Buffer partial = splits > 1 ? Buffer(outs * splits, false) : Buffer(), partialBias = splits > 1 && tn ? Buffer(size_t(2 * M) * splits, false) : Buffer();
    void *p_bias = !with.bias ? nullptr : nt && tile.name == "any" ? static_cast<float*>(*dev_behind) + 1 : *dev_bias, *p_residual = with.residual ? *dev_residual : nullptr, *p_pre = with.pre ? *dev_pre : nullptr;
    void* p_step = with.rowsPerSample ? *step : nullptr;
    unsigned shared = unsigned(4 * (tile.BM + tile.BN) * (precision == "_float32" ? 68 : 64));
    go("gemm", name, {over(N, tile.BN), over(M, tile.BM), splits}, {128}, shared, *dev_a, *dev_b, p_bias, p_residual, p_pre, *out, *partial, *partialBias, p_step, M, N,
        K, depth, with.rowsPerSample, 1u << 23, 2.0f, LAYER, SEED, int(with.gelu), int(with.accumulate), int(!with.accumulate));
    if (splits > 1) {
        Launch rows = row_launch(M, N);
        go("gemm", "gemm_" + layout + "_total" + type_name(half && !tn), rows.grid, rows.block, 0, *partial, *partialBias, p_bias, p_residual, p_pre, *out, p_step, M,
            N, int(splits), with.rowsPerSample, 1u << 23, 2.0f, LAYER, SEED, int(with.gelu), int(with.accumulate), int(!with.accumulate));
    }
    double tolerance = half && !tn ? 4e-3 : 2e-6;
    compare(what, out.get(), given(c, old, !nt && with.accumulate), tolerance);
    if (nt && with.pre) compare(what + " pre", dev_pre.get(), z, tolerance);
    if (tn && with.bias) compare(what + " dBias", dev_bias.get(), given(dBias, oldBias, !with.accumulate), 1e-6);
}

}

void check_gemm() {
    for (std::string precision : {"_float32", "_tf32", "_bf16"}) {
        std::vector<Tile> tiles = {{"64x64", 64, 64}};
        if (precision == "_float32") tiles.push_back({"128x64", 128, 64});
        else tiles.push_back({"128x96", 128, 96});
        tiles.push_back({"128x128", 128, 128});
        for (const Tile& tile : tiles) {
            // One tile and a bit each way; K a slice and a bit, and one below.
            int M = tile.BM + 8, N = tile.BN + 24;
            product("nt", precision, tile, M + 3, N, 136, {true, false, false, false, false, 0, 0});
            product("nt", precision, tile, M - 13, 40, 24, {true, true, true, true, false, 9, 0});
            product("nn", precision, tile, M + 5, N, 72, {false, true, true, false, true, 11, 0});
            product("nn", precision, tile, 33, N - 16, 136, {false, false, false, false, false, 0, 0});
            product("tn", precision, tile, M, N, 99, {true, false, false, false, false, 7, 0});
            product("tn", precision, tile, 40, N, 61, {true, false, false, false, true, 0, 0});
        }
        Tile small = {"64x64", 64, 64}, any = {"any", 64, 64};
        product("nt", precision, small, 30, 72, 320, {true, true, false, false, false, 4, 96});
        product("nt", precision, small, 30, 40, 320, {true, false, true, true, false, 0, 128});
        product("nn", precision, small, 21, 72, 160, {false, false, true, false, true, 6, 64});
        product("tn", precision, small, 72, 40, 311, {true, false, false, false, true, 45, 96});
        product("tn", precision, small, 40, 24, 160, {false, false, false, false, false, 0, 64});
        product("nt", precision, any, 37, 21, 35, {true, true, true, true, false, 5, 0});
        product("nt", precision, any, 5, 70, 33, {false, false, false, false, false, 0, 0});
        product("nn", precision, any, 70, 33, 19, {false, true, true, false, true, 5, 0});
        product("tn", precision, any, 27, 35, 70, {true, false, false, false, true, 9, 0});
        product("tn", precision, any, 27, 35, 70, {true, false, false, false, false, 9, 32});
        product("nt", precision, any, 9, 7, 70, {true, true, false, true, false, 5, 32});
        product("nt", precision, any, 9, 8, 70, {true, true, true, true, false, 5, 32});
    }
}
