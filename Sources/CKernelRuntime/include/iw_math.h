// Scalar mathematics of generated kernels, self-contained C11 for clang and gcc: no header, no library call. Every
// f32 function is branch-free (selects, bit casts) so that a loop over it becomes vector code; the f64 ones are in
// iw_math_f64.h, inverse functions of angles in iw_math_arc.h; both follow this text. The bounds in comments hold for
// all finite arguments with and without fused multiply-add; results and arguments below 2^-126 may count as zero; NaN
// in gives NaN out unless a comment says otherwise. Integer operators are total: a quotient by zero is 0, its
// remainder the dividend.
#ifndef IW_MATH_H
#define IW_MATH_H

typedef __INT8_TYPE__ int8_t;
typedef __INT16_TYPE__ int16_t;
typedef __INT32_TYPE__ int32_t;
typedef __INT64_TYPE__ int64_t;
typedef __UINT8_TYPE__ uint8_t;
typedef __UINT16_TYPE__ uint16_t;
typedef __UINT32_TYPE__ uint32_t;
typedef __UINT64_TYPE__ uint64_t;

#define IW_INLINE static inline __attribute__((always_inline, unused))
#define IW_INFINITY_F32 __builtin_inff()
#define IW_INFINITY_F64 __builtin_inf()

#if defined(__clang__)
#define IW_SQRT_F32(x) __builtin_elementwise_sqrt(x)
#define IW_SQRT_F64(x) __builtin_elementwise_sqrt(x)
#else
#define IW_SQRT_F32(x) __builtin_sqrtf(x)
#define IW_SQRT_F64(x) __builtin_sqrt(x)
#endif
// ---- bits ----------------------------------------------------------------------------------------------------

IW_INLINE uint32_t iw_bits_f32(float x) {
  union { float f; uint32_t u; } v = {x};
  return v.u;
}
IW_INLINE float iw_from_bits_f32(uint32_t u) {
  union { uint32_t u; float f; } v = {u};
  return v.f;
}
IW_INLINE uint64_t iw_bits_f64(double x) {
  union { double f; uint64_t u; } v = {x};
  return v.u;
}
IW_INLINE double iw_from_bits_f64(uint64_t u) {
  union { uint64_t u; double f; } v = {u};
  return v.f;
}

// ---- exact operators, f32 and f64 ------------------------------------------------------------------------------

#if defined(__SSE4_1__) || defined(__aarch64__)
IW_INLINE float iw_round_f32(float x) { return __builtin_rintf(x); }
IW_INLINE float iw_floor_f32(float x) { return __builtin_floorf(x); }
IW_INLINE float iw_ceil_f32(float x) { return __builtin_ceilf(x); }
IW_INLINE double iw_round_f64(double x) { return __builtin_rint(x); }
IW_INLINE double iw_floor_f64(double x) { return __builtin_floor(x); }
IW_INLINE double iw_ceil_f64(double x) { return __builtin_ceil(x); }
#else
// Adding 2^23 (2^52) to a smaller magnitude rounds it half-even to an integer.
IW_INLINE float iw_round_f32(float x) {
  float a = __builtin_fabsf(x);
  float r = __builtin_copysignf((a + 0x1p23f) - 0x1p23f, x);
  return a < 0x1p23f ? r : x;
}
IW_INLINE float iw_floor_f32(float x) {
  float r = iw_round_f32(x);
  return r > x ? r - 1.0f : r;
}
IW_INLINE float iw_ceil_f32(float x) { return -iw_floor_f32(-x); }
IW_INLINE double iw_round_f64(double x) {
  double a = __builtin_fabs(x);
  double r = __builtin_copysign((a + 0x1p52) - 0x1p52, x);
  return a < 0x1p52 ? r : x;
}
IW_INLINE double iw_floor_f64(double x) {
  double r = iw_round_f64(x);
  return r > x ? r - 1.0 : r;
}
IW_INLINE double iw_ceil_f64(double x) { return -iw_floor_f64(-x); }
#endif

// max, min: a NaN operand gives NaN. at_least, at_most: `bound` is no NaN, so one instruction does it.
#define IW_EXACT(T, S, FABS, SQRT)                                                                                \
  IW_INLINE T iw_max_##S(T a, T b) {                                                                              \
    T m = a > b ? a : b;                                                                                          \
    return a != a ? a : m;                                                                                        \
  }                                                                                                               \
  IW_INLINE T iw_min_##S(T a, T b) {                                                                              \
    T m = a < b ? a : b;                                                                                          \
    return a != a ? a : m;                                                                                        \
  }                                                                                                               \
  IW_INLINE T iw_at_least_##S(T x, T bound) { return bound > x ? bound : x; }                                     \
  IW_INLINE T iw_at_most_##S(T x, T bound) { return bound < x ? bound : x; }                                      \
  IW_INLINE T iw_abs_##S(T x) { return FABS(x); }                                                                 \
  IW_INLINE T iw_sqrt_##S(T x) { return SQRT(x); }                                                                \
  IW_INLINE T iw_sign_##S(T x) { return x > 0 ? (T)1 : (x < 0 ? (T)-1 : (x != x ? x : (T)0)); }
IW_EXACT(float, f32, __builtin_fabsf, IW_SQRT_F32)
IW_EXACT(double, f64, __builtin_fabs, IW_SQRT_F64)
#undef IW_EXACT

// ---- f32 -------------------------------------------------------------------------------------------------------

// Error below 1.1 ulp; 0 below -87.33654, infinite above 88.72283.
IW_INLINE float iw_exp_f32(float x) {
  float t = x * 0x1.715476p+0f + 0x1.8p23f;
  float n = t - 0x1.8p23f;
  float r = x - n * 0x1.628p-1f;
  r = r - n * 0x1.90bfbep-11f;
  float p = 0x1.6a235p-10f;
  p = p * r + 0x1.123a7p-7f;
  p = p * r + 0x1.5558f4p-5f;
  p = p * r + 0x1.55549p-3f;
  p = p * r + 0x1.fffffcp-2f;
  p = p * (r * r) + r;
  p = p + 1.0f;
  float y = iw_from_bits_f32(iw_bits_f32(p) + (iw_bits_f32(t) << 23));
  y = x < -0x1.5d589ep+6f ? 0.0f : y;
  return x <= 0x1.62e42ep+6f ? y : x * IW_INFINITY_F32;
}

// Error below 1 ulp; log(0) = -inf, log of a negative number is NaN.
IW_INLINE float iw_log_f32(float x) {
  float tiny = x < 0x1p-126f ? 0x1p24f : 1.0f;
  float bias = x < 0x1p-126f ? 24.0f : 0.0f;
  float scaled = x * tiny;
  uint32_t u = iw_bits_f32(scaled) - 0x3f3504f3u;
  float e = (float)((int32_t)u >> 23) - bias;
  float f = iw_from_bits_f32((u & 0x7fffffu) + 0x3f3504f3u) - 1.0f;
  float s = f * f;
  float p = -0x1.38b462p-4f;
  p = p * f + 0x1.055b96p-3f;
  p = p * f - 0x1.0d858ep-3f;
  p = p * f + 0x1.22da1cp-3f;
  p = p * f - 0x1.54723cp-3f;
  p = p * f + 0x1.99a008p-3f;
  p = p * f - 0x1.000228p-2f;
  p = p * f + 0x1.555554p-2f;
  float q = p * (s * f) + e * 0x1.90bfbep-11f;
  q = q - 0.5f * s;
  float y = (q + f) + e * 0x1.628p-1f;
  y = x > 0.0f ? y : (x == 0.0f ? -IW_INFINITY_F32 : (x - x) / 0.0f);
  return x == IW_INFINITY_F32 ? x : y;
}

// Error below 6 ulp, never beyond [-1, 1]: x P(x²)/Q(x²), clamped where tanh rounds to 1.
IW_INLINE float iw_tanh_f32(float x) {
  float c = x > 9.01f ? 9.01f : (x < -9.01f ? -9.01f : x);
  float s = c * c;
  float p = -0x1.ae0b4cp-37f;
  p = p * s + 0x1.06f1cap-25f;
  p = p * s + 0x1.d61108p-16f;
  p = p * s + 0x1.fb194cp-9f;
  p = p * s + 0x1.182c5ep-3f;
  p = p * s + 1.0f;
  float q = 0x1.59c684p-20f;
  q = q * s + 0x1.9d17e2p-12f;
  q = q * s + 0x1.be6d74p-6f;
  q = q * s + 0x1.e16b84p-2f;
  q = q * s + 1.0f;
  float y = c * (p / q);
  return y > 1.0f ? 1.0f : (y < -1.0f ? -1.0f : y);
}

// Error below 7 ulp, never beyond [-1, 1]: x P(x²)/Q(x²), clamped where erf rounds to 1.
IW_INLINE float iw_erf_f32(float x) {
  float c = x > 3.92f ? 3.92f : (x < -3.92f ? -3.92f : x);
  float s = c * c;
  float p = 0x1.12b062p-19f;
  p = p * s + 0x1.2aaf84p-12f;
  p = p * s + 0x1.ee594ap-9f;
  p = p * s + 0x1.b0433ap-5f;
  p = p * s + 0x1.864852p-3f;
  p = p * s + 0x1.20dd74p+0f;
  float q = 0x1.3f3814p-15f;
  q = q * s + 0x1.310cbep-10f;
  q = q * s + 0x1.eae7d2p-7f;
  q = q * s + 0x1.d3a67ep-4f;
  q = q * s + 0x1.0122d6p-1f;
  q = q * s + 1.0f;
  float y = c * (p / q);
  return y > 1.0f ? 1.0f : (y < -1.0f ? -1.0f : y);
}

// |x| modulo π/2 in [-π/4, π/4], and the quadrant. Above 2^20 the integer significand is multiplied by the 96 bits
// of 2/π that matter; below, two constants do.
IW_INLINE double iw_reduce_f32(float x, uint32_t *quadrant) {
  static const uint32_t bits[23] = {
      0x0028be60u, 0x28be60dbu, 0xbe60db93u, 0x60db9391u, 0xdb939105u, 0x9391054au, 0x91054a7fu, 0x054a7f09u,
      0x4a7f09d5u, 0x7f09d5f4u, 0x09d5f47du, 0xd5f47d4du, 0xf47d4d37u, 0x7d4d3770u, 0x4d377036u, 0x377036d8u,
      0x7036d8a5u, 0x36d8a566u, 0xd8a5664fu, 0xa5664f10u, 0x664f10e4u, 0x4f10e410u, 0x10e4107fu};
  uint32_t u = iw_bits_f32(x) & 0x7fffffffu;
  double a = (double)iw_from_bits_f32(u);
  double t = a * 0x1.45f306dc9c883p-1 + 0x1.8p52;
  double n = t - 0x1.8p52;
  double near = (a - n * 0x1.921fb544p+0) - n * 0x1.0b4611a626331p-34;
  int32_t shift = (int32_t)(u >> 23) - 142;  // 8 above the exponent of the integer significand
  shift = shift < 0 ? 0 : (shift > 112 ? 112 : shift);
  uint32_t at = (uint32_t)shift >> 3;
  uint64_t m = (uint64_t)(((u & 0x7fffffu) | 0x800000u) << (shift & 7));
  uint64_t product = ((m * bits[at]) << 32) + m * bits[at + 4] + ((m * bits[at + 8]) >> 32);
  uint64_t turn = (product + (1ull << 61)) >> 62;
  double far = (double)(int64_t)(product - (turn << 62)) * 0x1.921fb54442d18p-62;
  *quadrant = u < 0x49800000u ? (uint32_t)iw_bits_f64(t) : (uint32_t)turn;
  return u < 0x49800000u ? near : far;
}
IW_INLINE float iw_quarter_f32(double r, uint32_t quadrant) {
  double s = r * r;
  double sine = r + r * s * (-0x1.5555555555555p-3 + s * (0x1.1111111111111p-7 + s * (-0x1.a01a01a01a01ap-13
      + s * 0x1.71de3a556c734p-19)));
  double cosine = 1.0 + s * (-0.5 + s * (0x1.5555555555555p-5 + s * (-0x1.6c16c16c16c17p-10
      + s * (0x1.a01a01a01a01ap-16 - s * 0x1.27e4fb7789f5cp-22))));
  double y = (quadrant & 1u) ? cosine : sine;
  return (float)((quadrant & 2u) ? -y : y);
}
// Error below 1 ulp over the whole range; NaN at infinities.
IW_INLINE float iw_sin_f32(float x) {
  uint32_t quadrant;
  double r = iw_reduce_f32(x, &quadrant);
  float y = __builtin_copysignf(1.0f, x) * iw_quarter_f32(r, quadrant);
  return x - x == 0.0f ? y : (x - x) / 0.0f;
}
IW_INLINE float iw_cos_f32(float x) {
  uint32_t quadrant;
  double r = iw_reduce_f32(x, &quadrant);
  float y = iw_quarter_f32(r, quadrant + 1u);
  return x - x == 0.0f ? y : (x - x) / 0.0f;
}

// Error below 1 ulp: 2^(y log2 |x|) in double. Special cases are C's: pow(x, 0) = pow(1, y) = 1 even for NaN.
IW_INLINE float iw_pow_f32(float x, float y) {
  double a = (double)__builtin_fabsf(x);
  uint64_t u = iw_bits_f64(a) - 0x3fe6a09e667f3bcdull;
  double e = (double)(int32_t)((int64_t)u >> 52);
  double m = iw_from_bits_f64((u & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull);
  double s = (m - 1.0) / (m + 1.0);
  double z = s * s;
  double l = 0x1.c68f568d31760p-3;
  l = l * z + 0x1.0c9a84994022dp-2;
  l = l * z + 0x1.484b13d7c02a9p-2;
  l = l * z + 0x1.a61762a7aded9p-2;
  l = l * z + 0x1.2776c50ef9bfep-1;
  l = l * z + 0x1.ec709dc3a03fdp-1;
  l = l * z + 0x1.71547652b82fep+1;
  l = e + s * l;
  l = a == 0.0 ? -IW_INFINITY_F64 : (a < IW_INFINITY_F64 ? l : a);
  double w = (double)y * l;
  double c = w > 200.0 ? 200.0 : (w < -200.0 ? -200.0 : w);
  double t = c + 0x1.8p52;
  double r = c - (t - 0x1.8p52);
  double p = 0x1.62c0223a5c824p-20;
  p = p * r + 0x1.ffcbfc588b0c7p-17;
  p = p * r + 0x1.430912f86c787p-13;
  p = p * r + 0x1.5d87fe78a6731p-10;
  p = p * r + 0x1.3b2ab6fba4e77p-7;
  p = p * r + 0x1.c6b08d704a0c0p-5;
  p = p * r + 0x1.ebfbdff82c58fp-3;
  p = p * r + 0x1.62e42fefa39efp-1;
  p = p * r + 1.0;
  p = p * iw_from_bits_f64((iw_bits_f64(t) + 1023u) << 52);
  float v = (float)(c != c ? c : p);
  float half = y * 0.5f;
  int whole = iw_floor_f32(y) == y;
  int odd = whole & (iw_floor_f32(half) != half);
  int negative = (int)(iw_bits_f32(x) >> 31);
  v = (negative & odd) ? -v : v;
  v = ((x < 0.0f) & !whole & (x != -IW_INFINITY_F32)) ? (x - x) / 0.0f : v;
  int infinite = __builtin_fabsf(y) == IW_INFINITY_F32;
  v = ((x == -1.0f) & infinite) ? 1.0f : v;
  return ((y == 0.0f) | (x == 1.0f)) ? 1.0f : v;
}

// Exact, as C's fmod: takes the quotient out of the significand in steps of 32 bits.
IW_INLINE float iw_fmod_f32(float x, float y) {
  float a = __builtin_fabsf(x), b = __builtin_fabsf(y);
  if (!(a < IW_INFINITY_F32) || !(b > 0.0f)) return (x * y) / (x * y);
  if (a < b) return x;
  uint32_t ua = iw_bits_f32(a), ub = iw_bits_f32(b);
  int32_t ea = (int32_t)(ua >> 23), eb = (int32_t)(ub >> 23);
  uint64_t m = (ua & 0x7fffffu) | (ea ? 0x800000u : 0u), d = (ub & 0x7fffffu) | (eb ? 0x800000u : 0u);
  ea = ea ? ea : 1;
  eb = eb ? eb : 1;
  m %= d;
  for (int32_t left = ea - eb; left > 0; left -= 32) m = (m << (left < 32 ? left : 32)) % d;
  float unit = eb > 30 ? iw_from_bits_f32((uint32_t)(eb - 23) << 23) : 0x1p-126f;
  float r = eb > 30 ? (float)m * unit : (float)m * iw_from_bits_f32((uint32_t)(eb + 7) << 23) * 0x1p-30f;
  return __builtin_copysignf(r, x);
}

// ---- conversions -----------------------------------------------------------------------------------------------

// Float to integer truncates and saturates; NaN gives 0. A u64 is an int64_t with its bits.
#define IW_TO_NARROW(T, S, R, N, LOW, HIGH)                                                                       \
  IW_INLINE R iw_##S##_to_##N(T x) {                                                                              \
    T v = x == x ? x : (T)0;                                                                                      \
    v = v < (T)(LOW) ? (T)(LOW) : (v > (T)(HIGH) ? (T)(HIGH) : v);                                                \
    return (R)(int32_t)v;                                                                                         \
  }
#define IW_TO_WIDE(T, S, R, N, LOW, LIMIT, BELOW, HIGH)                                                           \
  IW_INLINE R iw_##S##_to_##N(T x) {                                                                              \
    T v = x == x ? x : (T)0;                                                                                      \
    v = v < (T)(LOW) ? (T)(LOW) : v;                                                                              \
    R r = (R)(v < (T)(LIMIT) ? v : (T)(BELOW));                                                                   \
    return v < (T)(LIMIT) ? r : (R)(HIGH);                                                                        \
  }
#define IW_CONVERSIONS(T, S, BELOW31, BELOW32, BELOW63, BELOW64)                                                  \
  IW_TO_NARROW(T, S, int8_t, i8, -128, 127)                                                                       \
  IW_TO_NARROW(T, S, uint8_t, u8, 0, 255)                                                                         \
  IW_TO_NARROW(T, S, int16_t, i16, -32768, 32767)                                                                 \
  IW_TO_NARROW(T, S, uint16_t, u16, 0, 65535)                                                                     \
  IW_TO_WIDE(T, S, int32_t, i32, -0x1p31, 0x1p31, BELOW31, 0x7fffffff)                                            \
  IW_TO_WIDE(T, S, uint32_t, u32, 0, 0x1p32, BELOW32, 0xffffffffu)                                                \
  IW_TO_WIDE(T, S, int64_t, i64, -0x1p63, 0x1p63, BELOW63, 0x7fffffffffffffffll)                                  \
  IW_TO_WIDE(T, S, uint64_t, unsigned, 0, 0x1p64, BELOW64, 0xffffffffffffffffull)                                 \
  IW_INLINE int64_t iw_##S##_to_u64(T x) { return (int64_t)iw_##S##_to_unsigned(x); }
IW_CONVERSIONS(float, f32, 2147483520.0f, 4294967040.0f, 9223371487098961920.0f, 18446742974197923840.0f)
IW_CONVERSIONS(double, f64, 2147483647.0, 4294967295.0, 9223372036854774784.0, 18446744073709549568.0)
#undef IW_CONVERSIONS
#undef IW_TO_NARROW
#undef IW_TO_WIDE

// Half precision in 16 bits of storage; rounds half-even, overflow gives infinity.
IW_INLINE float iw_f16_to_f32(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000u) << 16, e = h & 0x7c00u, m = h & 0x03ffu;
  uint32_t normal = ((uint32_t)(h & 0x7fffu) << 13) + (112u << 23);
  uint32_t special = 0x7f800000u | (m << 13);
  uint32_t tiny = iw_bits_f32((float)(int32_t)m * 0x1p-24f);
  return iw_from_bits_f32(sign | (e == 0u ? tiny : (e == 0x7c00u ? special : normal)));
}
IW_INLINE uint16_t iw_f32_to_f16(float x) {
  uint32_t u = iw_bits_f32(x), sign = (u >> 16) & 0x8000u, a = u & 0x7fffffffu;
  uint32_t normal = (a + 0xfffu + ((a >> 13) & 1u) - (112u << 23)) >> 13;
  uint32_t tiny = iw_bits_f32(iw_from_bits_f32(a) + 0.5f) - 0x3f000000u;
  uint32_t special = a > 0x7f800000u ? 0x7e00u : 0x7c00u;
  uint32_t r = a >= 0x47800000u ? special : (a < 0x38800000u ? tiny : normal);
  return (uint16_t)(sign | r);
}
IW_INLINE float iw_bf16_to_f32(uint16_t h) { return iw_from_bits_f32((uint32_t)h << 16); }
IW_INLINE uint16_t iw_f32_to_bf16(float x) {
  uint32_t u = iw_bits_f32(x);
  uint32_t r = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  return (uint16_t)(x != x ? ((u >> 16) | 0x40u) : r);
}

// ---- integers --------------------------------------------------------------------------------------------------

IW_INLINE int64_t iw_add_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
IW_INLINE int64_t iw_sub_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
IW_INLINE int64_t iw_mul_i64(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }
IW_INLINE int32_t iw_add_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a + (uint32_t)b); }
IW_INLINE int32_t iw_sub_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a - (uint32_t)b); }
IW_INLINE int32_t iw_mul_i32(int32_t a, int32_t b) { return (int32_t)((uint32_t)a * (uint32_t)b); }
IW_INLINE int64_t iw_max_i64(int64_t a, int64_t b) { return a > b ? a : b; }
IW_INLINE int64_t iw_min_i64(int64_t a, int64_t b) { return a < b ? a : b; }
IW_INLINE int32_t iw_max_i32(int32_t a, int32_t b) { return a > b ? a : b; }
IW_INLINE int32_t iw_min_i32(int32_t a, int32_t b) { return a < b ? a : b; }
IW_INLINE int64_t iw_abs_i64(int64_t a) { return a < 0 ? iw_sub_i64(0, a) : a; }
IW_INLINE int64_t iw_sign_i64(int64_t a) { return (a > 0) - (a < 0); }

// Shifts: an amount of the width or more gives 0. `width` is that of the dtype, which may be narrower than 32 bits.
IW_INLINE uint32_t iw_shift_left_u32(uint32_t x, uint32_t n) { return n < 32u ? x << (n & 31u) : 0u; }
IW_INLINE uint32_t iw_shift_right_u32(uint32_t x, uint32_t n) { return n < 32u ? x >> (n & 31u) : 0u; }
IW_INLINE int32_t iw_shift_right_i32(int32_t x, uint32_t n, uint32_t width) {
  return n < width ? x >> (n & 31u) : 0;
}
IW_INLINE uint64_t iw_shift_left_u64(uint64_t x, uint64_t n) { return n < 64u ? x << (n & 63u) : 0u; }
IW_INLINE uint64_t iw_shift_right_u64(uint64_t x, uint64_t n) { return n < 64u ? x >> (n & 63u) : 0u; }
IW_INLINE int64_t iw_shift_right_i64(int64_t x, uint64_t n) { return n < 64u ? x >> (n & 63u) : 0; }

IW_INLINE int64_t iw_quotient_i64(int64_t a, int64_t b) {
  return b == 0 ? 0 : (b == -1 ? iw_sub_i64(0, a) : a / b);
}
IW_INLINE int64_t iw_remainder_i64(int64_t a, int64_t b) { return b == 0 ? a : (b == -1 ? 0 : a % b); }
IW_INLINE int64_t iw_floor_quotient_i64(int64_t a, int64_t b) {
  int64_t r = iw_remainder_i64(a, b);
  return iw_quotient_i64(a, b) - ((b != 0) & (r != 0) & ((r < 0) != (b < 0)));
}
IW_INLINE int64_t iw_floor_remainder_i64(int64_t a, int64_t b) {
  int64_t r = iw_remainder_i64(a, b);
  return ((b != 0) & (r != 0) & ((r < 0) != (b < 0))) ? r + b : r;
}
// The operators of u64 that differ from those of int64_t; their operands and results are the bits in an int64_t.
IW_INLINE int64_t iw_power_u64(int64_t base, int64_t exponent) {
  uint64_t result = 1, square = (uint64_t)base, left = (uint64_t)exponent;
  for (; left > 0; left >>= 1) {
    if (left & 1) result *= square;
    square *= square;
  }
  return (int64_t)result;
}
IW_INLINE int64_t iw_max_u64(int64_t a, int64_t b) { return (uint64_t)a > (uint64_t)b ? a : b; }
IW_INLINE int64_t iw_min_u64(int64_t a, int64_t b) { return (uint64_t)a < (uint64_t)b ? a : b; }
IW_INLINE int64_t iw_quotient_u64(int64_t a, int64_t b) { return b == 0 ? 0 : (int64_t)((uint64_t)a / (uint64_t)b); }
IW_INLINE int64_t iw_remainder_u64(int64_t a, int64_t b) { return b == 0 ? a : (int64_t)((uint64_t)a % (uint64_t)b); }

IW_INLINE int64_t iw_power_i64(int64_t base, int64_t exponent) {
  if (exponent < 0) return base == 1 ? 1 : (base == -1 ? ((exponent & 1) ? -1 : 1) : 0);
  return iw_power_u64(base, exponent);
}

#endif
