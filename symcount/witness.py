"""Check stored formulas again without symcount: `python witness.py formulas.json [NAME...]`.

This file needs the standard library alone, reads the stored format itself, and shares no arithmetic
with what wrote it. It computes at points: each leads to one leaf of the tree, to none that is said
to be out of reach; the closed form of a loop is the sum of its iterations; modules that were built
have as many parameters. And it gives the claims of a formula, scripts in SMT-LIB 2, to z3 and cvc5,
as far as these are installed: their declarations and assertions, and nothing else.
"""

from __future__ import annotations

import json
import math
import operator
import random
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from importlib.util import find_spec
from typing import Any

POINTS, SECONDS, _MOST_ITERATIONS, _MOST_BITS = 40, 2.0, 2_000, 2**20

# --- arithmetic -------------------------------------------------------------------------------

_OF_MATH = (
    "acos acosh asin asinh atan atanh cos cosh degrees erf erfc exp expm1 fabs gamma lgamma log "
    "log10 log1p log2 radians sin sinh sqrt tan tanh atan2 copysign fmod remainder hypot"
)
INTEGERS: dict[str, Callable[..., Any]] = {
    "floor": math.floor, "floordiv": operator.floordiv, "mod": operator.mod, "max": max,
    "min": min, "abs": abs, "and": operator.and_, "or": operator.or_, "xor": operator.xor,
    "gcd": math.gcd, "lcm": math.lcm, "isqrt": math.isqrt, "round_digits": round,
    "bit_length": int.bit_length, "bit_count": lambda n: bin(n).count("1"), "pow": operator.pow,
    "factorial": math.factorial, "comb": math.comb, "perm": math.perm,
}  # fmt: skip
DOUBLES: dict[str, Callable[..., Any]] = {
    "trunc": int, "floor_float": math.floor, "ceil_float": math.ceil, "round": round,
    "fadd": operator.add, "fmul": operator.mul, "fdiv": operator.truediv, "fabs_py": abs,
    "ffloordiv": operator.floordiv, "fmod_py": operator.mod, "fpow": math.pow,
    "fround": lambda value, digits: round(value, int(digits)), "math_pow": math.pow,
    "log_base": math.log, **{name: getattr(math, name) for name in _OF_MATH.split()},
}  # fmt: skip
_COMPARE = {name: getattr(operator, name) for name in ("eq", "ge", "lt", "le")}


def _called(op: str, args: list[Any]) -> Any:
    if op in ("pow", "factorial", "comb", "perm") and (
        args[-1] < 0 or abs(args[0]).bit_length() * args[-1] > _MOST_BITS
    ):
        raise ArithmeticError(f"{op} of {args} is not computed")
    if op == "truediv":
        return operator.truediv(*(a if type(a) is int else float(a) for a in args))
    return INTEGERS[op](*args) if op in INTEGERS else DOUBLES[op](*map(float, args))


class Wrong(Exception):
    """A formula contradicts itself, or what was built."""


class Stored:
    """A formula of a file, as it stands there."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.calls, self.tensors, self.tree = (document[k] for k in ("calls", "tensors", "tree"))
        self.symbols, self.certificate = document["symbols"], document["certificate"]
        self.is_rewritten = not document.get("origin", 1) or self.certificate.get("substituted")
        for place, node in enumerate(self.tree):
            if "if" in node and not 0 <= min(node["then"], node["else"]) < place:
                raise IndexError(f"entry {place} of its tree is no tree")

    def number(self, terms: list[Any], known: dict[Any, Any]) -> Any:
        """Compute an expression; `known` are the values of symbols, and of calls done already."""
        if len(terms) == 1 and terms[0][0] in (1, -1) and [e for _, e in terms[0][1:]] == [1]:
            return terms[0][0] * self.atom(terms[0][1][0], known)  # which may be a double
        total: Any = 0
        for coefficient, *powers in terms:
            term = Fraction(*coefficient) if type(coefficient) is list else coefficient
            for base, exponent in powers:
                value = self.atom(base, known)
                term *= value**exponent if exponent > 0 else Fraction(1, value**-exponent)
            total += term
        return int(total) if type(total) is Fraction and total.denominator == 1 else total

    def atom(self, base: str | int, known: dict[Any, Any]) -> Any:
        """Compute a symbol or a call."""
        if base not in known:
            call, of = self.calls[base]["call"], self.calls[base]["of"]
            if call.startswith("if_"):
                side = _COMPARE[call[3:]](*(self.number(each, known) for each in of[:2]))
                known[base] = self.number(of[2 if side else 3], known)
            else:
                known[base] = _called(call, [self.number(each, known) for each in of])
        return known[base]

    def leaf(self, tree: list[Any], known: dict[Any, Any]) -> Any:
        """Follow a tree to the leaf that values lead to."""
        node = tree[-1]
        while type(node) is dict and "if" in node:
            sides = (self.number(node["if"][side], known) for side in ("left", "right"))
            node = tree[node["then" if _COMPARE[node["if"]["op"]](*sides) else "else"]]
        return node

    def parameters(self, leaf: dict[str, Any], point: dict[str, Any]) -> int:
        """Count the parameters of a module; raise `Wrong` if a sum is not that of its terms."""
        total, known, self.iterations = 0, dict[Any, Any](point), _MOST_ITERATIONS
        for tensor in (self.tensors[place] for place in leaf["tensors"]):
            if tensor["shape"] is None:
                continue
            one_by_one = self._added(tensor, point, 0)
            count = self.number(tensor["total"], known) if "total" in tensor else one_by_one
            if one_by_one not in (None, count):
                raise Wrong(f"{tensor['name']} has {count} elements; its loops add {one_by_one}")
            total += count * tensor.get("times", 1) if tensor["kind"] != "buffer" else 0
        return total

    def _added(self, tensor: dict[str, Any], known: dict[Any, Any], depth: int) -> Any:
        """Add up a tensor of all iterations; None if there are too many."""
        if depth == len(tensor.get("repeats", ())):
            memo = dict(known)
            sizes = [self.number(size, memo) for size in tensor["shape"]]
            if tensor["kind"] != "number" and any(type(n) is not int or n < 0 for n in sizes):
                raise Wrong(f"{tensor['name']} has the sizes {sizes}")
            return math.prod(sizes)
        repeat, total = tensor["repeats"][depth], 0
        for number in range(self.number(repeat["count"], dict(known))):
            self.iterations -= 1
            here = {**known, repeat["index"]: number}
            if self.leaf(repeat["when"], dict(here)):
                added = self._added(tensor, here, depth + 1) if self.iterations >= 0 else None
                if added is None:
                    return None
                total += added
        return total


# --- points -----------------------------------------------------------------------------------


def _points(stored: Stored, first: list[Any], draw: random.Random) -> Iterator[dict[str, Any]]:
    """Draw points: each is one where a module was built, with some of its values changed."""
    for _ in range(POINTS):
        point = dict(draw.choice(first)) if first else {}
        for symbol in stored.symbols:
            name = symbol["name"]
            if name not in point or draw.random() < 0.4:
                point[name] = _drawn(symbol, point.get(name, symbol["default"] or 8), draw)
        yield point


def _drawn(symbol: dict[str, Any], near: Any, draw: random.Random) -> Any:
    value = draw.choice((near + 1, near - 1, 2 * near, draw.randint(1, 12), draw.randint(1, 900)))
    if symbol["real"]:
        value = max(value * draw.choice((1.0, 0.3)), symbol["min"], 2.0**-10)
        return float(value if symbol["max"] is None else min(value, symbol["max"]))
    step = symbol["multiple_of"]
    value = max(-(-symbol["min"] // step), -(-int(value) // step)) * step
    return value if symbol["max"] is None else min(value, symbol["max"] // step * step)


def _problems(stored: Stored) -> tuple[int, list[str]]:
    """Compute at points; return at how many the formula holds, and what is wrong."""
    certificate, inside, wrong = stored.certificate, 0, []
    # points of what expressions were put into, or of terms of a sum, are points of another formula
    built = [] if stored.is_rewritten else certificate["points"]
    counts = certificate.get("counts") or [None] * len(built)
    tried = [*zip(built, counts, strict=True)]
    tried += [(point, None) for point in _points(stored, built, random.Random(0))]
    for place, (point, count) in enumerate(tried):
        try:
            leaf = stored.leaf(stored.tree, dict(point))
            found = stored.parameters(leaf, point) if leaf["leaf"] == "built" else None
            inside += found is not None
            if leaf["leaf"] == "unreachable":
                raise Wrong("no values are said to lead here")
            if place < len(built) and (found is None or count not in (None, found)):
                raise Wrong(f"it counts {found} parameters, a module that was built has {count}")
        except (ArithmeticError, ValueError) as error:  # as the factory raises, elsewhere
            wrong += [f"{error} at {point}"] if place < len(built) else []
        except Wrong as error:
            wrong.append(f"{error} at {point}")
    left_out = sum(node.get("leaf") == "unreachable" for node in stored.tree)
    covered = sum(kind == "cover" for kind, *_ in certificate.get("claims", ()))
    if "claims" in certificate and not stored.is_rewritten and left_out > covered:
        wrong.append(f"{left_out} paths are left out, and claims cover {covered} of them")
    return inside, wrong


# --- claims -----------------------------------------------------------------------------------


def _ask_z3(script: str, seconds: float) -> str:
    import z3

    solver = z3.Solver(ctx=z3.Context())
    solver.set(rlimit=int(4_000_000 * seconds), timeout=int(8_000 * seconds))
    solver.from_string(script)
    return str(solver.check())


def _ask_cvc5(script: str, seconds: float) -> str:
    import cvc5

    solver = cvc5.Solver()
    solver.setOption("tlimit-per", str(int(1000 * seconds)))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, script, "claim")
    said = ""
    while not (command := parser.nextCommand()).isNull():
        said = str(command.invoke(solver, parser.getSymbolManager())).strip()
    return said


_COMMANDS = ("set-logic", "declare-const", "assert", "check-sat")
SOLVERS: dict[str, Callable[[str, float], str]] = {"z3": _ask_z3, "cvc5": _ask_cvc5}


def asked(script: str, solver: str, seconds: float = SECONDS) -> str:
    """Return what a solver says: `unsat`, which proves a claim, `sat`, `unknown`, or an error."""
    body, depth = re.sub(r";[^\n]*", "", script), 0
    is_plain = not set('"|') & set(body)  # where a bracket might be none
    for bracket, head in re.findall(r"([()])\s*([\w-]*)", body):
        is_plain &= depth > 0 or (bracket == "(" and head in _COMMANDS)
        depth += 1 if bracket == "(" else -1
    if depth or not is_plain:
        return "error: it holds more than declarations and assertions"
    try:
        return SOLVERS[solver](body, seconds)
    except Exception as error:
        return f"error: {error}"


@dataclass
class Report:
    """Say at how many points a formula holds, which claims are proved, by solver, and what is not.

    `unknown` are the claims that no solver proves; `wrong` is what contradicts the formula.
    """

    name: str
    claims: int = 0
    holds: int = 0
    proved: dict[str, int] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        proved = "".join(f", {number} proved by {name}" for name, number in self.proved.items())
        lines = [f"{self.name}: holds at {self.holds} points; {self.claims} claims{proved}"]
        lines += [f"  unknown: {claim}" for claim in self.unknown]
        return "\n".join([*lines, *(f"  WRONG: {what}" for what in self.wrong)])


def checked(document: dict[str, Any], seconds: float = SECONDS) -> Report:
    """Check one formula of a file."""
    solvers = [name for name in SOLVERS if find_spec(name)]
    report = Report(str(document.get("name")), proved=dict.fromkeys(solvers, 0))
    try:
        report.holds, report.wrong = _problems(Stored(document))
        for kind, is_exact, meaning, lines in document["certificate"].get("claims", []):
            report.claims += 1
            script = "\n".join(document["lines"][place] for place in lines)
            answers = {s: asked(script, s, seconds) if script else "not written" for s in solvers}
            report.proved = {s: report.proved[s] + (answers[s] == "unsat") for s in solvers}
            said = ", ".join(f"{solver}: {answer}" for solver, answer in answers.items())
            if is_exact and "sat" in answers.values():
                report.wrong.append(f"{kind}: {meaning} ({said})")
            elif "unsat" not in answers.values():
                report.unknown.append(f"{kind}: {meaning} ({said or 'no solver is installed'})")
    except Exception as error:
        report.wrong.append(f"it is malformed: {type(error).__name__}: {error}")
    return report


def reports(path: str, names: Sequence[str] = (), seconds: float = SECONDS) -> Iterator[Report]:
    """Check the formulas of a file, or some; raise `ValueError` if it is none, or has not these."""
    with open(path, encoding="utf-8") as file:
        documents = json.load(file)
    if type(documents) is not dict or documents.get("format") != "symcount formulas":
        raise ValueError("this is no file of formulas")
    found = {document.get("name"): document for document in documents["formulas"]}
    for name in names or found:
        if name not in found:
            raise ValueError(f"it has no formula {name!r}")
        yield checked(found[name], seconds)


def main() -> int:
    """Check a file, and return 1 if anything is wrong with it."""
    is_wrong = False
    for report in reports(sys.argv[1], sys.argv[2:]):
        is_wrong |= bool(report.wrong)
        print(report)
    return int(is_wrong)


if __name__ == "__main__":
    sys.exit(main())
