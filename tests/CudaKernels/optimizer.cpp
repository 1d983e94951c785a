// adamw, sgd, gradient norm and scale over several tensors, one of them not aligned to vectors.
#include "check.h"

struct Model {
    std::vector<int> sizes{16384 * 2 + 7, 5, 1000, 16384};
    std::vector<size_t> starts;
    Values p, g, m, v;
    std::vector<std::unique_ptr<Device<float>>> memory;
    std::unique_ptr<Device<uint16_t>> copies;
    std::unique_ptr<Device<uint64_t>> table;
    std::unique_ptr<Device<int64_t>> counts;
    std::unique_ptr<Device<int32_t>> chunks;
    int tensors = 4, chunk_count = 0;
    explicit Model(bool with_v, bool with_m) {
        size_t total = 0;
        for (int size : sizes) starts.push_back(total), total += size_t(size);
        p = random_values(total, 1), g = random_values(total, 2), m = random_values(total, 3), v = random_values(total, 4);
        for (float& x : v) x = std::abs(x);
        for (Values* values : {&p, &g, &m, &v}) memory.push_back(std::make_unique<Device<float>>(*values));
        copies = std::make_unique<Device<uint16_t>>(total);
        std::vector<uint64_t> addresses;
        for (size_t column = 0; column < 5; column++)
            for (size_t t = 0; t < 4; t++) {
                bool none = (column == 3 && !with_v) || (column == 2 && !with_m);
                addresses.push_back(none ? 0 : column < 4 ? memory[column]->pointer + 4 * starts[t] : copies->pointer + 2 * starts[t]);
            }
        table = std::make_unique<Device<uint64_t>>(addresses);
        counts = std::make_unique<Device<int64_t>>(std::vector<int64_t>(sizes.begin(), sizes.end()));
        std::vector<int32_t> list;
        for (int t = 0; t < 4; t++)
            for (int c = 0; c * 16384 < sizes[size_t(t)]; c++) list.push_back(t), list.push_back(c), chunk_count++;
        chunks = std::make_unique<Device<int32_t>>(list);
    }
};

static void adamw() {
    Model model(true, true);
    const double lr = 1e-2, decay = 0.05, b1 = 0.9, b2 = 0.999, eps = 1e-8, factor = 0.5;
    const int t = 3;
    double r1 = 1 - std::pow(b1, t), r2 = 1 - std::pow(b2, t);
    Device<float> settings(Values{float(1 - lr * decay), float(1 - b1), float(b2), float(1 - b2), float(eps), float(lr / r1), float(1 / std::sqrt(r2))}), scale(Values{float(factor)});
    Doubles p(model.p.size()), m(p.size()), v(p.size());
    for (size_t i = 0; i < p.size(); i++) {
        double g = factor * model.g[i];
        m[i] = b1 * model.m[i] + (1 - b1) * g, v[i] = b2 * model.v[i] + (1 - b2) * g * g;
        p[i] = (1 - lr * decay) * model.p[i] - lr / r1 * m[i] / (std::sqrt(v[i]) / std::sqrt(r2) + eps);
    }
    go("optimizer", "adamw_float32", {unsigned(model.chunk_count)}, {256}, 0, **model.table, **model.counts, **model.chunks, *settings, *scale, model.tensors);
    compare("adamw parameter", model.memory[0]->get(), p, 1e-6);
    compare("adamw mean", model.memory[2]->get(), m, 3e-7);
    compare("adamw variance", model.memory[3]->get(), v, 3e-7);
    compare("adamw copy", from_bf16(model.copies->get()), p, 4e-3);
}

static void sgd(bool velocity) {
    Model model(false, velocity);
    const double lr = 1e-2, momentum = velocity ? 0.9 : 0, decay = 0.05;
    Device<float> settings(Values{float(lr), float(momentum), float(decay)});
    Doubles p(model.p.size()), u(p.size());
    for (size_t i = 0; i < p.size(); i++) u[i] = momentum * model.m[i] + model.g[i] + decay * model.p[i], p[i] = model.p[i] - lr * u[i];
    go("optimizer", "sgd_float32", {unsigned(model.chunk_count)}, {256}, 0, **model.table, **model.counts, **model.chunks, *settings, (float*)nullptr, model.tensors);
    compare("sgd parameter", model.memory[0]->get(), p, 3e-7);
    if (velocity) compare("sgd velocity", model.memory[2]->get(), u, 3e-7);
}

static void norm() {
    Model model(true, true);
    double squares = 0;
    for (float x : model.g) squares += double(x) * x;
    size_t n = size_t(model.chunk_count);
    Device<float> partial(2 * n), result(2);
    Device<int32_t> bad(n), count(1);
    for (int pass = 0; pass < 2; pass++) {
        go("optimizer", "gradient_norm_partial_float32", {unsigned(n)}, {256}, 0, **model.table, **model.counts, **model.chunks, *partial, *bad, model.tensors);
        go("optimizer", "gradient_norm_total", {1}, {256}, 0, *partial, *bad, *result, *count, model.chunk_count, 1.0f);
        if (pass) break;
        compare("gradient norm", result.get(), {std::sqrt(squares), 1 / (std::sqrt(squares) + 1e-6)}, 2e-7);
        note(count.get()[0] == 0, "all gradients are finite");
        Values scaled = model.g;
        float factor = result.get()[1];
        for (float& x : scaled) x *= factor;
        go("optimizer", "gradient_scale_float32", {unsigned(n)}, {256}, 0, **model.table, **model.counts, **model.chunks, *result + 1, model.tensors);
        same("gradient scale", model.memory[1]->get(), scaled);
        scaled[3] = NAN, scaled[16390] = INFINITY, scaled[33000] = -INFINITY;
        model.memory[1]->set(scaled);
    }
    note(count.get()[0] == 3 && !std::isfinite(result.get()[0]), "three gradients are not finite");
}

void check_optimizer() {
    adamw();
    sgd(true);
    sgd(false);
    norm();
}
