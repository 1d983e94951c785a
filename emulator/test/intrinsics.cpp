// The wrappers of common.cuh against values worked out here.
#include "client.h"

static void test_conversions(Module& module) {
    const uint32_t patterns[32] = {0x3f800000, 0x3f807fff, 0x3f808000, 0x3f808001, 0x3f817fff, 0x3f818000, 0x7f7fffff, 0x7f800000, 0xff800000,
        0x7fc00001, 0x7f800001, 0x00000000, 0x80000000, 0x00000001, 0x3f800fff, 0x3f801000, 0x3f801001, 0x3f803000, 0xbf801000, 0x00800000};
    std::vector<float> values(32);
    for (size_t i = 0; i < 32; i++) memcpy(&values[i], &patterns[i], 4);
    Device<float> in(values);
    Device<uint32_t> out(64);
    require(module.launch("conversions", {1}, {32}, 0, *in, *out), "conversions");
    auto bits = out.get();
    for (size_t i = 0; i < 32; i++) {
        uint32_t u = patterns[i];
        bool nan = (u & 0x7fffffff) > 0x7f800000, infinite = (u & 0x7fffffff) == 0x7f800000;
        // To nearest even, worked out from the two neighbours.
        uint32_t low = u >> 16, rest = u & 0xffff;
        uint32_t bf16 = nan ? 0x7fff : low + (rest > 0x8000 || (rest == 0x8000 && (low & 1)));
        uint32_t tf32 = nan || infinite ? u : (u & ~0x1fffu) + ((u & 0x1fff) >= 0x1000 ? 0x2000 : 0);
        expect(bits[i] == bf16, "bf16 of pattern " + std::to_string(i));
        expect(bits[32 + i] == tf32, "tf32 of pattern " + std::to_string(i));
    }
}

void test_intrinsics() {
    for (const char* mode : {"plain", "hook"}) {
        set_mode(mode);
        Module module("intrinsics.cu", read_file(test_folder + "/intrinsics.cu"));
        test_conversions(module);
        std::vector<uint16_t> rows(256);
        for (size_t i = 0; i < 256; i++) rows[i] = to_bf16(float(i));       // exact up to 256
        Device<uint16_t> from(rows), to(256);
        require(module.launch("copies", {1}, {32}, 0, *from, *to), "copies");
        expect(to.get() == rows, "copies by every kind of access");
        Device<uint32_t> pairs(128);
        require(module.launch("matrices", {1}, {32}, 0, *from, *pairs), "matrices");
        auto got = pairs.get();
        for (size_t lane = 0; lane < 32; lane++) {
            auto element = [&](size_t matrix, size_t row, size_t column) { return uint32_t(rows[64 * matrix + 8 * row + column]); };
            size_t a = lane / 4, b = 2 * (lane % 4);
            for (size_t i = 0; i < 4; i++)
                expect(got[32 * i + lane] == (element(i, b, a) | element(i, b + 1, a) << 16), "ldmatrix_x4_trans, matrix " + std::to_string(i));
        }
        std::vector<float> values(32);
        for (size_t i = 0; i < 32; i++) values[i] = float(i + 1);
        Device<float> in(values), sums(3), uniform(32);
        require(module.launch("reductions", {1}, {32}, 0, *in, *sums, *uniform), "reductions");
        expect(sums.get() == std::vector<float>{528, 32, 3}, "block_sum, block_max, a copy filled up with zeros");
        for (float u : uniform.get()) expect(u >= 0 && u < 1, "uniform numbers");
        expect(report().empty(), std::string("intrinsics in mode ") + mode + ": " + report());
        clear_report();
    }
    set_mode("plain");
}
