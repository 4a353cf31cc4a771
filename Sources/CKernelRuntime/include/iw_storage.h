// Conversions of types that only store numbers; follows iw_math.h. Floats of 8 and 4 bits are the codes in a uint8_t,
// integers of 4 and 2 bits their values in an int8_t or uint8_t. Casts round half-even and saturate, NaN stays NaN.
// Every function is branch-free integer arithmetic, so that a loop over it becomes vector code.
#ifndef IW_STORAGE_H
#define IW_STORAGE_H

// ---- floats with a sign ----------------------------------------------------------------------------------------

// M bits of mantissa, exponent BIAS. GREATEST: the bits of the greatest number as f32, CODE: its code. SIGN: the bit
// of the sign. NAN: the code of NaN. SIGNED_ZERO: whether minus zero is a number.
#define IW_TO_STORAGE(N, M, BIAS, GREATEST, CODE, SIGN, NAN_CODE, SIGNED_ZERO)                                    \
  IW_INLINE uint8_t iw_f32_to_##N(float x) {                                                                      \
    uint32_t u = iw_bits_f32(x), a = u & 0x7fffffffu, sign = (u >> 31) * SIGN;                                    \
    uint32_t round = (1u << (22 - M)) - 1u + ((a >> (23 - M)) & 1u);                                              \
    uint32_t normal = (a + round - ((127u - BIAS) << 23)) >> (23 - M);                                            \
    uint32_t unit = (151u - BIAS - M) << 23; /* adding it rounds to multiples of the least number */              \
    uint32_t tiny = iw_bits_f32(iw_from_bits_f32(a) + iw_from_bits_f32(unit)) - unit;                             \
    uint32_t r = a < ((128u - BIAS) << 23) ? tiny : normal;                                                       \
    r = a > GREATEST ? CODE : r;                                                                                  \
    r = SIGNED_ZERO || r ? r | sign : 0u;                                                                         \
    return (uint8_t)(a > 0x7f800000u ? NAN_CODE : r);                                                             \
  }
// IS_NAN and IS_INFINITE are tests of the whole code h and of its magnitude m.
#define IW_FROM_STORAGE(N, M, BIAS, SIGN, IS_NAN, IS_INFINITE)                                                    \
  IW_INLINE float iw_##N##_to_f32(uint8_t h) {                                                                    \
    uint32_t m = h & (SIGN - 1u), sign = h & SIGN ? 0x80000000u : 0u;                                             \
    uint32_t normal = (m << (23 - M)) + ((127u - BIAS) << 23);                                                    \
    uint32_t tiny = iw_bits_f32((float)(int32_t)m * iw_from_bits_f32((128u - BIAS - M) << 23));                   \
    uint32_t r = (m >> M) == 0u ? tiny : normal;                                                                  \
    r = IS_INFINITE ? 0x7f800000u : r;                                                                            \
    r = IS_NAN ? 0x7fc00000u : r;                                                                                 \
    return iw_from_bits_f32(r | sign);                                                                            \
  }

IW_TO_STORAGE(f8e4m3fn, 3, 7u, 0x43e00000u, 0x7eu, 0x80u, 0x7fu, 1)
IW_TO_STORAGE(f8e4m3fnuz, 3, 8u, 0x43700000u, 0x7fu, 0x80u, 0x80u, 0)
IW_TO_STORAGE(f8e5m2, 2, 15u, 0x47600000u, 0x7bu, 0x80u, 0x7eu, 1)
IW_TO_STORAGE(f8e5m2fnuz, 2, 16u, 0x47600000u, 0x7fu, 0x80u, 0x80u, 0)
IW_TO_STORAGE(f4e2m1, 1, 1u, 0x40c00000u, 0x7u, 0x8u, 0x8u, 1)
IW_FROM_STORAGE(f8e4m3fn, 3, 7u, 0x80u, (m == 0x7fu), 0)
IW_FROM_STORAGE(f8e4m3fnuz, 3, 8u, 0x80u, (h == 0x80u), 0)
IW_FROM_STORAGE(f8e5m2, 2, 15u, 0x80u, (m > 0x7cu), (m == 0x7cu))
IW_FROM_STORAGE(f8e5m2fnuz, 2, 16u, 0x80u, (h == 0x80u), 0)
IW_FROM_STORAGE(f4e2m1, 1, 1u, 0x8u, 0, 0)
#undef IW_TO_STORAGE
#undef IW_FROM_STORAGE

// ---- powers of two from 2^-127 to 2^127 ------------------------------------------------------------------------

// The next power of two at or above the magnitude. 2^-127 is no normal f32, hence also f64.
IW_INLINE uint8_t iw_f32_to_f8e8m0(float x) {
  uint32_t a = iw_bits_f32(x) & 0x7fffffffu, e = a >> 23;
  uint32_t up = e == 0u ? (uint32_t)(a > 0x400000u) : e + (uint32_t)((a & 0x7fffffu) != 0u);
  up = up > 254u ? 254u : up;
  return (uint8_t)(a > 0x7f800000u ? 255u : up);
}
IW_INLINE float iw_f8e8m0_to_f32(uint8_t h) {
  uint32_t normal = (uint32_t)h << 23;
  return iw_from_bits_f32(h == 0u ? 0x400000u : (h == 255u ? 0x7fc00000u : normal));
}
IW_INLINE double iw_f8e8m0_to_f64(uint8_t h) {
  uint64_t number = ((uint64_t)h + 896u) << 52;
  return iw_from_bits_f64(h == 255u ? 0x7ff8000000000000ull : number);
}

// ---- integers --------------------------------------------------------------------------------------------------

// The low bits as a value.
IW_INLINE int32_t iw_wrap_int4(int32_t x) { return ((x & 15) ^ 8) - 8; }
IW_INLINE int32_t iw_wrap_uint4(int32_t x) { return x & 15; }
IW_INLINE int32_t iw_wrap_int2(int32_t x) { return ((x & 3) ^ 2) - 2; }
IW_INLINE int32_t iw_wrap_uint2(int32_t x) { return x & 3; }

// Floats truncate and saturate; NaN gives 0.
#define IW_TO_BITS(T, S, N, LOW, HIGH)                                                                            \
  IW_INLINE int32_t iw_##S##_to_##N(T x) {                                                                        \
    T v = x == x ? x : (T)0;                                                                                      \
    v = v < (T)(LOW) ? (T)(LOW) : (v > (T)(HIGH) ? (T)(HIGH) : v);                                                \
    return (int32_t)v;                                                                                            \
  }
IW_TO_BITS(float, f32, int4, -8, 7)
IW_TO_BITS(float, f32, uint4, 0, 15)
IW_TO_BITS(float, f32, int2, -2, 1)
IW_TO_BITS(float, f32, uint2, 0, 3)
IW_TO_BITS(double, f64, int4, -8, 7)
IW_TO_BITS(double, f64, uint4, 0, 15)
IW_TO_BITS(double, f64, int2, -2, 1)
IW_TO_BITS(double, f64, uint2, 0, 3)
#undef IW_TO_BITS

#endif
