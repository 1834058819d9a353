"""Python's arithmetic on arrays: exact in int64 where that holds, else in Python's integers."""

import math  # noqa: F401 - formulas use it
import operator
from fractions import Fraction
from typing import Any

import numpy as np

_LARGEST = 2**63 - 1
_EXACT = 2**53  # integers up to this are doubles


class _Mixed(Exception):
    """Rows lead to different places; `first` are those that lead to the first."""

    def __init__(self, first: Any) -> None:
        super().__init__()
        self.first = first


class _TooLarge(Exception):
    """There is a number that is not computed here."""


class _Whole:
    """An array of integers: int64 where all are sure to fit, else Python's integers as objects.

    `most` is a number that none of them exceeds in size. A step whose result might not fit looks at
    the numbers themselves, and then goes on with objects: it never wraps around.
    """

    __array_ufunc__ = None  # numpy leaves the operators to this class

    def __init__(self, data: Any, most: int) -> None:
        self.data = data
        self.most = most

    def measured(self) -> "_Whole":
        """The same with the least `most`, in int64 if it fits."""
        most = max((abs(int(self.data.min())), abs(int(self.data.max()))), default=0)
        data = self.data.astype(np.int64) if most <= _LARGEST else self.data
        return _Whole(data, most)

    def objects(self) -> Any:
        return self.data.astype(object)

    def __add__(self, other: Any) -> "_Whole":
        return _checked(operator.add, operator.add, self, other)

    def __radd__(self, other: int) -> "_Whole":
        return self + other

    def __sub__(self, other: Any) -> "_Whole":
        return _checked(operator.sub, operator.add, self, other)

    def __rsub__(self, other: int) -> "_Whole":
        return _whole(other, self) - self

    def __mul__(self, other: Any) -> "_Whole":
        return _checked(operator.mul, operator.mul, self, other)

    def __rmul__(self, other: int) -> "_Whole":
        return self * other

    def __neg__(self) -> "_Whole":
        return _whole(0, self) - self

    def __pow__(self, exponent: int) -> "_Whole":
        result = self
        for _ in range(exponent - 1):
            result = result * self
        return result


def _whole(value: Any, like: _Whole) -> _Whole:
    if isinstance(value, _Whole):
        return value
    kind = np.int64 if abs(value) <= _LARGEST else object
    return _Whole(np.full(like.data.shape, value, kind), abs(value))


def _checked(compute: Any, bound: Any, a: _Whole, b: Any) -> _Whole:
    b = _whole(b, a)
    if bound(a.most, b.most) > _LARGEST:
        a, b = a.measured(), b.measured()
    most = bound(a.most, b.most)
    if most > _LARGEST:
        return _Whole(compute(a.objects(), b.objects()), most)
    return _Whole(compute(a.data, b.data), most)


def _floordiv(a: Any, b: Any) -> _Whole:
    return _divided(operator.floordiv, *_pair(a, b))


def _mod(a: Any, b: Any) -> _Whole:
    return _divided(operator.mod, *_pair(a, b))


def _divided(compute: Any, a: _Whole, b: _Whole) -> _Whole:
    _defined(b.data != 0)
    most = max(a.most, b.most)
    if most > _LARGEST:
        return _Whole(compute(a.objects(), b.objects()), most)
    return _Whole(compute(a.data, b.data), most)


def _pair(a: Any, b: Any) -> tuple[_Whole, _Whole]:
    like = a if isinstance(a, _Whole) else b
    return _whole(a, like), _whole(b, like)


def _all(test: Any) -> bool:
    """What a test says of all rows; if not the same of all, they have to be parted."""
    test = np.asarray(test, bool)
    if test.all():
        return True
    if test.any():
        raise _Mixed(test)
    return False


def _defined(test: Any) -> None:
    if not _all(test):
        raise ArithmeticError


def _plain(value: Any) -> Any:
    return value.data if isinstance(value, _Whole) else value


def _bits(compute: Any, a: Any, b: Any) -> _Whole:
    a, b = _pair(a, b)
    bits = max(a.most, b.most).bit_length()
    return _Whole(compute(a.data, b.data), 2**bits)


def _largest(compute: Any, *args: Any) -> _Whole:
    like = next(arg for arg in args if isinstance(arg, _Whole))
    result, *others = (_whole(arg, like) for arg in args)
    for other in others:
        most = max(result.most, other.most)
        result = _Whole(compute(result.data, other.data), most)
    return result


def _abs(a: _Whole) -> _Whole:
    return _Whole(abs(a.data if a.most <= _LARGEST else a.objects()), a.most)


def _choice(test: Any, then: Any, otherwise: Any) -> Any:
    like = next((x for x in (then, otherwise) if isinstance(x, _Whole)), None)
    if like is None:  # both are plain numbers
        like = _Whole(np.zeros(np.shape(test), np.int64), 0)
    then, otherwise = _whole(then, like), _whole(otherwise, like)
    return _Whole(np.where(test, then.data, otherwise.data), max(then.most, otherwise.most))


def _each(compute: Any, *args: Any) -> Any:
    """What Python computes in each row, for what numpy may compute otherwise; as objects."""
    columns = [_plain(arg) for arg in args]
    length = next(len(column) for column in columns if isinstance(column, np.ndarray))
    lists = [
        column.tolist() if isinstance(column, np.ndarray) else [column] * length
        for column in columns
    ]
    results = np.empty(length, object)
    defined = np.ones(length, bool)
    for row, values in enumerate(zip(*lists, strict=True)):
        try:
            results[row] = compute(*values)
        except (ArithmeticError, ValueError):
            defined[row] = False
    _defined(defined)
    return results


def _integers(compute: Any, *args: Any) -> _Whole:
    results = _each(compute, *args)
    _defined([not isinstance(value, float) for value in results])  # as a negative power is
    return _Whole(results, _LARGEST + 1).measured()


def _doubles(compute: Any, *args: Any) -> Any:
    return _each(compute, *args).astype(np.float64)


def _double(a: Any) -> Any:
    if isinstance(a, _Whole) and a.data.dtype == object:
        return _doubles(float, a)
    return a.data.astype(np.float64) if isinstance(a, _Whole) else float(a)


def _quotient(a: Any, b: Any) -> Any:
    """The double nearest to a quotient, of integers or doubles."""
    for side in (a, b):
        if isinstance(side, _Whole) and side.most > _EXACT:
            return _doubles(operator.truediv, a, b)
    a, b = _plain(a), _plain(b)
    _defined(np.broadcast_to(b != 0, np.broadcast_shapes(np.shape(a), np.shape(b))))
    return np.asarray(a / b, np.float64)


def _whole_or_nearest(a: Any, b: Any) -> Any:
    return _each(lambda top, bottom: top / bottom if top % bottom else top // bottom, a, b)


def _to_integers(compute: Any, numpy_compute: Any, a: Any) -> _Whole:
    size = float(np.abs(a).max(initial=0))
    if not size < _EXACT:  # infinite, not a number, or large
        return _integers(compute, a)
    return _Whole(numpy_compute(a).astype(np.int64), int(size) + 1)


def _fraction(top: Any, bottom: Any) -> Any:
    return _each(Fraction, top, bottom)


def _compared(compute: Any, a: Any, b: Any) -> Any:
    """A comparison of two columns, or of one and a number, by their values."""
    large = any(isinstance(side, _Whole) and side.most > _EXACT for side in (a, b))
    if large and not (isinstance(a, _Whole | int) and isinstance(b, _Whole | int)):
        return _each(compute, a, b).astype(bool)
    return np.asarray(compute(_plain(a), _plain(b)), bool)


def _column(name: str, value: Any, real: bool) -> Any:
    """An argument as an array: of int64, or of Python's integers if they are larger; or doubles."""
    array = np.asarray(value)
    if real and array.dtype.kind in "iuf":
        return array.astype(np.float64)
    if array.dtype.kind == "u":
        array = array.astype(object)
    whole = array.dtype.kind == "i" or all(type(x) is int for x in array.reshape(-1).tolist())
    if real or not whole or array.dtype.kind == "b":
        raise TypeError(f"{name} must hold {'numbers' if real else 'integers'}, not {array.dtype}")
    return array.astype(np.int64) if array.dtype.kind == "i" else array


def _counted(count: Any, inside: Any, columns: Any, fill: Any) -> Any:
    """The counts at columns of sizes: all rows at once, and parted where they lead elsewhere."""
    shape = np.broadcast_shapes(*(column.shape for column in columns))
    flat = [np.broadcast_to(column, shape).reshape(-1) for column in columns]
    valid = np.array(np.broadcast_to(inside, shape), bool).reshape(-1)
    values = np.zeros(valid.shape, np.int64)
    todo = [np.flatnonzero(valid)]
    with np.errstate(all="ignore"):
        while todo:
            rows = todo.pop()
            if rows.size:
                todo += _block(count, [column[rows] for column in flat], rows, values, valid)
    if not valid.all():
        if fill is None:
            place = int(np.argmin(valid))
            point = ", ".join(str(column[place]) for column in flat)
            raise ValueError(f"outside the domain at ({point}); pass fill=... for such sizes")
        values[~valid] = fill
    return values.reshape(shape)[()]


def _block(count: Any, columns: Any, rows: Any, values: Any, valid: Any) -> list[Any]:
    """Count at some rows, or return the parts of them to count at."""
    try:
        found = count(
            *(c if c.dtype == np.float64 else _Whole(c, 2**63).measured() for c in columns)
        )
        found = found.measured() if isinstance(found, _Whole) else found
    except _Mixed as mixed:
        return [rows[mixed.first], rows[~mixed.first]]
    except _TooLarge as error:
        raise OverflowError(str(error)) from None
    except (ArithmeticError, ValueError):
        found = None
    if found is None:
        valid[rows] = False
    elif abs(found if isinstance(found, int) else found.most) > _LARGEST:
        raise OverflowError("a count does not fit int64: count it by itself, in Python")
    else:
        values[rows] = _plain(found)
    return []
