// cross_entropy_dice, argmax, confusion.
#include "check.h"

struct Case {
    int rows, K, ignore, bytes;
    Values x, g{0.7f}, w, old;
    Doubles p;
    std::vector<int> labels;            // -1: ignored, -2: invalid
    std::unique_ptr<Device<uint8_t>> small;
    std::unique_ptr<Device<int64_t>> large;
    Case(int rows, int K, int bytes, bool invalid = false) : rows(rows), K(K), ignore(bytes == 1 ? 255 : -100), bytes(bytes) {
        size_t count = size_t(rows * K);
        x = random_values(count, 1), old = random_values(count, 2), w = random_values(size_t(K), 3);
        for (float& v : x) v *= 3;
        for (float& v : w) v = std::abs(v) + 0.1f;
        p.resize(count);
        std::vector<uint8_t> a;
        std::vector<int64_t> b;
        for (int r = 0; r < rows; r++) {
            double sum = 0;
            for (int k = 0; k < K; k++) sum += p[size_t(r * K + k)] = std::exp(double(x[size_t(r * K + k)]));
            for (int k = 0; k < K; k++) p[size_t(r * K + k)] /= sum;
            int label = r % 5 == 3 ? -1 : invalid && r % 11 == 4 ? -2 : (r * 7 + 3) % K;
            labels.push_back(label);
            int written = label == -1 ? ignore : label == -2 ? K : label;
            a.push_back(uint8_t(written)), b.push_back(written);
        }
        if (bytes == 1) small = std::make_unique<Device<uint8_t>>(a);
        else large = std::make_unique<Device<int64_t>>(b);
    }
    void* device_labels() const { return small ? static_cast<void*>(**small) : static_cast<void*>(**large); }
};

// The kernels add to this number; an invalid label makes the loss NaN.
struct Invalid {
    Device<uint64_t> count{std::vector<uint64_t>{5}};
    void check(const Case& c, const std::string& what, const Values& loss) {
        uint64_t expected = 0;
        for (int label : c.labels) expected += label == -2;
        note(count.get()[0] == 5 + expected && std::isnan(loss[0]) == (expected > 0), what + ": invalid labels");
    }
};

static void cross_entropy_dice(int rows, int K, int bytes, bool weighted, bool accumulate, float a = 0.6f, float b = 1.5f) {
    Case c(rows, K, bytes);
    const float smooth = 1e-5f;
    std::string what = "cross_entropy_dice " + std::to_string(K), group = (K <= 8 ? "_8" : K <= 32 ? "_32" : "_256") + std::string("_float32");
    double W = 0, entropy = 0, dice = 0;
    Doubles n(size_t(K), smooth), d(size_t(K), smooth), dx(c.x.size());
    auto weight = [&](int label) { return weighted ? double(c.w[size_t(label)]) : 1.0; };
    for (int r = 0; r < rows; r++) {
        int label = c.labels[size_t(r)];
        if (label < 0) continue;
        W += weight(label), entropy -= weight(label) * std::log(c.p[size_t(r * K + label)]);
        for (int k = 0; k < K; k++) {
            double p = c.p[size_t(r * K + k)], g = k == label;
            n[size_t(k)] += 2 * p * g, d[size_t(k)] += p * p + g;
        }
    }
    for (int k = 0; k < K; k++) dice += (1 - n[size_t(k)] / d[size_t(k)]) / K;
    for (int r = 0; r < rows; r++) {
        int label = c.labels[size_t(r)];
        if (label < 0) continue;
        double dot = 0;
        Doubles dp(size_t(K), 0.0);
        for (int k = 0; k < K; k++) {
            double p = c.p[size_t(r * K + k)], g = k == label;
            dp[size_t(k)] = -b * c.g[0] * (2 * g - 2 * p * n[size_t(k)] / d[size_t(k)]) / (K * d[size_t(k)]), dot += dp[size_t(k)] * p;
        }
        for (int k = 0; k < K; k++) {
            double p = c.p[size_t(r * K + k)];
            dx[size_t(r * K + k)] = p * (dp[size_t(k)] - dot) + a * c.g[0] * weight(label) / W * (p - (k == label));
        }
    }
    const unsigned blocks = 4;
    // Without Dice, W is all there is of the totals: a kernel that read the others would be found.
    Device<float> in(c.x), weights(c.w), partial(blocks * 4 * (size_t(K) + 1)), out(1), totals(b == 0 ? 1 : size_t(1 + 2 * K)), dLoss(c.g);
    Invalid invalid;
    Buffer dIn = target(c.old, accumulate, false);
    float* w = weighted ? *weights : nullptr;
    go("cross_entropy_dice", "cross_entropy_dice_forward" + group, {blocks}, {256}, 0, *in, c.device_labels(), w, *partial, *invalid.count, (long long)rows, K, bytes,
        (long long)c.ignore, int(b != 0));
    go("cross_entropy_dice", "cross_entropy_dice_forward_total", {1}, {256}, 0, *partial, *out, *totals, int(blocks), K, smooth, a, b);
    Doubles all{W};
    if (b != 0) all.insert(all.end(), n.begin(), n.end()), all.insert(all.end(), d.begin(), d.end());
    compare(what + " totals", totals.get(), all, 1e-6);
    invalid.check(c, what, out.get());
    compare(what + " loss", out.get(), {a * entropy / W + b * dice}, 1e-6);
    go("cross_entropy_dice", "cross_entropy_dice_backward" + group, {2}, {256}, 0, *in, c.device_labels(), w, *totals, *dLoss, *dIn, (long long)rows, K, bytes,
        (long long)c.ignore, a, b, int(accumulate));
    compare(what + " dLogits", dIn.get(), given(dx, c.old, accumulate), 2e-6);
}

// Labels that are no class: counted, and the loss is NaN.
static void invalid_labels(int rows, int K, int bytes) {
    Case c(rows, K, bytes, true);
    std::string group = (K <= 8 ? "_8" : "_32") + std::string("_float32");
    const unsigned blocks = 3;
    Device<float> in(c.x), partial(blocks * 4 * (size_t(K) + 1)), out(1), totals(size_t(1 + 2 * K));
    float* none = nullptr;
    for (auto [a, b] : {std::pair(0.5f, 0.5f), std::pair(1.0f, 0.0f), std::pair(0.0f, 1.0f)}) {
        Invalid invalid;
        go("cross_entropy_dice", "cross_entropy_dice_forward" + group, {blocks}, {256}, 0, *in, c.device_labels(), none, *partial, *invalid.count, (long long)rows, K, bytes,
            (long long)c.ignore, int(b != 0));
        go("cross_entropy_dice", "cross_entropy_dice_forward_total", {1}, {256}, 0, *partial, *out, *totals, int(blocks), K, 1e-5f, a, b);
        invalid.check(c, "cross_entropy_dice", out.get());
    }
}

static void argmax(bool half, int rows, int K, int bytes) {
    Case c(rows, K, bytes, true);
    std::string what = "argmax" + type_name(half) + " " + std::to_string(K);
    Values x = c.x;
    for (float& v : x) v = std::round(v);           // ties
    x[size_t(K)] = NAN, x[size_t(3 * K - 1)] = NAN;
    std::vector<uint8_t> expected;
    std::vector<uint64_t> counts(size_t(K * K + 1), 5);
    for (int r = 0; r < rows; r++) {
        int best = 0;
        for (int k = 1; k < K; k++)
            if (x[size_t(r * K + k)] > x[size_t(r * K + best)]) best = k;
        expected.push_back(uint8_t(best));
        int t = c.labels[size_t(r)];
        if (t != -1) counts[size_t(t < 0 ? K * K : t * K + best)]++;
    }
    Buffer in(x, half);
    Device<uint8_t> labels{size_t(rows)};
    Device<uint64_t> matrix(std::vector<uint64_t>(counts.size(), 5));
    go("argmax", std::string("argmax") + (K <= 8 ? "_8" : "_256") + type_name(half), {2}, {256}, 0, *in, *labels, (long long)rows, K);
    note(labels.get() == expected, what);
    go("argmax", "confusion", {2}, {256}, K <= 64 ? unsigned(4 * (K * K + 1)) : 0, *labels, c.device_labels(), *matrix, (long long)rows, K, bytes, (long long)c.ignore);
    note(matrix.get() == counts && report().empty(), what + ": confusion " + report());
    clear_report();
}

void check_losses() {
    cross_entropy_dice(333, 3, 1, true, false);
    cross_entropy_dice(203, 9, 8, false, true);
    cross_entropy_dice(50, 200, 8, true, false);
    cross_entropy_dice(1, 2, 1, false, false);
    cross_entropy_dice(333, 3, 1, true, false, 1, 0);
    cross_entropy_dice(77, 256, 8, true, true, 1, 0);
    cross_entropy_dice(203, 9, 8, false, true, 0, 1);
    invalid_labels(203, 3, 1);
    invalid_labels(99, 9, 8);
    for (bool half : {false, true}) argmax(half, 401, 5, 1), argmax(half, 99, 70, 8);
}
