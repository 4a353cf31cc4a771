// The f64 functions of generated kernels: plain algorithms, rarely used. This text follows iw_math.h, whose types and
// bit casts it uses; the same promises hold: self-contained, no library call, NaN in gives NaN out.
#ifndef IW_MATH_F64_H
#define IW_MATH_F64_H

// Error below 2 ulp.
IW_INLINE double iw_exp_f64(double x) {
  double c = x > 710.0 ? 710.0 : (x < -746.0 ? -746.0 : x);
  double t = c * 0x1.71547652b82fep+0 + 0x1.8p52;
  double n = t - 0x1.8p52;
  double r = (c - n * 0x1.62e42feep-1) - n * 0x1.a39ef35793c76p-33;
  double p = 1.0 / 6227020800.0;
  p = p * r + 1.0 / 479001600.0;
  p = p * r + 1.0 / 39916800.0;
  p = p * r + 1.0 / 3628800.0;
  p = p * r + 1.0 / 362880.0;
  p = p * r + 1.0 / 40320.0;
  p = p * r + 1.0 / 5040.0;
  p = p * r + 1.0 / 720.0;
  p = p * r + 1.0 / 120.0;
  p = p * r + 1.0 / 24.0;
  p = p * r + 1.0 / 6.0;
  p = p * r + 0.5;
  p = p * (r * r) + r + 1.0;
  int64_t k = (int64_t)iw_bits_f64(t) - 0x4338000000000000ll;
  int64_t h = k >> 1;
  double y = p * iw_from_bits_f64((uint64_t)(h + 1023) << 52) * iw_from_bits_f64((uint64_t)(k - h + 1023) << 52);
  return x != x ? x : y;
}

// Error below 2 ulp; log(0) = -inf, log of a negative number is NaN.
IW_INLINE double iw_log_f64(double x) {
  double tiny = x < 0x1p-1022 ? 0x1p54 : 1.0;
  uint64_t u = iw_bits_f64(x * tiny) - 0x3fe6a09e667f3bcdull;
  double e = (double)((int64_t)u >> 52) - (x < 0x1p-1022 ? 54.0 : 0.0);
  double f = iw_from_bits_f64((u & 0xfffffffffffffull) + 0x3fe6a09e667f3bcdull) - 1.0;
  double s = f / (2.0 + f);
  double z = s * s;
  double p = 2.0 / 21.0;
  p = p * z + 2.0 / 19.0;
  p = p * z + 2.0 / 17.0;
  p = p * z + 2.0 / 15.0;
  p = p * z + 2.0 / 13.0;
  p = p * z + 2.0 / 11.0;
  p = p * z + 2.0 / 9.0;
  p = p * z + 2.0 / 7.0;
  p = p * z + 2.0 / 5.0;
  p = p * z + 2.0 / 3.0;
  double h = 0.5 * f * f;
  double y = e * 0x1.62e42feep-1 - ((h - (s * (h + p * z) + e * 0x1.a39ef35793c76p-33)) - f);
  y = x > 0.0 ? y : (x == 0.0 ? -IW_INFINITY_F64 : (x - x) / 0.0);
  return x == IW_INFINITY_F64 ? x : y;
}

// Error below 4 ulp: expm1 by its series up to 1/2, else from exp(2|x|).
IW_INLINE double iw_tanh_f64(double x) {
  double a = __builtin_fabs(x);
  double r = a < 0.5 ? 2.0 * a : 0.0;
  double p = 1.0;
  for (int k = 19; k > 1; --k) p = p * r / k + 1.0;
  double m = p * r;
  double y = a < 0.5 ? m / (m + 2.0) : 1.0 - 2.0 / (iw_exp_f64(2.0 * a) + 1.0);
  return x != x ? x : __builtin_copysign(y, x);
}

// Error below 8 ulp: a series of positive terms up to 2, above it the continued fraction of erfc.
IW_INLINE double iw_erf_f64(double x) {
  double a = __builtin_fabs(x);
  double b = a < 6.0 ? a : 6.0, s = b * b, y;
  if (b < 2.0) {
    double sum = 1.0;
    for (int k = 45; k > 0; --k) sum = 1.0 + sum * s * 2.0 / (2 * k + 1);
    y = 0x1.20dd750429b6dp+0 * b * sum * iw_exp_f64(-s);
  } else {
    double tail = b;
    for (int k = 80; k > 0; --k) tail = b + 0.5 * k / tail;
    y = 1.0 - iw_exp_f64(-s) * 0x1.20dd750429b6dp-1 / tail;
  }
  return x != x ? x : __builtin_copysign(y, x);
}

// Absolute error below 2^-51 for |x| < 2^20; it grows with |x| above. NaN at infinities.
IW_INLINE double iw_turned_f64(double x, uint64_t turn) {
  double t = x * 0x1.45f306dc9c883p-1 + 0x1.8p52;
  double n = t - 0x1.8p52;
  double r = ((x - n * 0x1.921fb544p+0) - n * 0x1.0b4611a6p-34) - n * 0x1.3198a2e037073p-69;
  uint64_t quadrant = iw_bits_f64(t) + turn;
  double s = r * r, sine = 1.0, cosine = 1.0;
  for (int k = 9; k > 0; --k) {
    sine = 1.0 - sine * s / (2 * k * (2 * k + 1));
    cosine = 1.0 - cosine * s / (2 * k * (2 * k - 1));
  }
  double y = (quadrant & 1u) ? cosine : sine * r;
  y = (quadrant & 2u) ? -y : y;
  return x - x == 0.0 ? y : (x - x) / 0.0;
}
IW_INLINE double iw_sin_f64(double x) { return x == 0.0 ? x : iw_turned_f64(x, 0); }
IW_INLINE double iw_cos_f64(double x) { return iw_turned_f64(x, 1); }

// asin(z) for 0 <= z <= 1/2, where s = z².
IW_INLINE double iw_asin_core_f64(double z, double s) {
  double p = 0x1.d72b2bc8155f8p-6;
  p = p * s - 0x1.e6aaa8a0a04ccp-7;
  p = p * s + 0x1.1d189408314eep-6;
  p = p * s + 0x1.65a9c4dfcf8b2p-8;
  p = p * s + 0x1.52420b04b37bep-7;
  p = p * s + 0x1.782651caa6547p-7;
  p = p * s + 0x1.c9cf07674736ap-7;
  p = p * s + 0x1.1c4d35cf95421p-6;
  p = p * s + 0x1.6e8bb1c8209a2p-6;
  p = p * s + 0x1.f1c71c1db0623p-6;
  p = p * s + 0x1.6db6db6e31f13p-5;
  p = p * s + 0x1.3333333332ecap-4;
  p = p * s + 0x1.5555555555556p-3;
  return z + z * (s * p);
}
// Error below 2.5 ulp; NaN outside of [-1, 1]. Above 1/2 it is π/2 - 2 asin(sqrt((1 - |x|)/2)).
IW_INLINE double iw_asin_f64(double x) {
  double a = __builtin_fabs(x);
  double half = 0.5 - 0.5 * a;
  double s = a > 0.5 ? half : a * a;
  double y = iw_asin_core_f64(a > 0.5 ? IW_SQRT_F64(half) : a, s);
  double upper = (0x1.921fb54442d18p+0 - 2.0 * y) + 0x1.1a62633145c07p-54;
  return __builtin_copysign(a > 0.5 ? upper : y, x);
}
// Error below 1.5 ulp; NaN outside of [-1, 1].
IW_INLINE double iw_acos_f64(double x) {
  double a = __builtin_fabs(x);
  double half = 0.5 - 0.5 * a;
  double s = a > 0.5 ? half : a * a;
  double y = iw_asin_core_f64(a > 0.5 ? IW_SQRT_F64(half) : a, s);
  double below = 0x1.921fb54442d18p+1 - (2.0 * y - 0x1.1a62633145c07p-53);
  double outer = x < 0.0 ? below : 2.0 * y;
  double inner = 0x1.921fb54442d18p+0 - (__builtin_copysign(y, x) - 0x1.1a62633145c07p-54);
  return a > 0.5 ? outer : inner;
}
// Error below 2 ulp: around 0, π/4 and π/2, each the one within π/8.
IW_INLINE double iw_atan_f64(double x) {
  double a = __builtin_fabs(x);
  int middle = a > 0x1.a827999fcef32p-2, far = a > 0x1.3504f333f9de6p+1;
  double z = far ? -1.0 / a : (middle ? (a - 1.0) / (a + 1.0) : a);
  double centre = far ? 0x1.921fb54442d18p+0 : (middle ? 0x1.921fb54442d18p-1 : 0.0);
  double rest = far ? 0x1.1a62633145c07p-54 : (middle ? 0x1.1a62633145c07p-55 : 0.0);
  double s = z * z;
  double p = -0x1.3a2f1cc1ba3c5p-6;
  p = p * s + 0x1.4161b24be475bp-5;
  p = p * s - 0x1.a0993ef875d4ap-5;
  p = p * s + 0x1.dfe637a48099bp-5;
  p = p * s - 0x1.10fa76aa9b02cp-4;
  p = p * s + 0x1.3b1262f3a2b5bp-4;
  p = p * s - 0x1.745d0b27da190p-4;
  p = p * s + 0x1.c71c7185386f1p-4;
  p = p * s - 0x1.2492492436180p-3;
  p = p * s + 0x1.999999999934bp-3;
  p = p * s - 0x1.5555555555555p-2;
  double y = centre + (z + (z * (s * p) + rest));
  return __builtin_copysign(y, x);
}

// exp(y log |x|): error below 4 + 2|y ln x| ulp. Special cases are C's.
IW_INLINE double iw_pow_f64(double x, double y) {
  double half = y * 0.5;
  int whole = iw_floor_f64(y) == y;
  int odd = whole & (iw_floor_f64(half) != half);
  if ((y == 0.0) | (x == 1.0) | ((x == -1.0) & (__builtin_fabs(y) == IW_INFINITY_F64))) return 1.0;
  if ((x < 0.0) & !whole & (x != -IW_INFINITY_F64)) return (x - x) / 0.0;
  double v = iw_exp_f64(y * iw_log_f64(__builtin_fabs(x)));
  return (odd & (int)(iw_bits_f64(x) >> 63)) ? -v : v;
}

// Exact, as C's fmod.
IW_INLINE double iw_fmod_f64(double x, double y) {
  double a = __builtin_fabs(x), b = __builtin_fabs(y);
  if (!(a < IW_INFINITY_F64) || !(b > 0.0)) return (x * y) / (x * y);
  if (a < b) return x;
  uint64_t ua = iw_bits_f64(a), ub = iw_bits_f64(b);
  int64_t ea = (int64_t)(ua >> 52), eb = (int64_t)(ub >> 52);
  uint64_t one = 1ull << 52, m = (ua & (one - 1)) | (ea ? one : 0), d = (ub & (one - 1)) | (eb ? one : 0);
  ea = ea ? ea : 1;
  eb = eb ? eb : 1;
  m %= d;
  for (int64_t left = ea - eb; left > 0; left -= 11) m = (m << (left < 11 ? left : 11)) % d;
  double r = eb > 60 ? (double)m * iw_from_bits_f64((uint64_t)(eb - 52) << 52)
                     : (double)m * iw_from_bits_f64((uint64_t)(eb + 8) << 52) * 0x1p-60;
  return __builtin_copysign(r, x);
}

#endif
