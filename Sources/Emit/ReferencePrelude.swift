// The head of every reference source: types, the libm functions it calls, and the operators that C does not define
// the way TensorIR does. Own text: nothing here comes from iw_math.h.

/// The integer types of C without its headers.
let integerTypedefs = """
    typedef __INT8_TYPE__ int8_t;
    typedef __INT16_TYPE__ int16_t;
    typedef __INT32_TYPE__ int32_t;
    typedef __INT64_TYPE__ int64_t;
    typedef __UINT8_TYPE__ uint8_t;
    typedef __UINT16_TYPE__ uint16_t;
    typedef __UINT32_TYPE__ uint32_t;
    typedef __UINT64_TYPE__ uint64_t;
    """

let referencePrelude = """
    \(integerTypedefs)

    double fabs(double), floor(double), ceil(double), rint(double), exp(double), log(double), sqrt(double);
    double sin(double), cos(double), tanh(double), erf(double), pow(double, double), fmod(double, double);
    double asin(double), acos(double), atan(double);
    double frexp(double, int *), ldexp(double, int);
    float fabsf(float), floorf(float), ceilf(float), rintf(float), expf(float), logf(float), sqrtf(float);
    float sinf(float), cosf(float), tanhf(float), erff(float), powf(float, float), fmodf(float, float);
    float asinf(float), acosf(float), atanf(float);

    #define REF static inline __attribute__((unused))

    REF int64_t ref_add(int64_t a, int64_t b) { return (int64_t)((uint64_t)a + (uint64_t)b); }
    REF int64_t ref_sub(int64_t a, int64_t b) { return (int64_t)((uint64_t)a - (uint64_t)b); }
    REF int64_t ref_mul(int64_t a, int64_t b) { return (int64_t)((uint64_t)a * (uint64_t)b); }
    REF int64_t ref_trunc_div(int64_t a, int64_t b) {
      if (b == 0) return 0;
      if (b == -1) return ref_sub(0, a);
      return a / b;
    }
    REF int64_t ref_trunc_mod(int64_t a, int64_t b) {
      if (b == 0) return a;
      if (b == -1) return 0;
      return a % b;
    }
    REF int64_t ref_floor_mod(int64_t a, int64_t b) {
      int64_t left = ref_trunc_mod(a, b);
      if (b > 0 && left < 0) left += b;
      if (b < 0 && left > 0) left += b;
      return left;
    }
    REF int64_t ref_floor_div(int64_t a, int64_t b) {
      int64_t down = ref_trunc_div(a, b);
      if (b > 0 && ref_trunc_mod(a, b) < 0) down -= 1;
      if (b < 0 && ref_trunc_mod(a, b) > 0) down -= 1;
      return down;
    }
    REF int64_t ref_power(int64_t base, int64_t exponent) {
      if (exponent < 0) {
        if (base == 1) return 1;
        if (base == -1) return exponent % 2 == 0 ? 1 : -1;
        return 0;
      }
      uint64_t result = 1, square = (uint64_t)base, left = (uint64_t)exponent;
      while (left != 0) {
        if (left % 2 == 1) result *= square;
        square *= square;
        left /= 2;
      }
      return (int64_t)result;
    }
    /* Shifts by doubling and halving, step by step; a count outside of 0 ..< width gives 0. */
    REF int64_t ref_shift_left(int64_t a, int64_t count, int64_t width) {
      if (count < 0 || count >= width) return 0;
      for (; count > 0; --count) a = ref_add(a, a);
      return a;
    }
    REF int64_t ref_shift_right(int64_t a, int64_t count, int64_t width) {
      if (count < 0 || count >= width) return 0;
      for (; count > 0; --count) a = ref_floor_div(a, 2);
      return a;
    }
    REF int64_t ref_shift_logical(int64_t a, int64_t count, int64_t width) {
      if (count < 0 || count >= width) return 0;
      uint64_t left = (uint64_t)a;
      for (; count > 0; --count) left /= 2;
      return (int64_t)left;
    }
    /* Truncates; saturates at low and high; NaN gives 0. */
    REF int64_t ref_integer(double x, int64_t low, int64_t high) {
      if (x != x) return 0;
      if (x <= -9223372036854775808.0) return low;
      if (x >= 9223372036854775808.0) return high;
      int64_t whole = (int64_t)x;
      return whole < low ? low : whole > high ? high : whole;
    }
    /* u64: the same bits. */
    REF int64_t ref_unsigned_div(int64_t a, int64_t b) { return b == 0 ? 0 : (int64_t)((uint64_t)a / (uint64_t)b); }
    REF int64_t ref_unsigned_mod(int64_t a, int64_t b) { return b == 0 ? a : (int64_t)((uint64_t)a % (uint64_t)b); }
    REF int64_t ref_unsigned_max(int64_t a, int64_t b) { return (uint64_t)a < (uint64_t)b ? b : a; }
    REF int64_t ref_unsigned_min(int64_t a, int64_t b) { return (uint64_t)a < (uint64_t)b ? a : b; }
    REF int64_t ref_unsigned_power(int64_t base, int64_t exponent) {
      uint64_t result = 1, square = (uint64_t)base, left = (uint64_t)exponent;
      while (left != 0) {
        if (left % 2 == 1) result *= square;
        square *= square;
        left /= 2;
      }
      return (int64_t)result;
    }
    REF int64_t ref_unsigned(double x) {
      if (!(x > 0)) return 0;
      if (x >= 18446744073709551616.0) return -1;
      return (int64_t)(uint64_t)x;
    }
    /* Half-even to a significand of 1 + digits bits; magnitudes that round above `greatest` become infinite. */
    REF double ref_round(double x, int digits, int least_exponent, double greatest) {
      if (x != x || x - x != 0 || x == 0) return x;
      int exponent;
      (void)frexp(x, &exponent);
      exponent = exponent - 1 < least_exponent ? least_exponent : exponent - 1;
      double unit = ldexp(1.0, exponent - digits);
      double y = rint(x / unit) * unit;
      return fabs(y) > greatest ? y / 0.0 : y;
    }
    /* The same; magnitudes above `greatest` become it. */
    REF double ref_store(double x, int digits, int least_exponent, double greatest) {
      if (x > greatest) return greatest;
      if (x < -greatest) return -greatest;
      return ref_round(x, digits, least_exponent, greatest);
    }
    /* The power of two from 2^-127 to 2^127 at or above the magnitude. */
    REF double ref_power_of_two(double x) {
      int exponent;
      if (x != x) return x;
      if (fabs(x) >= 0x1p127) return 0x1p127;
      if (fabs(x) <= 0x1p-127) return 0x1p-127;
      double part = frexp(fabs(x), &exponent);
      return ldexp(1.0, part == 0.5 ? exponent - 1 : exponent);
    }
    """
