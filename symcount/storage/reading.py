"""Documents as formulas: every part is checked, nothing is executed, and limits hold throughout.

What is not as `packing` writes it is refused, with its place in the document. A document within
the limits takes time in proportion to its length.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, CHOICES, has_floats
from symcount.algebra.poly import Atom, Call, Monomial, Poly, Rational, Variable
from symcount.factory.origin import DIGITS, NO_CODE, Opaque, Origin, Statement
from symcount.formula.certificate import Certificate, Grade
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import (
    Built,
    Excluded,
    Inexact,
    Refused,
    Repeat,
    Split,
    TensorSpec,
    Tree,
    Unexplored,
    Unreachable,
)
from symcount.record import INDEX, Concretisation, Source
from symcount.storage.strict_json import Place, decoded
from symcount.symbols import Hyperparameter, RealHyperparameter

FORMAT = "symcount formulas"
VERSION = 1
# Each formula is one line, so that the others need not be read to read it.
HEAD = f'{{\n"format": "{FORMAT}",\n"version": {VERSION},\n"formulas": [\n'
TAIL = "\n]\n}\n"

LARGEST_EXPONENT = 1_000
DEEPEST = 60  # calls within calls
# Atoms and numbers in a call, with those of the calls in it; and of all calls of a formula.
LARGEST_CALL = 10_000
LARGEST_CALLS = 200_000
MOST_TERMS = 1_000
DEEPEST_TREE = 200
DEEPEST_VALUE = 20
LONGEST_CAPTION = 4_000_000

_GRADES: dict[str, Grade] = {"complete": "complete", "checked": "checked", "partial": "partial"}
_DIGESTS = re.compile(rf"(?:[0-9a-f]{{{DIGITS}}}|{re.escape(NO_CODE)})*")
_KINDS = ("parameter", "buffer")
_FIELDS = (
    "name", "factory", "formula", "domain", "origin", "symbols", "fixed", "measure",
    "certificate", "sources", "calls", "tensors", "tree",
)  # fmt: skip


@dataclass(frozen=True)
class Unpacked:
    """A document that has been read: what it says for people, and the parts of the formula.

    `fields` are those of `ParamCount`; `measure` holds those of its `Measure`.
    """

    name: str
    formula: str
    domain: str
    fields: dict[str, Any]
    measure: dict[str, Any]


def unpacked(document: Any, place: str) -> Unpacked:
    """The parts of the formula in a document, or in its text.

    Raises:
        StoredFormulaError: something is wrong with it; the message says what, and where.
    """
    if isinstance(document, str):
        document = decoded(document, place)
    fields = Place(document, place).fields(_FIELDS)
    reader = _Reader(fields)
    return Unpacked(
        fields["name"].name(),
        fields["formula"].text(LONGEST_CAPTION),
        fields["domain"].text(LONGEST_CAPTION),
        {
            "factory": fields["factory"].name(),
            "hyperparameters": reader.hyperparameters,
            "fixed": tuple(_pair(pair) for pair in fields["fixed"].items()),
            "tree": reader.tree(fields["tree"]),
            "certificate": reader.certificate(fields["certificate"]),
            "origin": _origin(fields["origin"]),
            "words": reader.words,
        },
        _measure(fields["measure"]),
    )


# --- what needs no tables -----------------------------------------------------------------------


def _optional(place: Place, read: Callable[[Place], Any]) -> Any:
    return None if place.is_null else read(place)


def _pair(place: Place) -> tuple[str, str]:
    name, text = place.items(2, 2)
    return name.name(), text.text()


def _identifier(place: Place) -> str:
    """A name that may stand in the code of a formula: it is an identifier, and no other one too."""
    name = place.name()
    if (
        not name.isidentifier()
        or name == "__debug__"
        or unicodedata.normalize("NFKC", name) != name
    ):
        place.fail(f"{name!r} is not a Python identifier")
    return name


def _hyperparameter(place: Place) -> Hyperparameter:
    fields = place.fields(("name", "real", "min", "max", "multiple_of", "default", "arguments"))
    real = fields["real"].boolean()

    def number(here: Place) -> Any:
        return here.number() if real else here.integer()

    made = RealHyperparameter if real else Hyperparameter
    h = made(
        _identifier(fields["name"]),
        number(fields["min"]),
        _optional(fields["max"], number),
        fields["multiple_of"].integer(1, 1 if real else None),
        _optional(fields["default"], number),
        tuple(argument.name() for argument in fields["arguments"].items()),
    )
    if h.minimum < (0 if real else 1):
        fields["min"].fail(f"{h.minimum} is too small: symbols are positive")
    return h


def _hyperparameters(place: Place) -> tuple[Hyperparameter, ...]:
    known: dict[str, Hyperparameter] = {}
    for item in place.items(0, 200):
        h = _hyperparameter(item)
        if h.name in known:
            item.fail(f"the symbol {h.name!r} is there already")
        known[h.name] = h
    return tuple(known.values())


def _measure(place: Place) -> dict[str, Any]:
    fields = place.fields(("kind", "trainable", "dtype", "names", "in_bytes"))
    names = _optional(fields["names"], lambda here: tuple(n.text() for n in here.items()))
    return {
        "kind": fields["kind"].one_of(_KINDS, "kind of tensor"),
        "trainable": _optional(fields["trainable"], Place.boolean),
        "dtype": _optional(fields["dtype"], Place.name),
        "names": names,
        "in_bytes": fields["in_bytes"].boolean(),
    }


def _origin(place: Place) -> Origin | None:
    if place.is_null:
        return None
    fields = place.fields(
        (
            "target", "config", "given", "symbols", "symcount", "torch", "max_paths",
            "max_seconds", "statements",
        )
    )  # fmt: skip
    given = [pair.items(2, 2) for pair in fields["given"].items()]
    return Origin(
        target=_optional(fields["target"], Place.name),
        given=tuple((name.name(), _value(value)) for name, value in given),
        hyperparameters=_hyperparameters(fields["symbols"]),
        symcount=fields["symcount"].name(),
        torch=fields["torch"].name(),
        max_paths=fields["max_paths"].integer(0),
        max_seconds=fields["max_seconds"].number(),
        config=_optional(fields["config"], Place.name),
        statements=tuple(map(_statement, fields["statements"].items())),
    )


def _statement(place: Place) -> Statement:
    file, name, line, digests = place.items(4, 4)
    text = digests.text()
    if not _DIGESTS.fullmatch(text):
        digests.fail("digests of lines are eight digits each, or eight dots")
    each = tuple(text[start : start + DIGITS] for start in range(0, len(text), DIGITS))
    return Statement(file.name(), name.name(), line.integer(1), each)


def _value(place: Place, depth: int = 0) -> Any:
    """A value that was given to the factory: a plain one, a list, a tuple, or only its text."""
    if depth > DEEPEST_VALUE:
        place.fail(f"lists in lists, more than {DEEPEST_VALUE} deep")
    if type(place.value) is dict:
        fields = place.fields((), ("text", "list", "tuple"))
        if len(fields) != 1:
            place.fail("one of text, list and tuple is to be here")
        ((kind, inside),) = fields.items()
        if kind == "text":
            return Opaque(inside.text())
        values = [_value(item, depth + 1) for item in inside.items()]
        return values if kind == "list" else tuple(values)
    if type(place.value) is str:
        return place.text()
    if type(place.value) in (int, float):
        return place.number()
    return _optional(place, Place.boolean)


def _point(place: Place) -> tuple[tuple[str, int | float], ...]:
    return tuple((name, value.number()) for name, value in place.entries())


def _source(place: Place) -> Source:
    file, line, function = place.items(3, 3)
    return Source(file.text(), line.integer(0), function.text())


# --- tables and what refers to them ---------------------------------------------------------------


class _Reader:
    """The tables of one formula; what they hold has been checked."""

    def __init__(self, fields: dict[str, Place]) -> None:
        self.words: dict[Condition, tuple[str, str]] = {}
        self.hyperparameters = _hyperparameters(fields["symbols"])
        self._symbols = {h.name: Variable(h.name, h.real) for h in self.hyperparameters}
        self._sources = [_source(item) for item in fields["sources"].items()]
        self._calls: list[_Measured] = []
        self._size = 0
        for item in fields["calls"].items():
            self._calls.append(self._call(item))
        self._tensors = [self._tensor(item) for item in fields["tensors"].items()]

    def _referred(self, place: Place, table: list[Any], noun: str) -> Any:
        return (
            table[place.integer(0, len(table) - 1)] if table else place.fail(f"there is no {noun}")
        )

    def _source(self, place: Place) -> Source | None:
        return None if place.is_null else self._referred(place, self._sources, "source")

    # --- expressions ---

    def _call(self, place: Place) -> _Measured:
        fields = place.fields(("call", "of"))
        op = fields["call"].one_of(CALLS, "operator")
        function = CALLS[op]
        arguments = [self._expression(arg) for arg in fields["of"].items(*function.arity)]
        kinds = function.kinds(len(arguments))
        _require_integers(
            fields["of"],
            (a for kind, a in zip(kinds, arguments, strict=True) if kind == "integer"),
        )
        size = 1 + sum(a.size for a in arguments)
        depth = 1 + max(a.depth for a in arguments)
        self._size += size
        if depth > DEEPEST:
            place.fail(f"calls in calls, more than {DEEPEST} deep")
        if size > LARGEST_CALL or self._size > LARGEST_CALLS:
            place.fail("the expression is too large, with what it refers to")
        call = Call(op, tuple(a.poly for a in arguments))
        return _Measured(call, size, depth, frozenset().union(*(a.names for a in arguments)))

    def _expression(self, place: Place) -> _Expression:
        """A polynomial in normal form: a list of terms, which are lists too."""
        terms: dict[Monomial, Rational] = {}
        found = _Expression(size=1)
        for item in place.items(0, MOST_TERMS):
            first, *powers = item.items(1, 200)
            coefficient = _coefficient(first)
            monomial: list[tuple[Atom, int]] = []
            for pair in powers:
                base, exponent = pair.items(2, 2)
                measured = self._atom(base)
                if monomial and not monomial[-1][0].key < measured.atom.key:
                    base.fail("factors are not in order, or one is given twice")
                if exponent.integer(-LARGEST_EXPONENT, LARGEST_EXPONENT) == 0:
                    exponent.fail("an exponent of 0")
                monomial.append((measured.atom, exponent.value))
                found.add(measured)
            if tuple(monomial) in terms:
                item.fail("a term is given twice")
            terms[tuple(monomial)] = coefficient
            found.size += 1 + _digits(coefficient)
        found.poly = Poly(terms)
        if len(terms) > 1 or any(
            abs(c) != 1 or len(m) > 1 or m[0][1] != 1 for m, c in terms.items() if m
        ):
            _require_integers(place, [found])  # arithmetic of floats is calls
        return found

    def _atom(self, place: Place) -> _Measured:
        if type(place.value) is int:
            measured: _Measured = self._referred(place, self._calls, "call before this one")
            return measured
        name = place.name()
        if name.startswith(INDEX):  # the index of a loop, which its tensors alone have
            return _Measured(Variable(name), 1, 0, frozenset([name]))
        if name not in self._symbols:
            place.fail(f"there is no symbol {name!r}")
        return _Measured(self._symbols[name], 1, 0, frozenset())

    def poly(self, place: Place, indices: Iterable[str] = (), integer: bool = True) -> Poly:
        """An expression in the symbols, and in these indices of loops."""
        found = self._expression(place)
        if not found.names <= set(indices):
            place.fail(f"the index {min(found.names)!r} is of no loop that this is in")
        if integer:
            _require_integers(place, [found])
        return found.poly

    def condition(self, place: Place, indices: Iterable[str] = ()) -> Condition:
        fields = place.fields(("op", "left", "right"))
        left, right = (self.poly(fields[side], indices, False) for side in ("left", "right"))
        return Condition(fields["op"].one_of(CHOICES.values(), "comparison"), left, right)

    # --- tensors ---

    def _tensor(self, place: Place) -> TensorSpec:
        fields = place.fields(
            ("name", "shape", "dtype", "itemsize", "kind", "trainable", "source", "operation"),
            ("repeats", "total"),
        )
        repeats: list[Repeat] = []
        indices: list[str] = []
        if "repeats" in fields:
            for item in fields["repeats"].items(1, 20):
                repeats.append(self._repeat(item, indices))
                indices.append(repeats[-1].index)
        shape = _optional(
            fields["shape"], lambda here: tuple(self.poly(n, indices) for n in here.items(0, 100))
        )
        total = self.poly(fields["total"]) if "total" in fields else None
        if shape is None and total is not None:
            fields["total"].fail("a total of a tensor whose shape is not known")
        if shape is not None and total is None:
            if repeats:
                place.fail("a tensor of a loop has a total")
            if math.prod(len(size.terms) for size in shape) > MOST_TERMS:
                fields["shape"].fail(f"its product has more than {MOST_TERMS} terms")
        return TensorSpec(
            fields["name"].text(),
            shape,
            fields["dtype"].name(),
            fields["itemsize"].integer(0, 1_000_000),
            fields["kind"].one_of(_KINDS, "kind of tensor"),
            fields["trainable"].boolean(),
            self._source(fields["source"]),
            fields["operation"].text(),
            tuple(repeats),
            total,
        )

    def _repeat(self, place: Place, outer: list[str]) -> Repeat:
        fields = place.fields(("index", "count", "when"))
        index = fields["index"].name()
        if not index.startswith(INDEX) or index in outer:
            fields["index"].fail(f"{index!r} is no index: a name of its own that starts with @")

        def leaf(item: Place) -> int:
            return item.integer(0, 1)

        def choice(item: Place, condition: Place, then: Any, otherwise: Any) -> Choice:
            return Choice(self.condition(condition, [*outer, index]), then, otherwise)

        when = _tree(fields["when"], leaf, choice, ("if", "then", "else"))
        return Repeat(index, self.poly(fields["count"], outer), when)

    # --- the tree ---

    def tree(self, place: Place) -> Tree:
        """The decision tree, of which each entry has the sides that come before it."""
        found: Tree = _tree(
            place, self._leaf, self._split, ("if", "words", "source", "then", "else")
        )
        return found

    def _split(self, place: Place, condition: Place, then: Tree, otherwise: Tree) -> Split:
        here = self.condition(condition)
        words = place.fields(place.value)["words"].items(2, 2)
        self.words[here] = words[0].text(), words[1].text()
        return Split(
            here, self._source(Place(place.value["source"], "source", place)), then, otherwise
        )

    def _leaf(self, place: Place) -> Any:
        if type(place.value) is not dict or "leaf" not in place.value:
            place.fail("this is neither a split, with an 'if', nor a leaf, with a 'leaf'")
        kind = Place(place.value["leaf"], "leaf", place).one_of(_LEAVES, "leaf")
        fields = place.fields(("leaf", *_LEAVES[kind]))
        if kind == "built":
            return self._built(fields["tensors"])
        if kind == "refused":
            return Refused(
                fields["kind"].name(),
                fields["message"].text(),
                self._source(fields["source"]),
                _point(fields["at"]),
            )
        if kind == "excluded":
            return Excluded(fields["problem"].text(), _optional(fields["substitution"], _pair))
        return _PLAIN_LEAVES[kind]()

    def _built(self, place: Place) -> Built:
        weights = [self._referred(t, self._tensors, "tensor") for t in place.items()]
        terms = {monomial for w in weights if w.total is not None for monomial in w.total.terms}
        bounds = sum(
            math.prod(len(size.terms) for size in w.shape)
            for w in {id(w): w for w in weights}.values()
            if w.total is None and w.shape is not None and any(len(s.terms) > 1 for s in w.shape)
        )
        if len(terms) + bounds > 100 * MOST_TERMS:
            place.fail("the sum of these tensors has too many terms")
        return Built(tuple(weights), None)

    # --- the certificate ---

    def certificate(self, place: Place) -> Certificate:
        fields = place.fields(
            ("grade", "reason", "paths", "refused_paths", "points", "concretisations", "harmless",
             "substituted")
        )  # fmt: skip
        return Certificate(
            _GRADES[fields["grade"].one_of(_GRADES, "grade")],
            fields["reason"].text(),
            fields["paths"].integer(0),
            fields["refused_paths"].integer(0),
            tuple(_point(point) for point in fields["points"].items()),
            self._concretisations(fields["concretisations"]),
            self._concretisations(fields["harmless"]),
            tuple(_pair(pair) for pair in fields["substituted"].items()),
        )

    def _concretisations(self, place: Place) -> tuple[Concretisation, ...]:
        return tuple(self._concretisation(item) for item in place.items())

    def _concretisation(self, place: Place) -> Concretisation:
        fields = place.fields(("kind", "symbols", "value", "source"))
        value = fields["value"]
        source = self._source(fields["source"])
        if source is None:
            fields["source"].fail("a line of source is to be here")
        return Concretisation(
            fields["kind"].text(),
            tuple(name.name() for name in fields["symbols"].items()),
            float(value.one_of(("inf", "-inf", "nan"), "number"))
            if type(value.value) is str
            else _optional(value, Place.number),
            source,
        )


class _Measured:
    """An atom, how large and deep it is with what it refers to, and the loops it is of."""

    __slots__ = ("atom", "depth", "names", "size")

    def __init__(self, atom: Atom, size: int, depth: int, names: frozenset[str]) -> None:
        self.atom = atom
        self.size = size
        self.depth = depth
        self.names = names


class _Expression:
    """A polynomial, measured likewise."""

    poly: Poly

    def __init__(self, size: int) -> None:
        self.size = size
        self.depth = 0
        self.names: frozenset[str] = frozenset()

    def add(self, factor: _Measured) -> None:
        self.size += factor.size
        self.depth = max(self.depth, factor.depth)
        self.names |= factor.names


_LEAVES: dict[str, tuple[str, ...]] = {
    "built": ("tensors",),
    "refused": ("kind", "message", "source", "at"),
    "excluded": ("problem", "substitution"),
    "unexplored": (),
    "unreachable": (),
    "inexact": (),
}
_PLAIN_LEAVES: dict[str, Callable[[], Any]] = {
    "unexplored": Unexplored,
    "unreachable": Unreachable,
    "inexact": Inexact,
}


def _tree(
    place: Place,
    leaf: Callable[[Place], Any],
    split: Callable[[Place, Place, Any, Any], Any],
    needed: tuple[str, ...],
) -> Any:
    """The last entry of a list whose entries refer to ones before; each is referred to once."""
    made: list[Any] = []
    depths: list[int] = []
    waiting: set[int] = set()

    for index, item in enumerate(place.items(1)):
        if type(item.value) is dict and "if" in item.value:
            fields = item.fields(needed)
            sides = []
            for name in ("then", "else"):
                side = fields[name].integer(0, index - 1)
                if side not in waiting:
                    fields[name].fail(f"{side} is a side of another split already")
                waiting.remove(side)
                sides.append(side)
            then, otherwise = sides
            depths.append(1 + max(depths[then], depths[otherwise]))
            if depths[-1] > DEEPEST_TREE:
                item.fail(f"splits in splits, more than {DEEPEST_TREE} deep")
            made.append(split(item, fields["if"], made[then], made[otherwise]))
        else:
            made.append(leaf(item))
            depths.append(0)
        waiting.add(index)
    if len(waiting) > 1:
        place.fail(f"entry {min(waiting)} is a side of no split")
    return made[-1]


def _coefficient(place: Place) -> Rational:
    if type(place.value) is not list:
        if place.integer() == 0:
            place.fail("a coefficient of 0")
        return int(place.value)
    top, bottom = place.items(2, 2)
    if bottom.integer(2) and math.gcd(top.integer(), bottom.value) != 1:
        place.fail("the fraction is not in its lowest terms")
    return Fraction(top.value, bottom.value)


def _digits(value: Rational) -> int:
    return (abs(value.numerator) | value.denominator).bit_length() // 64


def _require_integers(place: Place, expressions: Iterable[_Expression]) -> None:
    for found in expressions:
        if has_floats(found.poly):
            place.fail("a float stands where an integer is needed")
