"""Compile a formula to one plain Python function, as fast as one written by hand.

The function has the symbols for parameters. It asks of each argument whether it is an ordinary
integer within its declared bounds, follows the conditions of the domain and computes the count.
Whatever is not the ordinary case goes to a slow path, which handles it or raises.
"""

from __future__ import annotations

import keyword
from collections.abc import Callable, Sequence
from types import CodeType
from typing import Any

from symcount.algebra import python_code
from symcount.algebra.poly import Poly
from symcount.errors import DomainError
from symcount.symbols import Hyperparameter


def compile_call(
    name: str,
    hyperparameters: Sequence[Hyperparameter],
    tree: Any,
    leaf: Callable[[Any], Poly | None],
    slow: Callable[..., int],
) -> Callable[..., int]:
    """Compile a function of the symbols, with their defaults, that returns the count at them.

    Args:
        name: what tracebacks call the function.
        hyperparameters: the symbols, in the order of the parameters.
        tree: a tree as `python_code.body` takes it.
        leaf: the polynomial of a leaf; None outside the domain.
        slow: takes the same arguments. It is called with all of them in order, where one of them
            is no ordinary integer or the formula does not hold; what is missing is None.
    """
    names = [h.name for h in hyperparameters]
    if any(keyword.iskeyword(n) for n in names):
        return slow
    code = compile(_source(hyperparameters, tree, leaf), f"<formula of {name}>", "exec")
    if _captures(code, len(names)):
        return slow  # a parameter has the name of something the code computes with
    namespace = {**python_code.GLOBALS, **_OWN, "_slow": slow}
    exec(code, namespace)
    function: Callable[..., int] = namespace["_formula"]
    _describe(function, name, [h.default for h in hyperparameters])
    return function


# None of these may be the name of a symbol, or that symbol's formula is computed slowly.
_OWN = {
    "type": type,
    "int": int,
    "inf": float("inf"),
    "DomainError": DomainError,
    "ArithmeticError": ArithmeticError,
    "ValueError": ValueError,
}


def _source(
    hyperparameters: Sequence[Hyperparameter], tree: Any, leaf: Callable[[Any], Poly | None]
) -> str:
    names = ", ".join(h.name for h in hyperparameters)
    slow = f"return _slow({names})"
    body = python_code.body(tree, [h.name for h in hyperparameters], leaf, slow)
    return "\n".join(
        [
            f"def _formula({names}):",
            f"    if not ({' and '.join(map(_is_ordinary, hyperparameters)) or 'True'}):",
            f"        {slow}",
            "    try:",
            *body,
            "    except DomainError:",  # of the slow path, and a ValueError
            "        raise",
            "    except (ArithmeticError, ValueError):",
            f"        {slow}",
            "",
        ]
    )


def _is_ordinary(h: Hyperparameter) -> str:
    """Source of the test whether an argument is a number of the declared type and bounds."""
    kind, low = ("float", f"0 < {h.name} < inf") if h.real else ("int", f"{h.name} >= {h.least}")
    tests = [f"type({h.name}) is {kind}", low]
    if h.minimum > h.least:
        tests.append(f"{h.name} >= {h.minimum!r}")
    if h.maximum is not None:
        tests.append(f"{h.name} <= {h.maximum!r}")
    if h.multiple_of > 1:
        tests.append(f"not {h.name} % {h.multiple_of}")
    return " and ".join(tests)


def _captures(module: CodeType, parameters: int) -> bool:
    """Return whether a parameter hides a global name, or a temporary one hides a parameter."""
    (code,) = (c for c in module.co_consts if isinstance(c, CodeType))
    mine = code.co_varnames[:parameters]
    temporary = {f"t{n}" for n in range(len(code.co_varnames))}
    return not temporary.isdisjoint(mine) or not {*python_code.GLOBALS, *_OWN, "_slow"}.isdisjoint(
        mine
    )


def _describe(function: Any, name: str, defaults: Sequence[Any]) -> None:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = "The exact count at these values; see `ParamCount.function`."
    first = next((i for i, value in enumerate(defaults) if value is not None), len(defaults))
    # A parameter without a default may follow one that has: None says that it is missing.
    function.__defaults__ = tuple(defaults[first:])
