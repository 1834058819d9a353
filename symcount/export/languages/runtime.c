/* Python's arithmetic on integers of 128 bits and doubles, exactly or with a status that says why
   not: the first step that fails sets it, and what follows has no meaning. Needs __int128 and
   __builtin_mul_overflow, as in GCC and Clang. */

#include <float.h>
#include <math.h>
#include <stdint.h>

#if defined(__FAST_MATH__) || FLT_EVAL_METHOD != 0
#error "compile without -ffast-math, for a machine that computes doubles as doubles"
#endif

enum {
  SYMCOUNT_OK = 0,
  SYMCOUNT_OUTSIDE = 1,  /* outside the domain */
  SYMCOUNT_OVERFLOW = 2, /* too large to be computed here; the count may exist */
};

__extension__ typedef __int128 integer;
__extension__ typedef unsigned __int128 natural;

#define SC_MOST ((integer)(((natural)1 << 127) - 1))

static inline integer sc_fail(int *status, int reason) {
  if (*status == SYMCOUNT_OK) *status = reason;
  return 0;
}

/* --- integers --- */

static inline integer sc_wide(uint64_t high, uint64_t low) {
  return (integer)(((natural)high << 64) | low);
}

static inline integer sc_add(int *status, integer a, integer b) {
  integer result;
  return __builtin_add_overflow(a, b, &result) ? sc_fail(status, SYMCOUNT_OVERFLOW) : result;
}

static inline integer sc_sub(int *status, integer a, integer b) {
  integer result;
  return __builtin_sub_overflow(a, b, &result) ? sc_fail(status, SYMCOUNT_OVERFLOW) : result;
}

static inline integer sc_mul(int *status, integer a, integer b) {
  integer result;
  return __builtin_mul_overflow(a, b, &result) ? sc_fail(status, SYMCOUNT_OVERFLOW) : result;
}

static inline integer sc_abs(int *status, integer a) { return a < 0 ? sc_sub(status, 0, a) : a; }
static inline integer sc_max(integer a, integer b) { return b > a ? b : a; }
static inline integer sc_min(integer a, integer b) { return b < a ? b : a; }

static inline natural sc_size(integer a) { return a < 0 ? -(natural)a : (natural)a; }

static inline integer sc_floordiv(int *status, integer a, integer b) {
  if (b == 0) return sc_fail(status, SYMCOUNT_OUTSIDE);
  if (b == -1) return sc_sub(status, 0, a);
  integer quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

static inline integer sc_mod(int *status, integer a, integer b) {
  if (b == 0) return sc_fail(status, SYMCOUNT_OUTSIDE);
  if (b == -1) return 0;
  integer rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

static inline integer sc_pow(int *status, integer base, integer exponent) {
  if (exponent < 0) /* a float in Python, and undefined of zero */
    return sc_fail(status, base == 0 ? SYMCOUNT_OUTSIDE : SYMCOUNT_OVERFLOW);
  if (base == 0 || base == 1) return exponent == 0 ? 1 : base;
  if (base == -1) return exponent % 2 ? -1 : 1;
  integer result = 1;
  for (; exponent > 0 && *status == SYMCOUNT_OK; exponent--) result = sc_mul(status, result, base);
  return result;
}

static inline integer sc_bit_length(integer a) {
  natural rest = sc_size(a);
  integer length = 0;
  for (; rest != 0; rest >>= 1) length++;
  return length;
}

static inline integer sc_bit_count(integer a) {
  natural rest = sc_size(a);
  integer count = 0;
  for (; rest != 0; rest >>= 1) count += (integer)(rest & 1);
  return count;
}

static inline integer sc_isqrt(int *status, integer a) {
  if (a < 0) return sc_fail(status, SYMCOUNT_OUTSIDE);
  natural root = 0, rest = (natural)a;
  for (natural bit = (natural)1 << 126; bit != 0; bit >>= 2) {
    natural next = root + bit;
    root >>= 1;
    if (rest >= next) {
      rest -= next;
      root += bit;
    }
  }
  return (integer)root;
}

static inline integer sc_gcd(int *status, integer a, integer b) {
  natural x = sc_size(a), y = sc_size(b);
  while (y != 0) {
    natural rest = x % y;
    x = y;
    y = rest;
  }
  return x > (natural)SC_MOST ? sc_fail(status, SYMCOUNT_OVERFLOW) : (integer)x;
}

static inline integer sc_lcm(int *status, integer a, integer b) {
  if (a == 0 || b == 0) return 0;
  integer divisor = sc_gcd(status, a, b);
  if (*status != SYMCOUNT_OK) return 0;
  return sc_abs(status, sc_mul(status, sc_floordiv(status, a, divisor), b));
}

static inline integer sc_perm(int *status, integer n, integer k) {
  if (n < 0 || k < 0) return sc_fail(status, SYMCOUNT_OUTSIDE);
  if (k > n) return 0;
  integer result = 1;
  for (integer i = 0; i < k && *status == SYMCOUNT_OK; i++) result = sc_mul(status, result, n - i);
  return result;
}

static inline integer sc_comb(int *status, integer n, integer k) {
  if (n < 0 || k < 0) return sc_fail(status, SYMCOUNT_OUTSIDE);
  if (k > n) return 0;
  integer fewer = sc_min(k, n - k), result = 1;
  for (integer i = 0; i < fewer && *status == SYMCOUNT_OK; i++)
    result = sc_mul(status, result, n - i) / (i + 1);
  return result;
}

/* The integer nearest to a / b, half to even; b is positive. */
static inline integer sc_nearest_integer(int *status, integer a, integer b) {
  integer below = sc_floordiv(status, a, b), rest = sc_mod(status, a, b);
  integer other = b - rest;
  return rest > other || (rest == other && below % 2 != 0) ? below + 1 : below;
}

static inline integer sc_round_digits(int *status, integer a, integer digits) {
  if (digits >= 0 || a == 0) return a;
  if (digits < -38) return 0; /* no integer here is half of 10**39 */
  integer step = sc_pow(status, 10, -digits);
  return sc_mul(status, sc_nearest_integer(status, a, step), step);
}

/* --- doubles --- */

/* Through memory, so that no compiler makes one rounding of two. */
static inline double sc_fmul(double a, double b) {
  volatile double product = a * b;
  return product;
}

/* The double nearest to a / b, half to even: so many bits of the quotient that the last of them can
   stand for all that follow. */
static inline double sc_nearest(int *status, integer a, integer b) {
  if (b == 0) return (double)sc_fail(status, SYMCOUNT_OUTSIDE);
  if (a == 0) return b < 0 ? -0.0 : 0.0;
  natural top = sc_size(a), bottom = sc_size(b);
  natural quotient = top / bottom, rest = top % bottom;
  double scale = 1;
  for (; quotient < (natural)1 << 64; scale *= 0.5) {
    natural twice = rest << 1;
    int bit = rest >= bottom - rest;
    rest = bit ? twice - bottom : twice;
    quotient = quotient << 1 | (natural)bit;
  }
  double result = (double)(quotient | (natural)(rest != 0)) * scale;
  return (a < 0) != (b < 0) ? -result : result;
}

static inline double sc_divide(int *status, double a, double b) {
  return b == 0 ? (double)sc_fail(status, SYMCOUNT_OUTSIDE) : a / b;
}

/* A finite double without a fraction. */
static inline integer sc_integer(int *status, double a) {
  if (!(a - a == 0)) return sc_fail(status, SYMCOUNT_OUTSIDE);
  if (!(a > -0x1p127 && a < 0x1p127)) return sc_fail(status, SYMCOUNT_OVERFLOW);
  return (integer)a;
}

static inline double sc_half_to_even(double a) {
  double below = floor(a), rest = a - below;
  if (rest != 0.5) return rest > 0.5 ? below + 1 : below;
  return fmod(below, 2) == 0 ? below : below + 1;
}

static inline double sc_sqrt(int *status, double a) {
  return a < 0 ? (double)sc_fail(status, SYMCOUNT_OUTSIDE) : sqrt(a);
}

static inline double sc_fmod(int *status, double a, double b) {
  int defined = a != a || b != b || (a - a == 0 && b != 0);
  return defined ? fmod(a, b) : (double)sc_fail(status, SYMCOUNT_OUTSIDE);
}

static inline double sc_mod_doubles(int *status, double a, double b) {
  if (b == 0) return (double)sc_fail(status, SYMCOUNT_OUTSIDE);
  double rest = fmod(a, b);
  if (rest == 0) return copysign(0.0, b);
  return (b < 0) != (rest < 0) ? rest + b : rest;
}

static inline double sc_floordiv_doubles(int *status, double a, double b) {
  if (b == 0) return (double)sc_fail(status, SYMCOUNT_OUTSIDE);
  double rest = fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) quotient -= 1;
  if (quotient == 0) return copysign(0.0, a / b);
  double below = floor(quotient);
  return quotient - below > 0.5 ? below + 1 : below;
}

/* --- comparisons of integers, ratios and doubles --- */

struct sc_number {
  integer top, bottom; /* bottom is positive; where it is 0, the value is `real` */
  double real;
};

static inline struct sc_number sc_ratio(int *status, integer top, integer bottom) {
  if (bottom == 0) sc_fail(status, SYMCOUNT_OUTSIDE);
  if (bottom < 0) {
    top = sc_sub(status, 0, top);
    bottom = sc_sub(status, 0, bottom);
  }
  return (struct sc_number){top, bottom, 0};
}

static inline struct sc_number sc_real(double a) { return (struct sc_number){0, 0, a}; }

enum { SC_LESS = 1, SC_EQUAL = 2, SC_GREATER = 4 };

/* A double against a ratio: its whole part, and then its fraction times the denominator. */
static inline int sc_compare_real(int *status, double a, struct sc_number b) {
  if (a != a) return 0;
  if (a >= 0x1p127) return SC_GREATER;
  if (a < -0x1p127) return SC_LESS;
  double below = floor(a), fraction = a - below;
  integer whole = (integer)below, other = sc_floordiv(status, b.top, b.bottom);
  if (whole != other) return whole < other ? SC_LESS : SC_GREATER;
  integer rest = sc_mod(status, b.top, b.bottom), bottom = b.bottom;
  for (; fraction != 0 || rest != 0;) { /* bit after bit of both fractions */
    fraction *= 2;
    int bit = fraction >= 1, other_bit = rest >= bottom - rest;
    if (bit != other_bit) return bit < other_bit ? SC_LESS : SC_GREATER;
    fraction -= bit;
    rest = other_bit ? rest - (bottom - rest) : rest + rest;
    if (fraction == 0 || rest == 0)
      return fraction == 0 && rest == 0 ? SC_EQUAL : fraction == 0 ? SC_LESS : SC_GREATER;
  }
  return SC_EQUAL;
}

static inline int sc_compare(int *status, struct sc_number a, struct sc_number b) {
  if (*status != SYMCOUNT_OK) return 0;
  if (a.bottom == 0 && b.bottom == 0)
    return a.real < b.real ? SC_LESS : a.real > b.real ? SC_GREATER : a.real == b.real ? SC_EQUAL : 0;
  if (a.bottom == 0) return sc_compare_real(status, a.real, b);
  if (b.bottom == 0) {
    int found = sc_compare_real(status, b.real, a);
    return found == SC_LESS ? SC_GREATER : found == SC_GREATER ? SC_LESS : found;
  }
  integer left = sc_mul(status, a.top, b.bottom), right = sc_mul(status, b.top, a.bottom);
  return left < right ? SC_LESS : left > right ? SC_GREATER : SC_EQUAL;
}

/* --- results --- */

static inline int sc_finish(const int *status, integer value, int64_t *count) {
  if (*status != SYMCOUNT_OK) return *status;
  if (value < INT64_MIN || value > INT64_MAX) return SYMCOUNT_OVERFLOW;
  *count = (int64_t)value;
  return SYMCOUNT_OK;
}
