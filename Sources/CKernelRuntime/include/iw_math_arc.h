// Inverse functions of angles for f32, in the manner of iw_math.h, which precedes this text: branch-free, without a
// library call. Bounds in comments hold for all finite arguments.
#ifndef IW_MATH_ARC_H
#define IW_MATH_ARC_H

// asin(z) for 0 <= z <= 1/2, where s = z².
IW_INLINE float iw_asin_core_f32(float z, float s) {
  float p = 0x1.13fed4p-5f;
  p = p * s + 0x1.18f91ep-6f;
  p = p * s + 0x1.fd8da2p-6f;
  p = p * s + 0x1.6d5bbap-5f;
  p = p * s + 0x1.33343p-4f;
  p = p * s + 0x1.555554p-3f;
  return z + z * (s * p);
}
// Error below 2 ulp; NaN outside of [-1, 1]. Above 1/2 it is π/2 - 2 asin(sqrt((1 - |x|)/2)).
IW_INLINE float iw_asin_f32(float x) {
  float a = __builtin_fabsf(x);
  float half = 0.5f - 0.5f * a;
  float s = a > 0.5f ? half : a * a;
  float z = a > 0.5f ? IW_SQRT_F32(half) : a;
  float y = iw_asin_core_f32(z, s);
  float upper = (0x1.921fb6p+0f - 2.0f * y) - 0x1.777a5cp-25f;
  return __builtin_copysignf(a > 0.5f ? upper : y, x);
}
// Error below 1.5 ulp; NaN outside of [-1, 1].
IW_INLINE float iw_acos_f32(float x) {
  float a = __builtin_fabsf(x);
  float half = 0.5f - 0.5f * a;
  float s = a > 0.5f ? half : a * a;
  float z = a > 0.5f ? IW_SQRT_F32(half) : a;
  float y = iw_asin_core_f32(z, s);
  float below = 0x1.921fb6p+1f - (2.0f * y + 0x1.777a5cp-24f);
  float outer = x < 0.0f ? below : 2.0f * y;
  float inner = 0x1.921fb6p+0f - (__builtin_copysignf(y, x) + 0x1.777a5cp-25f);
  return a > 0.5f ? outer : inner;
}
// Error below 2 ulp; above 1 it is π/2 - atan(1/|x|).
IW_INLINE float iw_atan_f32(float x) {
  float a = __builtin_fabsf(x);
  float z = a > 1.0f ? 1.0f / a : a;
  float s = z * z;
  float p = -0x1.38de56p-9f;
  p = p * s + 0x1.ba9f66p-7f;
  p = p * s - 0x1.25dc12p-5f;
  p = p * s + 0x1.0001c6p-4f;
  p = p * s - 0x1.6295f8p-4f;
  p = p * s + 0x1.c3f168p-4f;
  p = p * s - 0x1.246cd2p-3f;
  p = p * s + 0x1.99983cp-3f;
  p = p * s - 0x1.555554p-2f;
  float y = z + z * (s * p);
  float upper = 0x1.921fb6p+0f - (y + 0x1.777a5cp-25f);
  return __builtin_copysignf(a > 1.0f ? upper : y, x);
}

#endif
