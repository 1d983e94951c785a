// Conversions and matrix instructions: the plain C++ twins of the PTX in kernels/common.cuh.
#pragma once
#include "memory.h"

// Round to nearest, ties away from zero, as cvt.rna.tf32 does; infinities and NaN pass.
inline unsigned float_to_tf32(float x) {
    unsigned u = __float_as_uint(x);
    return (u & 0x7f800000u) == 0x7f800000u ? u : (u + 0x1000u) & 0xffffe000u;
}
// Round to nearest, ties to even, as cvt.rn.bf16 does; every NaN becomes 0x7fff.
inline unsigned short float_to_bf16_bits(float x) {
    unsigned u = __float_as_uint(x);
    if ((u & 0x7fffffffu) > 0x7f800000u) return 0x7fff;
    return static_cast<unsigned short>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
}
inline unsigned pack_bf16x2(float low, float high) { return float_to_bf16_bits(low) | unsigned(float_to_bf16_bits(high)) << 16; }

inline void mma_m16n8k8_tf32(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], CSUNET_HERE) {
    csunet::MmaLane lane{c, a, b};
    csunet::warp_collective(~0u, csunet::mma_tf32, &lane, CSUNET_SITE("mma_m16n8k8_tf32"));
}
inline void mma_m16n8k16_bf16(float (&c)[4], const unsigned (&a)[4], const unsigned (&b)[2], CSUNET_HERE) {
    csunet::MmaLane lane{c, a, b};
    csunet::warp_collective(~0u, csunet::mma_bf16, &lane, CSUNET_SITE("mma_m16n8k16_bf16"));
}
__forceinline__ void ldmatrix_x4(unsigned (&r)[4], const void* row, CSUNET_HERE) {
    csunet_access_read(row, 16);
    csunet::LdmatrixLane lane{r, row, 4, false};
    csunet::warp_collective(~0u, csunet::ldmatrix, &lane, CSUNET_SITE("ldmatrix_x4"));
}
__forceinline__ void ldmatrix_x4_trans(unsigned (&r)[4], const void* row, CSUNET_HERE) {
    csunet_access_read(row, 16);
    csunet::LdmatrixLane lane{r, row, 4, true};
    csunet::warp_collective(~0u, csunet::ldmatrix, &lane, CSUNET_SITE("ldmatrix_x4_trans"));
}
