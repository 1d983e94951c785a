// The matrix instructions, by the fragment layouts of the PTX ISA (mma.m16n8k8 tf32, mma.m16n8k16 bf16, ldmatrix).
#include "state.h"
#include "../check/hook_state.h"

namespace csunet {

static void require_full_warp(Thread* const* lanes, unsigned mask) {
    Thread* first = lanes[__builtin_ctz(mask)];
    if (mask != ~0u) fail(first->site, "needs a full warp, lanes present: %08x", mask);
    if (current_worker->launch->hooked) count_matrix_instruction(first->site);
}

// Compiled for two kinds of vector units; contraction is off, so both round identically.
#if defined(__x86_64__)
#define WIDE __attribute__((target_clones("avx2", "default")))
#else
#define WIDE
#endif

// d = a * b, summed in float32 in the order of k. A GPU sums in another order: compare with a tolerance.
template <int K> __attribute__((always_inline)) static inline void multiply(const float (&a)[16][K], const float (&b)[K][8],
    float (&d)[16][8]) {
    for (int i = 0; i < 16; i++) {
        float sum[8] = {};
        for (int k = 0; k < K; k++)
            for (int j = 0; j < 8; j++) sum[j] += a[i][k] * b[k][j];
        for (int j = 0; j < 8; j++) d[i][j] = sum[j];
    }
}

// Lane 4g+q holds c[g][2q], c[g][2q+1], c[g+8][2q], c[g+8][2q+1].
static void accumulate(Thread* const* lanes, const float (&d)[16][8]) {
    for (int lane = 0; lane < 32; lane++) {
        float* c = static_cast<MmaLane*>(lanes[lane]->argument)->c;
        int g = lane >> 2, q = lane & 3;
        c[0] += d[g][2 * q];
        c[1] += d[g][2 * q + 1];
        c[2] += d[g + 8][2 * q];
        c[3] += d[g + 8][2 * q + 1];
    }
}

static float tf32(unsigned bits) { return __uint_as_float(bits & 0xffffe000u); }
static float bf16_low(unsigned pair) { return __uint_as_float(pair << 16); }
static float bf16_high(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }

// Lane 4g+q holds a[g][q], a[g+8][q], a[g][q+4], a[g+8][q+4] and b[q][g], b[q+4][g].
WIDE void mma_tf32(Thread* const* lanes, unsigned mask) {
    require_full_warp(lanes, mask);
    float a[16][8], b[8][8], d[16][8];
    for (int lane = 0; lane < 32; lane++) {
        auto& own = *static_cast<MmaLane*>(lanes[lane]->argument);
        int g = lane >> 2, q = lane & 3;
        a[g][q] = tf32(own.a[0]);
        a[g + 8][q] = tf32(own.a[1]);
        a[g][q + 4] = tf32(own.a[2]);
        a[g + 8][q + 4] = tf32(own.a[3]);
        b[q][g] = tf32(own.b[0]);
        b[q + 4][g] = tf32(own.b[1]);
    }
    multiply<8>(a, b, d);
    accumulate(lanes, d);
}

// Lane 4g+q holds pairs along k: register r of a is row g + 8(r&1), columns 2q + 8(r>>1) and +1; register r of b is rows 2q + 8r and
// +1 of column g.
WIDE void mma_bf16(Thread* const* lanes, unsigned mask) {
    require_full_warp(lanes, mask);
    float a[16][16], b[16][8], d[16][8];
    for (int lane = 0; lane < 32; lane++) {
        auto& own = *static_cast<MmaLane*>(lanes[lane]->argument);
        int g = lane >> 2, q = (lane & 3) * 2;
        for (int r = 0; r < 4; r++) {
            int row = g + (r & 1) * 8, column = q + (r >> 1) * 8;
            a[row][column] = bf16_low(own.a[r]);
            a[row][column + 1] = bf16_high(own.a[r]);
        }
        for (int r = 0; r < 2; r++) {
            b[q + r * 8][g] = bf16_low(own.b[r]);
            b[q + r * 8 + 1][g] = bf16_high(own.b[r]);
        }
    }
    multiply<16>(a, b, d);
    accumulate(lanes, d);
}

// Lane 8i+r gives the address of row r of matrix i. Lane l receives elements (l/4, 2(l%4)) and +1 of each matrix, or of its transpose.
void ldmatrix(Thread* const* lanes, unsigned mask) {
    Thread* first = lanes[__builtin_ctz(mask)];
    if (mask != ~0u) fail(first->site, "needs a full warp, lanes present: %08x", mask);
    int matrices = static_cast<LdmatrixLane*>(first->argument)->matrices;
    const char* rows[32];
    for (int lane = 0; lane < 8 * matrices; lane++) {
        rows[lane] = static_cast<const char*>(static_cast<LdmatrixLane*>(lanes[lane]->argument)->row);
        if (reinterpret_cast<uintptr_t>(rows[lane]) & 15) fail_misaligned(lanes[lane]->site, rows[lane], 16);
        if (!owns_shared(current_worker, rows[lane], 16)) fail(first->site, "the row of lane %d is outside every shared array", lane);
    }
    for (int lane = 0; lane < 32; lane++) {
        auto& own = *static_cast<LdmatrixLane*>(lanes[lane]->argument);
        for (int i = 0; i < matrices; i++) {
            char pair[4];
            if (own.transposed) {
                memcpy(pair, rows[8 * i + 2 * (lane % 4)] + 2 * (lane / 4), 2);
                memcpy(pair + 2, rows[8 * i + 2 * (lane % 4) + 1] + 2 * (lane / 4), 2);
            } else {
                memcpy(pair, rows[8 * i + lane / 4] + 4 * (lane % 4), 4);
            }
            memcpy(&own.r[i], pair, 4);
        }
    }
}

}
