"""SQL: a formula as a query over a table of sizes, exactly, in the integers that a dialect has.

The table is called `sizes` and has a column for each symbol. The query returns these columns and
the count, NULL outside the domain. A symbol with a default may be NULL, which stands for it.
Integers are HUGEINT in DuckDB, NUMERIC in PostgreSQL, DECIMAL(38, 0) in Spark and BIGNUMERIC in
BigQuery. What does not fit is an error of the database; in Spark without ANSI mode it is NULL, and
never another number.

Float steps are written for DuckDB, where tests compare them with Python, and refused elsewhere.
sqlglot parses each query in its dialect, lays it out and quotes the names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from symcount.algebra.code_writer import Language, Writer
from symcount.algebra.facts import Facts
from symcount.algebra.functions import CALLS, CHOICES, INTEGERS
from symcount.algebra.poly import Call, fraction
from symcount.errors import ArgumentError, MissingDependencyError
from symcount.export.languages.captions import about, string
from symcount.formula.formula import Formula
from symcount.formula.tree import Split

if TYPE_CHECKING:
    from symcount.formula.entry import Entry
    from symcount.symbols import Hyperparameter

_COMPARISONS = {"eq": "{0} = {1}", "ge": "{0} >= {1}", "lt": "{0} < {1}", "le": "{0} <= {1}"}
_NO_INTEGER = "there is no such function of large integers that is exact"
_NO_DOUBLE = "steps of float arithmetic are not checked against Python's there"


def _extremum(name: str) -> str:
    # Some dialects pass over NULL in them, which is to mean that there is no value.
    unknown = "({0}) IS NULL OR ({1}) IS NULL"
    return f"CASE WHEN {unknown} THEN NULL ELSE {name}({{0}}, {{1}}) END"


def _language(name: str, mod: str, floordiv: str, literal: Callable[[int], str]) -> Language:
    """A dialect from its remainder of the sign of the dividend, and its exact quotient.

    `floordiv` is given a dividend that the divisor divides. Python's remainder has the sign of the
    divisor.
    """
    divisor = "NULLIF({1}, 0)"
    rest = mod.format("{0}", divisor)
    opposite = f"{rest} <> 0 AND ({rest} < 0) <> ({{1}} < 0)"
    signed = f"CASE WHEN {opposite} THEN {rest} + ({{1}}) ELSE {rest} END"
    calls = {
        "mod": signed,
        "floordiv": floordiv.format(f"({{0}}) - ({signed})", divisor),
        "max": _extremum("GREATEST"),
        "min": _extremum("LEAST"),
        "abs": "ABS({0})",
    }
    calls["floor"] = calls["floordiv"]
    return Language(
        name=name,
        calls=calls,
        refused={
            op: _NO_INTEGER if CALLS[op].takes == INTEGERS else _NO_DOUBLE
            for op in CALLS.keys() - CHOICES - calls.keys()
        },
        integer=literal,
        double=lambda value: f"CAST('{value!r}' AS DOUBLE)",
        power=lambda name, exponent: "(" + " * ".join([name] * exponent) + ")",
        quotient="(" + floordiv.format("{0}", divisor) + ")",
        nearest="",
        to_double="",
        whole_or_nearest=None,
        comparisons=_COMPARISONS,
        exact={},
        exact_comparisons=_COMPARISONS,
        choice="CASE WHEN {test} THEN {then} WHEN NOT ({test}) THEN {otherwise} END",
        negated="NOT ({test})",
        assign="",
        branch=("", None),
        result="",
    )


def _finite(text: str) -> str:
    """A double, or an error: DuckDB compares what is infinite or no number in its own way."""
    return (
        f"CASE WHEN ISFINITE({text}) THEN {text} WHEN ({text}) IS NOT NULL THEN "
        "CAST(error('a double is infinite') AS DOUBLE) END"
    )


def _checked_double(text: str) -> str:
    """An integer as a double, or an error where DuckDB might round it otherwise than Python."""
    return (
        f"CASE WHEN ABS({text}) <= 9007199254740992 THEN CAST({text} AS DOUBLE) "
        f"WHEN ({text}) IS NOT NULL THEN CAST(error('an integer is too large for a double') "
        "AS DOUBLE) END"
    )


def _checked_integer(text: str) -> str:
    return (
        f"CASE WHEN ABS({text}) <= 9007199254740992 THEN CAST({text} AS HUGEINT) "
        f"WHEN ({text}) IS NOT NULL THEN CAST(error('a double is too large for an integer') "
        "AS HUGEINT) END"
    )


def _duckdb() -> Language:
    language = _language("DuckDB", "(({0}) % {1})", "(({0}) // {1})", str)
    calls = {
        "fadd": _finite("({0}) + ({1})"),
        "fmul": _finite("({0}) * ({1})"),
        "fdiv": _finite("({0}) / NULLIF({1}, 0)"),
        "truediv": f"({_checked_double('{0}')}) / NULLIF({_checked_double('{1}')}, 0)",
        "fabs": "ABS({0})",
        "fabs_py": "ABS({0})",
        "sqrt": "CASE WHEN ({0}) >= 0 THEN SQRT({0}) END",
        "trunc": _checked_integer("TRUNC({0})"),
        "floor_float": _checked_integer("FLOOR({0})"),
        "ceil_float": _checked_integer("CEIL({0})"),
        "round": _checked_integer("ROUND_EVEN({0}, 0)"),
        "and": "({0}) & ({1})",
        "or": "({0}) | ({1})",
        "xor": "XOR({0}, {1})",
        "pow": (
            "CASE WHEN ({1}) >= 0 THEN LIST_REDUCE(LIST_CONCAT([CAST(1 AS HUGEINT)], "
            "LIST_TRANSFORM(RANGE(CAST({1} AS BIGINT)), lambda i: CAST({0} AS HUGEINT))), "
            "lambda x, y: x * y) WHEN ({1}) < 0 THEN CAST(error('a negative power is a float in "
            "Python') AS HUGEINT) END"
        ),
    }
    return replace(
        language,
        calls={**language.calls, **calls},
        refused={
            op: "DuckDB may compute another last digit" if reason == _NO_DOUBLE else reason
            for op, reason in language.refused.items()
            if op not in calls
        },
        to_double="(" + _checked_double("{0}") + ")",
        nearest=f"(({_checked_double('{0}')}) / NULLIF({_checked_double('{1}')}, 0))",
        exact={"integer": "(" + _checked_double("{0}") + ")", "double": "{0}"},
    )


def _bignumeric(value: int) -> str:
    return str(value) if value < 1 << 63 else f"BIGNUMERIC '{value}'"


@dataclass(frozen=True)
class Dialect:
    """One dialect of SQL: sqlglot's name, how it computes, its types, and what quotes a name."""

    name: str
    language: Language
    natural: Mapping[str, str]
    integer: str
    double: str
    quote: str = '"'

    def render_count(self, count: Formula, title: str | None = None) -> str:
        """A query; see `render_count` of this module."""
        lines = [string(title or count.factory), *map(string, about(count))]
        return "".join(f"-- {line}\n" for line in lines) + self._query(count) + ";\n"

    def render_registry(self, entries: Iterable[Entry]) -> str:
        """A query for each blueprint; one without a formula is a comment."""
        return "\n".join(map(self._of_entry, entries))

    def _of_entry(self, entry: Entry) -> str:
        return entry.written(
            lambda count: self.render_count(count, entry.key),
            lambda reason: f"-- {string(entry.key)}\n-- {string(reason)}\n",
        )

    def _query(self, count: Formula) -> str:
        noun = count.measure.noun.replace(" ", "_")
        while noun in count.signature.names:
            noun += "_"
        return self._laid_out(self.query({noun: count}))

    def query(self, counts: Mapping[str, Formula]) -> str:
        """A query over `sizes` with a column for each symbol, and for each of several formulas.

        The formulas have the same symbols. The query is not laid out, for which sqlglot is needed.
        """
        symbols = next(iter(counts.values())).hyperparameters
        writer = _Query(self.language, [h.name for h in symbols], self.natural)
        values = {name: writer.result(count) for name, count in counts.items()}
        columns = [self.quoted(h.name) for h in symbols]
        rows = [*map(self._symbol, symbols, range(len(symbols)))]
        selected = [f"{column} AS c{index}" for index, column in enumerate(columns)]
        steps = [f"q0 AS (SELECT {', '.join([*selected, *rows])} FROM sizes)"]
        for number, added in enumerate(writer.levels(), start=1):
            new = ", ".join(f"{text} AS {name}" for name, text in added)
            steps.append(f"q{number} AS (SELECT *, {new} FROM q{number - 1})")
        absent = " OR ".join(f"s{index} IS NULL" for index in range(len(symbols))) or "FALSE"
        shown = [f"c{index} AS {column}" for index, column in enumerate(columns)]
        shown += [
            f"CASE WHEN {absent} THEN NULL ELSE {value} END AS {self.quoted(name)}"
            for name, value in values.items()
        ]
        return f"WITH {', '.join(steps)} SELECT {', '.join(shown)} FROM q{len(steps) - 1}"

    def _symbol(self, h: Hyperparameter, index: int) -> str:
        """A column of a symbol: its value as a number of the dialect, NULL if it is none of its."""
        kind, given = self.double if h.real else self.integer, self.quoted(h.name)
        if h.default is not None:
            given = f"COALESCE({given}, {self._bound(h, h.default)})"
        value = f"CAST({given} AS {kind})"
        tests = [] if h.real else [f"{given} = {value}"]
        least = ">" if h.real and not h.minimum else ">="
        tests.append(f"{value} {least} {self._bound(h, h.minimum)}")
        if h.real:
            tests.append(f"{value} < CAST('Infinity' AS {kind})")
        if h.maximum is not None:
            tests.append(f"{value} <= {self._bound(h, h.maximum)}")
        if h.multiple_of > 1:
            rest = self.language.calls["mod"].format(value, self._bound(h, h.multiple_of))
            tests.append(f"({rest}) = 0")
        return f"CASE WHEN {' AND '.join(tests)} THEN {value} END AS s{index}"

    def _bound(self, h: Hyperparameter, value: int | float) -> str:
        if h.real:
            return f"CAST('{float(value)!r}' AS {self.double})"
        return self.language.integer(int(value))

    def quoted(self, name: str) -> str:
        """A name as a column, whatever is in it."""
        return f"{self.quote}{name.replace(self.quote, 2 * self.quote)}{self.quote}"

    def _laid_out(self, query: str) -> str:
        return str(_sqlglot().parse_one(query, read=self.name).sql(dialect=self.name, pretty=True))


def _natural(mod: str, floordiv: str) -> dict[str, str]:
    """Remainder and quotient of numbers that are not negative."""
    quotient = floordiv.format("{0}", "NULLIF({1}, 0)")
    return {"mod": mod.format("{0}", "NULLIF({1}, 0)"), "floordiv": quotient, "floor": quotient}


def _small(value: int) -> str:
    return str(value) if value < 1 << 31 else f"{value}BD"


_MOD, _DIV = "MOD({0}, {1})", "DIV({0}, {1})"
_REST = "(({0}) % {1})"
# A quotient keeps six digits behind the point in Spark, so only one that has none is exact.
_WHOLE_QUOTIENT = "CAST(({0}) / {1} AS DECIMAL(38, 0))"
_QUOTIENT = f"CAST((({{0}}) - {_REST}) / {{1}} AS DECIMAL(38, 0))"

DIALECTS: Mapping[str, Dialect] = {
    dialect.name: dialect
    for dialect in (
        Dialect("duckdb", _duckdb(), _natural(_REST, "(({0}) // {1})"), "HUGEINT", "DOUBLE"),
        Dialect(
            "postgres",
            _language("PostgreSQL", _MOD, _DIV, str),
            _natural(_MOD, _DIV),
            "NUMERIC",
            "DOUBLE PRECISION",
        ),
        Dialect(
            "spark",
            _language("Spark SQL", _REST, _WHOLE_QUOTIENT, _small),
            _natural(_REST, _QUOTIENT),
            "DECIMAL(38, 0)",
            "DOUBLE",
            "`",
        ),
        Dialect(
            "bigquery",
            _language("BigQuery", _MOD, _DIV, _bignumeric),
            _natural(_MOD, _DIV),
            "BIGNUMERIC",
            "FLOAT64",
            "`",
        ),
    )
}


def in_dialect(name: str) -> Dialect:
    """Return the renderer of a dialect.

    Raises:
        ArgumentError: there is no such dialect here.
    """
    if name not in DIALECTS:
        raise ArgumentError(f"dialect={name!r}: use one of {', '.join(DIALECTS)}")
    return DIALECTS[name]


def render_count(count: Formula, title: str | None = None, dialect: str = "duckdb") -> str:
    """A query that counts at each row of the table `sizes`.

    Raises:
        ArgumentError: there is no such dialect here.
        MissingDependencyError: sqlglot is not installed.
        UnsupportedError: the dialect does not compute a step exactly as Python does.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda d: nn.Linear(d, 3))
    >>> print(render_count(count.formula, "head"))  # doctest: +ELLIPSIS
    -- "head"
    -- "Formula: 3*d + 3"
    ...
    WITH q0 AS (
    ...
      FROM sizes
    )
    SELECT
      c0 AS "d",
      CASE WHEN s0 IS NULL THEN NULL ELSE 3 * s0 + 3 END AS "parameters"
    FROM q0;
    """
    return in_dialect(dialect).render_count(count, title)


def render_registry(entries: Iterable[Entry], dialect: str = "duckdb") -> str:
    """A query for each blueprint, as of `render_count`; one without a formula is a comment."""
    return in_dialect(dialect).render_registry(entries)


def _sqlglot() -> Any:
    try:
        import sqlglot
    except ImportError:
        raise MissingDependencyError(
            "SQL is written with sqlglot, which is not installed: pip install 'symcount[sql]'"
        ) from None
    return sqlglot


def _plainer(text: str) -> str:
    """The text of a step without brackets around a name or a number."""
    return re.sub(r"(?<!\w)\((\w+)\)", r"\1", text)


class _Query(Writer):
    """Steps as columns of queries within queries, and a result as one `CASE`.

    A step within a branch is NULL in rows that do not take it, so what it may not compute there is
    not asked of it. A step that is NULL in a row that needs it is undefined there, as in Python.
    """

    def __init__(
        self, language: Language, parameters: Sequence[str], natural: Mapping[str, str]
    ) -> None:
        super().__init__(language, parameters)
        self._natural = natural
        self.steps: list[tuple[str, str]] = []
        self._taken: list[str] = []
        self._open: list[str] = []

    def result(self, count: Formula) -> str:
        """The result of a formula, which shares no steps with another: each has its own rows."""
        self.scopes = [{}]
        return self.case(count.pieces, [])

    def case(self, node: Any, taken: list[str]) -> str:
        """An expression of the result, in rows that have passed the tests of `taken`."""
        arms: list[str] = []
        while isinstance(node, Split):
            self._taken = taken
            test = self.test(node.condition)
            arms += [*self._undefined(), f"WHEN ({test}) IS NULL THEN NULL"]
            self.scopes.append({})
            arms.append(f"WHEN {test} THEN {self.case(node.then, [*taken, test])}")
            self.scopes.pop()
            taken = [*taken, f"NOT ({test})"]
            node = node.otherwise
        self._taken = taken
        value = "NULL" if node is None else self.integer(node)
        arms += self._undefined()
        return f"CASE {' '.join(arms)} ELSE {value} END" if arms else value

    def _call(self, base: Call) -> str:
        sides = fraction(base.args[0]) if base.op == "floor" else base.args
        if base.op in self._natural and all(Facts().at_least(side, 0) for side in sides):
            return _plainer(self._natural[base.op].format(*self.arguments(base)))
        return _plainer(super()._call(base))

    def _undefined(self) -> list[str]:
        found, self._open = [f"WHEN {name} IS NULL THEN NULL" for name in self._open], []
        return found

    def _assign(self, name: str, text: str, is_double: bool) -> None:
        if self._taken:
            text = f"CASE WHEN {' AND '.join(self._taken)} THEN {text} END"
        self.steps.append((name, text))
        self._open.append(name)

    def levels(self) -> list[list[tuple[str, str]]]:
        """The steps in groups, each of which needs only those before it."""
        level: dict[str, int] = {}
        groups: list[list[tuple[str, str]]] = []
        for name, text in self.steps:
            needed = (level[other] for other in re.findall(r"\bt[0-9]+\b", text))
            level[name] = 1 + max(needed, default=-1)
            groups += [[]] * (level[name] == len(groups))
            groups[level[name]] = [*groups[level[name]], (name, text)]
        return groups
