"""Formulas as documents: plain numbers, texts, lists and objects, which `unpacking` reads.

Whatever is shared is written once, in a table, and referred to by its place there. References lead
back, to what has been read already, so a reader needs no recursion.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from symcount.algebra.conditions import Condition
from symcount.algebra.poly import Atom, Call, Poly, Rational, Variable
from symcount.errors import ArgumentError, InternalError, StoredFormulaError
from symcount.factory.origin import Opaque, Origin, portable
from symcount.formula.choice_trees import Choice
from symcount.formula.tree import (
    Built,
    Excluded,
    Inexact,
    Leaf,
    Refused,
    Repeat,
    Split,
    TensorSpec,
    Tree,
    Unexplored,
    Unreachable,
)
from symcount.storage import reading
from symcount.storage.strict_json import LONGEST_NAME

if TYPE_CHECKING:
    from symcount.formula.certificate import Certificate
    from symcount.formula.formula import Formula
    from symcount.formula.measure import Measure
    from symcount.record import Concretisation, Source
    from symcount.symbols import Hyperparameter


def save(path: str | Path, formulas: Mapping[str, Formula]) -> None:
    """Write formulas to a file; see `symcount.save`."""
    from symcount.storage import atomic

    atomic.replace(Path(path), written(formulas))


def written(formulas: Mapping[str, Formula]) -> str:
    """The text of the file that `save` writes."""
    lines = []
    for name, count in formulas.items():
        _require(name, count)
        lines.append(_line(name, _with_statements(count)))
    return reading.HEAD + ",\n".join(lines) + reading.TAIL


def _require(name: object, count: object) -> None:
    if not (isinstance(name, str) and name.isprintable() and 0 < len(name) <= LONGEST_NAME):
        raise ArgumentError(
            f"save(): {name!r:.100} is no name for a formula; use a text of one line"
        )
    if not hasattr(count, "hyperparameters"):
        raise ArgumentError(f"save(): {name!r} is {count!r:.100}, which is no formula")


def _with_statements(count: Formula) -> Formula:
    """The formula with the statements that its factory is made of, where they can be looked up."""
    if count.origin is None or count.origin.statements:
        return count
    from symcount.factory.source import statements_of

    statements = statements_of(count.origin.target, count.origin.config)
    return replace(count, origin=replace(count.origin, statements=statements))


def _line(name: str, count: Formula) -> str:
    try:
        packed = document(name, count)
        text = json.dumps(packed, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        read = reading.unpacked(text, f"save() of {name!r}:")
        again = replace(count, measure=type(count.measure)(**read.measure), **read.fields)
        same = again == count and packed == {**packed, **_tables(again)}
    except StoredFormulaError:
        raise
    except RecursionError:
        raise StoredFormulaError(f"save(): {name!r} is nested too deeply to be stored") from None
    except (TypeError, ValueError) as error:
        raise StoredFormulaError(f"save(): {name!r} cannot be stored: {error}") from error
    if not same:
        raise InternalError(f"save(): {name!r} is not what it was when it is read back")
    return text


def document(name: str, count: Formula) -> dict[str, Any]:
    """A formula as a document; its `formula` and `domain` are for people, and never read."""
    formula, domain = _captions(count)
    about = {"name": name, "factory": count.factory, "formula": formula, "domain": domain}
    return {**about, **_tables(count)}


def _captions(count: Formula) -> tuple[str, str]:
    return str(count), str(count.domain)


def _tables(count: Formula) -> dict[str, Any]:
    """All that a formula is made of."""
    packer = _Packer(count)
    tree = packer.tree(count.tree)
    certificate = packer.certificate(count.certificate)
    return {
        "origin": None if count.origin is None else _origin(count.origin),
        "symbols": [_symbol(h) for h in count.hyperparameters],
        "fixed": [list(pair) for pair in count.fixed],
        "measure": _measure(count.measure),
        "certificate": certificate,
        "sources": packer.sources,
        "calls": packer.calls,
        "tensors": packer.tensors,
        "tree": tree,
    }


def _symbol(h: Hyperparameter) -> dict[str, Any]:
    return {
        "name": h.name,
        "real": h.real,
        "min": h.minimum,
        "max": h.maximum,
        "multiple_of": h.multiple_of,
        "default": h.default,
        "arguments": list(h.arguments),
    }


def _measure(measure: Measure) -> dict[str, Any]:
    return {
        "kind": measure.kind,
        "trainable": measure.trainable,
        "dtype": measure.dtype,
        "names": None if measure.names is None else list(measure.names),
        "in_bytes": measure.in_bytes,
    }


def _origin(origin: Origin) -> dict[str, Any]:
    return {
        "target": origin.target,
        "config": origin.config,
        "given": [[name, _value(value)] for name, value in origin.given],
        "symbols": [_symbol(h) for h in origin.hyperparameters],
        "symcount": origin.symcount,
        "torch": origin.torch,
        "max_paths": origin.max_paths,
        "max_seconds": origin.max_seconds,
        "statements": [
            [statement.file, statement.name, statement.line, "".join(statement.digests)]
            for statement in origin.statements
        ],
    }


def _value(value: Any) -> Any:
    if isinstance(value, Opaque):
        return {"text": value.text[:LONGEST_NAME]}
    if isinstance(value, list | tuple):
        return {type(value).__name__: [_value(v) for v in value]}
    return value


def _rational(value: Rational) -> Any:
    return [value.numerator, value.denominator] if isinstance(value, Fraction) else value


class _Packer:
    """The tables of one formula."""

    def __init__(self, count: Formula) -> None:
        self.words = count.words
        self.sources: list[list[Any]] = []
        self.calls: list[dict[str, Any]] = []
        self.tensors: list[dict[str, Any]] = []
        self._sources: dict[Source, int] = {}
        self._calls: dict[Call, int] = {}
        self._tensors: dict[TensorSpec, int] = {}
        self._said: dict[Condition, list[str]] = {}

    def source(self, source: Source | None) -> int | None:
        if source is None:
            return None
        if source not in self._sources:
            self._sources[source] = len(self.sources)
            self.sources.append([portable(source.file), source.line, source.function])
        return self._sources[source]

    # --- expressions ---

    def poly(self, poly: Poly) -> list[Any]:
        return [
            [_rational(coefficient), *([self.atom(base), power] for base, power in monomial)]
            for monomial, coefficient in poly.sorted_terms()
        ]

    def atom(self, base: Atom) -> str | int:
        if isinstance(base, Variable):
            return base.name
        if base not in self._calls:
            packed = {"call": base.op, "of": [self.poly(arg) for arg in base.args]}
            self._calls[base] = len(self.calls)
            self.calls.append(packed)
        return self._calls[base]

    def condition(self, condition: Condition) -> dict[str, Any]:
        left, right = self.poly(condition.left), self.poly(condition.right)
        return {"op": condition.op, "left": left, "right": right}

    def _in_words(self, condition: Condition) -> list[str]:
        if condition not in self._said:
            self._said[condition] = list(self.words.get(condition) or _in_words(condition))
        return self._said[condition]

    # --- tensors ---

    def tensor(self, weight: TensorSpec) -> int:
        if weight not in self._tensors:
            packed: dict[str, Any] = {
                "name": weight.name,
                "shape": None if weight.shape is None else [self.poly(n) for n in weight.shape],
                "dtype": weight.dtype,
                "itemsize": weight.itemsize,
                "kind": weight.kind,
                "trainable": weight.trainable,
                "source": self.source(weight.source),
                "operation": weight.operation,
            }
            if weight.repeats:
                packed["repeats"] = [self._repeat(repeat) for repeat in weight.repeats]
            if weight.total is not None:
                packed["total"] = self.poly(weight.total)
            self._tensors[weight] = len(self.tensors)
            self.tensors.append(packed)
        return self._tensors[weight]

    def _repeat(self, repeat: Repeat) -> dict[str, Any]:
        when: list[Any] = []

        def place(tree: Any) -> int:
            if isinstance(tree, Choice):
                then, otherwise = place(tree.then), place(tree.otherwise)
                condition = self.condition(tree.condition)
                when.append({"if": condition, "then": then, "else": otherwise})
            else:
                when.append(tree)
            return len(when) - 1

        place(repeat.when)
        return {"index": repeat.index, "count": self.poly(repeat.count), "when": when}

    # --- the tree ---

    def tree(self, tree: Tree) -> list[dict[str, Any]]:
        packed: list[dict[str, Any]] = []

        def place(node: Tree) -> int:
            if isinstance(node, Split):
                then, otherwise = place(node.then), place(node.otherwise)
                split: dict[str, Any] = {
                    "if": self.condition(node.condition),
                    "words": self._in_words(node.condition),
                    "source": self.source(node.source),
                    "then": then,
                    "else": otherwise,
                }
                packed.append(split)
            else:
                packed.append(self.leaf(node))
            return len(packed) - 1

        place(tree)
        return packed

    def leaf(self, leaf: Leaf) -> dict[str, Any]:
        if isinstance(leaf, Built):
            return {"leaf": "built", "tensors": [self.tensor(w) for w in leaf.weights]}
        if isinstance(leaf, Refused):
            return {
                "leaf": "refused",
                "kind": leaf.kind,
                "message": leaf.message,
                "source": self.source(leaf.source),
                "at": dict(leaf.hints),
            }
        if isinstance(leaf, Excluded):
            substitution = None if leaf.substitution is None else list(leaf.substitution)
            return {"leaf": "excluded", "problem": leaf.problem, "substitution": substitution}
        return {"leaf": _PLAIN_LEAVES[type(leaf)]}

    # --- the certificate ---

    def certificate(self, certificate: Certificate) -> dict[str, Any]:
        return {
            "grade": certificate.grade,
            "reason": certificate.reason,
            "paths": certificate.paths,
            "refused_paths": certificate.refused_paths,
            "points": [dict(point) for point in certificate.points],
            "concretisations": self._concretisations(certificate.concretisations),
            "harmless": self._concretisations(certificate.harmless),
            "substituted": [list(pair) for pair in certificate.substituted],
        }

    def _concretisations(self, all_of_them: Sequence[Concretisation]) -> list[dict[str, Any]]:
        return [
            {
                "kind": c.kind,
                "symbols": list(c.symbols),
                "value": c.value if c.value is None or math.isfinite(c.value) else str(c.value),
                "source": self.source(c.source),
            }
            for c in all_of_them
        ]


_PLAIN_LEAVES: Mapping[type, str] = {
    Unexplored: "unexplored",
    Unreachable: "unreachable",
    Inexact: "inexact",
}


def _in_words(condition: Condition) -> tuple[str, str]:
    from symcount.formula import sympy_form

    holds, fails = (
        sympy_form.text(sympy_form.condition(condition, truth)) for truth in (True, False)
    )
    return holds, fails
