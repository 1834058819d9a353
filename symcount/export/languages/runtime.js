// Python's arithmetic over BigInt and doubles, exactly. What Python raises for throws `Undefined`;
// what would take too long, or what JavaScript cannot compute exactly, throws a RangeError.

class Undefined extends Error {}

const MOST_BITS = 1 << 22;
const MOST_STEPS = 20000n;

function undefinedUnless(condition, message) {
  if (!condition) throw new Undefined(message);
}

function tooLarge() {
  throw new RangeError("the numbers are too large to be computed here; evaluate in Python");
}

// --- integers ---

function floordiv(a, b) {
  undefinedUnless(b !== 0n, "division by zero");
  const quotient = a / b;
  return a % b !== 0n && a < 0n !== b < 0n ? quotient - 1n : quotient;
}

function mod(a, b) {
  undefinedUnless(b !== 0n, "division by zero");
  const rest = a % b;
  return rest !== 0n && rest < 0n !== b < 0n ? rest + b : rest;
}

const abs = (a) => (a < 0n ? -a : a);
const max = (...args) => args.reduce((a, b) => (b > a ? b : a));
const min = (...args) => args.reduce((a, b) => (b < a ? b : a));

function bitLength(a) {
  const digits = abs(a).toString(16);
  return a === 0n ? 0n : BigInt(4 * (digits.length - 1) + 32 - Math.clz32(parseInt(digits[0], 16)));
}

function bitCount(a) {
  let count = 0n;
  for (const digit of abs(a).toString(2)) if (digit === "1") count += 1n;
  return count;
}

// Python's is a float there, which nothing but an untaken side of a choice may hold.
const NEGATIVE_POWER = {
  [Symbol.toPrimitive]() {
    throw new RangeError("a negative power is a float in Python; evaluate in Python");
  },
};

function power(base, exponent) {
  if (exponent < 0n) {
    undefinedUnless(base !== 0n, "division by zero");
    return NEGATIVE_POWER;
  }
  if (abs(base) > 1n && bitLength(base) * exponent > MOST_BITS) tooLarge();
  return base ** exponent;
}

function isqrt(a) {
  undefinedUnless(a >= 0n, "root of a negative number");
  if (a < 2n) return a;
  let root = 1n << ((bitLength(a) + 1n) / 2n);
  for (;;) {
    const next = (root + a / root) / 2n;
    if (next >= root) return root;
    root = next;
  }
}

function perm(n, k = n) {
  undefinedUnless(n >= 0n && k >= 0n, "a number of permutations of a negative number");
  if (k > n) return 0n;
  if (k > MOST_STEPS) tooLarge();
  let result = 1n;
  for (let i = 0n; i < k; i += 1n) result *= n - i;
  return result;
}

const factorial = (n) => perm(n);

function comb(n, k) {
  undefinedUnless(n >= 0n && k >= 0n, "a number of combinations of a negative number");
  if (k > n) return 0n;
  const fewer = min(k, n - k);
  return perm(n, fewer) / perm(fewer);
}

function gcdOfTwo(a, b) {
  while (b !== 0n) [a, b] = [b, a % b];
  return abs(a);
}

const gcd = (...args) => args.reduce(gcdOfTwo, 0n);
const lcm = (...args) =>
  args.reduce((a, b) => (a === 0n || b === 0n ? 0n : abs((a / gcdOfTwo(a, b)) * b)), 1n);

// To the nearest multiple of a power of ten, half to even.
function roundDigits(a, digits) {
  return digits >= 0n ? a : nearestInteger(a, power(10n, -digits)) * power(10n, -digits);
}

// The integer nearest to top / bottom, half to even; bottom is positive.
function nearestInteger(top, bottom) {
  const below = floordiv(top, bottom);
  const twice = 2n * (top - below * bottom);
  return twice > bottom || (twice === bottom && below % 2n !== 0n) ? below + 1n : below;
}

// --- doubles ---

function toDouble(a) {
  const result = Number(a); // to nearest, half to even, as in Python
  undefinedUnless(Number.isFinite(result) || typeof a === "number", "too large for a double");
  return result;
}

// x * 2**exponent where that is a normal double or overflows: each step is exact.
function scaled(x, exponent) {
  for (; exponent > 1000; exponent -= 1000) x *= 2 ** 1000;
  for (; exponent < -1000; exponent += 1000) x *= 2 ** -1000;
  return x * 2 ** exponent;
}

// The double nearest to top / bottom, half to even.
function divide(top, bottom) {
  undefinedUnless(bottom !== 0n, "division by zero");
  const negative = top < 0n !== bottom < 0n;
  const [a, b] = [abs(top), abs(bottom)];
  const result = a << 1022n < b ? subnormal(a, b) : normal(a, b);
  undefinedUnless(Number.isFinite(result), "too large for a double");
  return negative ? -result : result;
}

// Below the normal doubles, all are multiples of the smallest.
const subnormal = (a, b) => Number(nearestInteger(a << 1074n, b)) * Number.MIN_VALUE;

// Eleven bits more than a double holds, the last of them set for whatever follows.
function normal(a, b) {
  const shift = 64n - (bitLength(a) - bitLength(b));
  const [top, bottom] = shift >= 0n ? [a << shift, b] : [a, b << -shift];
  const quotient = top / bottom;
  return scaled(Number(quotient * bottom === top ? quotient : quotient | 1n), Number(-shift));
}

const wholeOrNearest = (a, b) => {
  undefinedUnless(b !== 0n, "division by zero");
  return a % b === 0n ? a / b : divide(a, b);
};

function trueDivide(a, b) {
  if (typeof a === "bigint" && typeof b === "bigint") return divide(a, b);
  return divideDoubles(toDouble(a), toDouble(b));
}

function divideDoubles(a, b) {
  undefinedUnless(b !== 0, "division by zero");
  return a / b;
}

const copysign = (x, sign) => (sign < 0 || Object.is(sign, -0) ? -Math.abs(x) : Math.abs(x));

function divmodDoubles(a, b) {
  undefinedUnless(b !== 0, "division by zero");
  let rest = a % b;
  let quotient = (a - rest) / b;
  if (rest === 0) rest = copysign(0, b);
  else if (b < 0 !== rest < 0) {
    rest += b;
    quotient -= 1;
  }
  if (quotient === 0) return [copysign(0, a / b), rest];
  const below = Math.floor(quotient);
  return [quotient - below > 0.5 ? below + 1 : below, rest];
}

const floordivDoubles = (a, b) => divmodDoubles(a, b)[0];
const modDoubles = (a, b) => divmodDoubles(a, b)[1];

function fmod(a, b) {
  undefinedUnless(Number.isNaN(a) || Number.isNaN(b) || (Number.isFinite(a) && b !== 0), "fmod");
  return a % b;
}

function sqrt(a) {
  undefinedUnless(!(a < 0), "root of a negative number");
  return Math.sqrt(a);
}

function toInteger(a) {
  undefinedUnless(Number.isFinite(a), "no integer is infinite");
  return BigInt(a);
}

function halfToEven(a) {
  const size = Math.abs(a);
  const below = Math.floor(size);
  const rest = size - below;
  const nearest = rest > 0.5 || (rest === 0.5 && below % 2 === 1) ? below + 1 : below;
  return a < 0 ? -nearest : nearest;
}

// A finite double as a quotient of integers.
function ratioOf(a) {
  let exponent = 0n;
  for (; !Number.isInteger(a); exponent += 1n) a *= 2;
  return [BigInt(a), 1n << exponent];
}

// round(a, digits): the double nearest to the decimal number that is nearest, half to even.
function roundToDigits(a, digits) {
  if (!Number.isFinite(a) || digits > 400n) return a;
  if (digits < -400n) return 0 * a;
  const [top, bottom] = ratioOf(Math.abs(a));
  const scale = 10n ** abs(digits);
  const size =
    digits >= 0n
      ? divide(nearestInteger(top * scale, bottom), scale)
      : toDouble(nearestInteger(top, bottom * scale) * scale);
  return copysign(size, a);
}

// --- comparisons ---

// Less than, equal to or greater than zero, as a is less than, equal to or greater than b. Each is
// a number or a pair [top, bottom]; NaN if one of them is.
function compared(a, b) {
  for (const side of [a, b]) {
    if (Number.isNaN(side)) return NaN;
    if (side === Infinity || side === -Infinity) return side === a ? a : -b;
  }
  const [[a1, a2], [b1, b2]] = [a, b].map((side) => {
    if (typeof side === "bigint") return [side, 1n];
    if (typeof side === "number") return ratioOf(side);
    undefinedUnless(side[1] !== 0n, "division by zero");
    return side[1] < 0n ? [-side[0], -side[1]] : side;
  });
  const [left, right] = [a1 * b2, b1 * a2];
  return left < right ? -1 : left > right ? 1 : 0;
}

// --- formulas ---

// A formula of named values. A value is a BigInt or a safe integer, of a real symbol a Number; one
// that has a default may be left out.
class Formula {
  constructor(description) {
    Object.assign(this, description);
  }

  // The exact count as a BigInt, or null outside the domain.
  count(values) {
    const point = this.point(values);
    return this.undeclared(point) ? null : definedOrNull(this.functions.count, point);
  }

  // What each parameter contributes, by the names in `parameters`; null outside the domain.
  parts(values) {
    const point = this.point(values);
    return this.undeclared(point) ? null : definedOrNull(this.functions.parts, point);
  }

  // Why the values are outside the domain; null if they are inside. `text` is what has to hold,
  // `detail` what happens where it does not, and `symbols` are those that it is about.
  why(values) {
    const point = this.point(values);
    const undeclared = this.undeclared(point);
    if (undeclared) return undeclared;
    if (definedOrNull(this.functions.count, point) !== null) return null;
    const index = definedOrNull(this.functions.why, point);
    const everything = this.symbols.map((symbol) => symbol.name);
    const text = "the factory's arithmetic must be defined";
    return index === null ? { text, detail: "", symbols: everything } : this.reasons[index];
  }

  undeclared(point) {
    for (const [place, symbol] of this.symbols.entries()) {
      const [value, name] = [point[place], symbol.name];
      const { minimum, maximum, multipleOf } = symbol;
      const fails = (text) => ({ text: `${name} must be ${text}`, detail: "", symbols: [name] });
      if (symbol.real && !(value > 0 && value < Infinity)) return fails("a positive number");
      if (!(value >= minimum)) return fails(`at least ${minimum}`);
      if (maximum !== null && !(value <= maximum)) return fails(`at most ${maximum}`);
      if (!symbol.real && value % multipleOf !== 0n) return fails(`a multiple of ${multipleOf}`);
    }
    return null;
  }

  point(values) {
    for (const name of Object.keys(values)) {
      if (!this.symbols.some((symbol) => symbol.name === name)) {
        throw new TypeError(`${this.factory} has no symbol ${name}`);
      }
    }
    return this.symbols.map((symbol) => {
      const given = Object.hasOwn(values, symbol.name) ? values[symbol.name] : symbol.default;
      if (given === null || given === undefined) {
        throw new TypeError(`${this.factory} needs a value for ${symbol.name}`);
      }
      if (symbol.real && typeof given === "number") return given;
      if (!symbol.real && typeof given === "bigint") return given;
      if (!symbol.real && Number.isSafeInteger(given)) return BigInt(given);
      const kind = symbol.real ? "Number" : "BigInt, or an integer below 2**53";
      throw new TypeError(`${symbol.name} must be a ${kind}`);
    });
  }
}

function definedOrNull(f, point) {
  try {
    return f(...point);
  } catch (error) {
    if (error instanceof Undefined) return null;
    throw error;
  }
}
