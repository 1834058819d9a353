"""Python: a formula as a plain function that computes it exactly, or raises; it needs no package.

The function has the symbols for parameters. It returns the exact count, an integer of any size, and
raises `ValueError` outside the domain and `TypeError` for what is no plain integer. Float steps are
the doubles that the factory's own Python computes.
"""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from symcount.algebra.code_writer import Writer, write
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS
from symcount.algebra.poly import Call, Poly, fraction
from symcount.algebra.python_code import PYTHON
from symcount.export.languages.captions import about, identifiers, string
from symcount.formula.domain_errors import Reason, with_reasons
from symcount.formula.formula import Formula
from symcount.formula.tree import Split

if TYPE_CHECKING:
    from symcount.formula.entry import Entry
    from symcount.symbols import Hyperparameter

RESERVED = frozenset([*keyword.kwlist, *keyword.softkwlist, *dir(builtins), "math", "Fraction"])


def render_count(count: Formula, title: str | None = None) -> str:
    """A module with the function.

    Raises:
        UnsupportedError: a step of the formula has no text.

    >>> import symcount
    >>> from torch import nn
    >>> def attention(dim, heads=8):
    ...     return nn.MultiheadAttention(dim, heads)
    >>> print(render_count(symcount.derive(attention).formula))  # doctest: +ELLIPSIS
    def attention(dim, heads=8):
        \"\"\"Exact parameter count of "attention".
    <BLANKLINE>
        Formula: 4*dim**2 + 4*dim
        Domain: Eq(Mod(dim, heads), 0)
        Derived by ...
    <BLANKLINE>
        Raises ValueError outside the domain, TypeError for what is no int.
        \"\"\"
        if type(dim) is not int or type(heads) is not int:
            raise TypeError('the sizes must be int: dim, heads')
        if dim < 1:
            raise ValueError('dim must be at least 1')
        if heads < 1:
            raise ValueError('heads must be at least 1')
        t0 = (dim) % (heads)
        if t0 == 0:
            return 4 * dim * dim + 4 * dim
        raise ValueError('dim must be a multiple of heads. The factory raises there, ...
    <BLANKLINE>
    """
    return _module([function(count, function_name(count), title)])


def function_name(count: Formula) -> str:
    """Return the name of the function of `render_count`."""
    return identifiers([stem(count.factory)], RESERVED, "count")[0]


def parameter_names(count: Formula, name: str) -> list[str]:
    """Return the names of the symbols in a function of that name."""
    return identifiers((h.name for h in count.hyperparameters), {*RESERVED, name})


def render_registry(entries: Iterable[Entry]) -> str:
    """A module with a function for each blueprint; one without a formula raises, and says why."""
    entries = list(entries)
    names = identifiers((entry.key for entry in entries), RESERVED, "count")
    return _module(_of_entry(entry, name) for entry, name in zip(entries, names, strict=True))


def _module(functions: Iterable[str]) -> str:
    text = "\n\n".join(functions)
    imports = ["import math\n"] if re.search(r"\bmath\.\w+\(", text) else []
    imports += ["from fractions import Fraction\n"] if "Fraction(" in text else []
    return "".join(imports) + ("\n\n" if imports else "") + text


def stem(name: str) -> str:
    """Return a name for the function of a factory of this name."""
    return name.rpartition(".")[2].replace("<lambda>", "count")


def _of_entry(entry: Entry, name: str) -> str:
    return entry.written(
        lambda count: function(count, name, entry.key),
        lambda reason: without_formula(entry.key, name, reason),
    )


def without_formula(key: str, name: str, problem: str) -> str:
    """A function in the place of one that there is no formula for."""
    lines = [f"# {string(key)}", f"def {name}(*args, **kwargs):"]
    return "\n".join([*lines, f"    raise ValueError({_literal(problem)})", ""])


def function(count: Formula, name: str, title: str | None = None) -> str:
    """The source of the function, under a name that is valid."""
    names = parameter_names(count, name)
    called = dict(zip((h.name for h in count.hyperparameters), names, strict=True))
    tree = with_reasons(count.tree, count.polynomial, lambda reason: reason)
    body = write(PYTHON, tree, list(called), _leaf, names)
    lines = [f"    {line}" for line in declared(count.hyperparameters, names)]
    if may_raise(tree):
        body = "\n".join(f"    {line}" for line in body.splitlines())
        outside = _literal("the factory's arithmetic is undefined there")
        lines += ["    try:", body, "    except ArithmeticError as error:"]
        lines.append(f"        raise ValueError({outside}) from error")
    else:
        lines.append(body)
    kind = "plain number" if any(h.real for h in count.hyperparameters) else "int"
    raises = f"Raises ValueError outside the domain, TypeError for what is no {kind}."
    about_it = docstring(count, title, called, raises)
    return "\n".join(
        [f"def {name}({signature(count.hyperparameters, names)}):", *about_it, *lines, ""]
    )


def signature(hyperparameters: Iterable[Hyperparameter], names: Iterable[str]) -> str:
    """The parameters; those that follow one with a default have to be named if they have none."""
    parts: list[str] = []
    named = False
    seen_default = False
    for h, name in zip(hyperparameters, names, strict=True):
        if h.default is None and seen_default and not named:
            parts.append("*")
            named = True
        seen_default = seen_default or h.default is not None
        parts.append(name if h.default is None else f"{name}={h.default!r}")
    return ", ".join(parts)


def docstring(count: Formula, title: str | None, called: dict[str, str], raises: str) -> list[str]:
    """The lines of a docstring: what the function computes, where, and where that comes from."""
    noun = count.measure.noun.replace("parameters", "parameter")
    renamed = [f"{name} is {new} here" for name, new in called.items() if name != new]
    texts = [
        f"Exact {noun} count of {string(title or count.factory)}.",
        "",
        *about(count),
        *(["Names: " + ", ".join(renamed)] if renamed else []),
        "",
        raises,
    ]
    safe = [_in_docstring(text) for text in texts]
    return [f'    """{safe[0]}', *(f"    {text}".rstrip() for text in safe[1:]), '    """']


def _in_docstring(text: str) -> str:
    """Text that neither ends a string in three quotes nor escapes anything in it."""
    safe = text.replace("\\", "\\\\").replace('"""', '\\"\\"\\"')
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in safe)


def declared(hyperparameters: Iterable[Hyperparameter], names: Iterable[str]) -> list[str]:
    """Lines that raise for a value that is none of its symbol."""
    tests, lines = [], []
    names = list(names)
    for h, name in zip(hyperparameters, names, strict=True):
        if h.real:
            tests.append(f"type({name}) not in (int, float)")
            lines += [
                f"{name} = float({name})",
                *_refusing(f"not 0 < {name} < float('inf')", name, "a positive number"),
            ]
        else:
            tests.append(f"type({name}) is not int")
        if not h.real or h.minimum > 0:
            lines += _refusing(f"{name} < {h.minimum!r}", name, f"at least {h.minimum!r}")
        if h.maximum is not None:
            lines += _refusing(f"{name} > {h.maximum!r}", name, f"at most {h.maximum!r}")
        if h.multiple_of > 1:
            lines += _refusing(f"{name} % {h.multiple_of}", name, f"a multiple of {h.multiple_of}")
    if not tests:
        return []
    kind = "int or float" if any(h.real for h in hyperparameters) else "int"
    raising = f"    raise TypeError({_literal(f'the sizes must be {kind}: ' + ', '.join(names))})"
    return [f"if {' or '.join(tests)}:", raising, *lines]


def _refusing(test: str, name: str, what: str) -> list[str]:
    return [f"if {test}:", f"    raise ValueError({_literal(f'{name} must be {what}')})"]


def _literal(text: str) -> str:
    return ascii(text)


def _leaf(writer: Writer, value: Poly | Reason) -> str:
    if isinstance(value, Reason):
        text = value.text if not value.detail else f"{value.text}. {value.detail}"
        return f"raise ValueError({_literal(text)})"
    return f"return {writer.integer(value)}"


# --- what may be undefined --------------------------------------------------------------------


def may_raise(tree: Any) -> bool:
    """Return whether a step may be undefined: a division by zero, or a double too large."""
    polys: list[Poly] = []
    stack = [tree]
    while stack:
        node = stack.pop()
        if isinstance(node, Split):
            polys += [node.condition.left, node.condition.right]
            stack += [node.then, node.otherwise]
        elif isinstance(node, Poly):
            polys.append(node)
    calls = {a for poly in polys for a in poly.atoms() if isinstance(a, Call)}
    return not all(map(_is_safe, calls)) or not all(map(_has_safe_denominator, polys))


def _is_safe(base: Call) -> bool:
    function = CALLS[base.op]
    return (
        function.total
        and not (function.divides and not Facts().at_least(base.args[1], 1))
        and all(map(_has_safe_denominator, base.args))
    )


def _has_safe_denominator(poly: Poly) -> bool:
    return Facts().at_least(fraction(poly)[1], 1)
