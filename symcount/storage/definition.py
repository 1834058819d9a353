"""Define the stored format, version 1: the one source of its reader, its writer and its schema.

Every part of a document is checked, nothing is executed, and limits hold throughout. Whatever is
shared is written once, in a table, and referred to by its place there. References lead back, to
what has been read already, so reading needs no recursion, and a document within the limits takes
time in proportion to its length.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Sequence
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace
from typing import Any, NamedTuple, get_args

from symcount.algebra.claims import Claim, Kind
from symcount.algebra.conditions import Condition
from symcount.algebra.functions import CALLS, CHOICES, has_floats
from symcount.algebra.poly import Call, Monomial, Poly, Rational, Variable
from symcount.factory.origin import DIGITS, NO_CODE, Opaque, Origin, Statement, portable
from symcount.formula.certificate import Certificate, Grade, Unfinished
from symcount.formula.choice_trees import Choice
from symcount.formula.measure import Measure
from symcount.formula.tree import (
    NO_TENSOR,
    Built,
    Excluded,
    Inexact,
    Refused,
    Repeat,
    Split,
    TensorSpec,
    Unexplored,
    Unreachable,
)
from symcount.record import INDEX, Concretisation, Source
from symcount.storage.codecs import (
    BOOLEAN,
    LONGEST_NAME,
    NAME,
    NUMBER,
    PLACE,
    TEXT,
    Codec,
    Constant,
    Record,
    Table,
    Tables,
    either,
    entries,
    integer,
    list_of,
    nonzero,
    nullable,
    one_of,
    read_at,
    row,
    tagged,
    text,
    tree_of,
)
from symcount.storage.strict_json import MalformedError, decoded
from symcount.symbols import Hyperparameter, RealHyperparameter

FORMAT = "symcount formulas"
VERSION = 1
# Each formula is one line, so that the others need not be read to read it.
HEAD = f'{{\n"format": "{FORMAT}",\n"version": {VERSION},\n"formulas": [\n'
TAIL = "\n]\n}\n"

MOST_FORMULAS = 100_000
LARGEST_EXPONENT = 1_000
DEEPEST = 60  # calls within calls
# Atoms and numbers in a call, with those of the calls in it; and of all calls of a formula.
LARGEST_CALL = 10_000
LARGEST_CALLS = 200_000
MOST_TERMS = 1_000
DEEPEST_VALUE = 20
LONGEST_CAPTION = 4_000_000

PAIR = row(NAME, TEXT).called("pair")
POINT = entries(NUMBER).called("point", "Values of symbols by name.")
TENSOR_KINDS = ("parameter", "buffer")


# --- symbols ------------------------------------------------------------------------------------


def _identifier(name: str, tables: Tables) -> str:
    """Require a name that may stand in code: it is an identifier, and Python reads no other."""
    if (
        not name.isidentifier()
        or name == "__debug__"
        or unicodedata.normalize("NFKC", name) != name
    ):
        raise MalformedError(f"{name!r} is not a Python identifier")
    return name


def _symbol(made: type[Hyperparameter], number: Codec, multiple: Codec) -> Record:
    def natural(number: float, tables: Tables) -> float:
        if number < 0:
            raise MalformedError(f"{number} is too small: no symbol is negative")
        return number

    return Record(
        made,
        {
            "name": NAME.refined(_identifier),
            "real": Constant(made is RealHyperparameter),
            "min": number.refined(natural, limits={"minimum": 0}),
            "max": nullable(number),
            "multiple_of": multiple,
            "default": nullable(number),
            "arguments": list_of(NAME),
        },
        attributes={"min": "minimum", "max": "maximum"},
    )


SYMBOL = tagged(
    "real",
    BOOLEAN,
    {
        False: _symbol(Hyperparameter, integer(), integer(1)),
        True: _symbol(RealHyperparameter, NUMBER, integer(1, 1)),
    },
).called(
    "symbol",
    "A symbol: its least and greatest value, its default, and the parameters of the factory that "
    "have its value. Numbers are integers unless it is real.",
)


def _different(found: tuple[Hyperparameter, ...], tables: Tables) -> tuple[Hyperparameter, ...]:
    names: set[str] = set()
    for index, h in enumerate(found):
        if h.name in names:
            raise MalformedError(f"the symbol {h.name!r} is there already", index)
        names.add(h.name)
    return found


def _declared(found: tuple[Hyperparameter, ...], tables: Tables) -> tuple[Hyperparameter, ...]:
    """Take these for the symbols that expressions are made of."""
    tables.symbols = {h.name: Variable(h.name, h.real, h.least) for h in found}
    return found


SYMBOLS = list_of(SYMBOL, most=200).refined(_different)


# --- where it comes from ------------------------------------------------------------------------


def _item(value: Any, tables: Tables) -> Any:
    if tables.depth == DEEPEST_VALUE:
        raise MalformedError(f"lists in lists, more than {DEEPEST_VALUE} deep")
    tables.depth += 1
    found = GIVEN.read(value, tables)
    tables.depth -= 1
    return found


_LABELS: dict[str, type] = {"text": Opaque, "list": list, "tuple": tuple}
_LABEL_OF = {type_: label for label, type_ in _LABELS.items()}


def _labelled(parts: dict[str, Any], tables: Tables) -> Any:
    if len(parts) != 1:
        raise MalformedError("one of text, list and tuple is to be here")
    ((label, part),) = parts.items()
    return _LABELS[label](part)


ITEMS = list_of(Codec(lambda: GIVEN, _item, lambda value, tables: GIVEN.write(value, tables)))
OPAQUE = TEXT.refined(write=lambda value, _: value.text[:LONGEST_NAME])
LABELLED = Record(
    dict,
    {"text": OPAQUE, "list": ITEMS, "tuple": ITEMS},
    optional=dict.fromkeys(_LABELS),
    make=_labelled,
).refined(
    write=lambda value, _: SimpleNamespace(**{_LABEL_OF[type(value)]: value}),
    limits={"minProperties": 1, "maxProperties": 1},
)
GIVEN: Codec = either(
    nullable(BOOLEAN),
    (str, [str], TEXT),
    (int, [int], NUMBER),
    (float, [float], NUMBER),
    (dict, _LABEL_OF, LABELLED),
).called(
    "value", "A value that was given to the factory; only the text of one that is no plain value."
)


def _digests(text: str, tables: Tables) -> tuple[str, ...]:
    if not _DIGESTS.fullmatch(text):
        raise MalformedError("digests of lines are eight digits each, or eight dots")
    return tuple(text[start : start + DIGITS] for start in range(0, len(text), DIGITS))


_DIGESTS = re.compile(rf"([0-9a-f]{{{DIGITS}}}|{re.escape(NO_CODE)})*")
DIGESTS = text().refined(
    _digests, lambda digests, _: "".join(digests), limits={"pattern": f"^{_DIGESTS.pattern}$"}
)
STATEMENT = row(NAME, NAME, integer(1), DIGESTS).refined(
    lambda parts, _: Statement(*parts), lambda s, _: (s.file, s.name, s.line, s.digests)
)
ORIGIN = Record(
    Origin,
    {
        "target": nullable(NAME),
        "config": nullable(NAME),
        "given": list_of(row(NAME, GIVEN)),
        "symbols": SYMBOLS,
        "symcount": NAME,
        "torch": NAME,
        "max_paths": integer(0),
        "max_seconds": NUMBER,
        "max_work": integer(0),
        "statements": list_of(STATEMENT).called(
            about="The statements that the factory is made of: file, name, first line, and a "
            "digest of each line."
        ),
    },
    attributes={"symbols": "hyperparameters"},
    optional={"max_work": 0},
).called(
    "origin",
    "How it was derived: the factory and the class of its config, what was fixed, the symbols as "
    "declared, the versions, the budget, and digests of the factory's code.",
)
SOURCE = row(TEXT, integer(0), TEXT).called(
    "source",
    "A file, named relative to where modules are imported from, a line in it, and the function.",
)
SOURCE_MADE = SOURCE.refined(
    lambda parts, _: Source(*parts),
    lambda source, _: (portable(source.file), source.line, source.function),
)
SOURCES = Table("sources", "source", lambda: SOURCE_MADE)
LINE = nullable(SOURCES.reference)


# --- expressions --------------------------------------------------------------------------------


class Measured(NamedTuple):
    """An atom or a polynomial, how large and deep it is, and the loops whose indices it has."""

    value: Any
    size: int
    depth: int
    loops: frozenset[str]


def _symbol_named(name: str, tables: Tables) -> Measured:
    if name.startswith(INDEX):  # the index of a loop, which its tensors alone have
        return Measured(Variable(name), 1, 0, frozenset([name]))
    if name not in tables.symbols:
        raise MalformedError(f"there is no symbol {name!r}")
    return Measured(tables.symbols[name], 1, 0, frozenset())


def _fraction(parts: tuple[int, int], tables: Tables) -> Fraction:
    if math.gcd(*parts) != 1:
        raise MalformedError("the fraction is not in its lowest terms")
    return Fraction(*parts)


CALLS_MADE = Table("calls", "call before this one", lambda: CALL)
ATOM = either(
    NAME.refined(_symbol_named, lambda symbol, _: symbol.name),
    (int, [Call], CALLS_MADE.reference),
)
FRACTION = row(integer(), integer(2)).refined(
    _fraction, lambda fraction, _: (fraction.numerator, fraction.denominator)
)
COEFFICIENT = either(nonzero("a coefficient"), (list, [Fraction], FRACTION)).called(
    "coefficient",
    "An integer, or a fraction in lowest terms as its numerator and its denominator; of at most "
    "1000 digits, and not 0.",
)
POWER = row(ATOM, nonzero("an exponent", -LARGEST_EXPONENT, LARGEST_EXPONENT)).called(
    "power",
    "An atom, which is a symbol's name, the index of a loop (@...) or a place in `calls`, and its "
    "exponent, which is not 0. Factors are in order: symbols by name, then calls as they are "
    "written.",
)
TERM = row(COEFFICIENT, rest=POWER, most=200)


def _sum(read: Iterable[tuple[Any, ...]], tables: Tables) -> Measured:
    """Return the polynomial of these terms, which are in normal form."""
    terms: dict[Monomial, Rational] = {}
    all_factors: list[Measured] = []
    for index, (coefficient, *powers) in enumerate(read):
        factors = [factor for factor, _ in powers]
        if not all(a.value.key < b.value.key for a, b in pairwise(factors)):
            raise MalformedError("factors are not in order, or one is given twice", index)
        monomial = tuple((factor.value, exponent) for factor, exponent in powers)
        if monomial in terms:
            raise MalformedError("a term is given twice", index)
        terms[monomial] = coefficient
        all_factors += factors
    size = 1 + sum(f.size for f in all_factors) + sum(1 + _digits(c) for c in terms.values())
    depth = max((f.depth for f in all_factors), default=0)
    loops = frozenset[str]().union(*(f.loops for f in all_factors))
    found = Measured(Poly(terms), size, depth, loops)
    if len(terms) > 1 or any(
        abs(c) != 1 or len(m) > 1 or m[0][1] != 1 for m, c in terms.items() if m
    ):
        _require_integers([found])  # arithmetic of floats is calls
    return found


def _digits(value: Rational) -> int:
    return (abs(value.numerator) | value.denominator).bit_length() // 64


EXPRESSION = (
    list_of(TERM, most=MOST_TERMS)
    .called(
        "expression", "A sum of terms, each a coefficient and powers that are multiplied; [] is 0."
    )
    .refined(
        _sum,
        lambda poly, _: [(coefficient, *powers) for powers, coefficient in poly.sorted_terms()],
    )
)


def _polynomial(integer: bool = True, loops: slice = slice(None)) -> Codec:
    """Return the codec of an expression in symbols, and in indices of these loops around it."""

    def read(found: Measured, tables: Tables) -> Poly:
        unknown = found.loops.difference(tables.loops[loops])
        if unknown:
            raise MalformedError(f"the index {min(unknown)!r} is of no loop that this is in")
        if integer:
            _require_integers([found])
        poly: Poly = found.value
        return poly

    return EXPRESSION.refined(read)


def _require_integers(expressions: Iterable[Measured], *keys: str) -> None:
    if any(has_floats(found.value) for found in expressions):
        raise MalformedError("a float stands where an integer is needed", *keys)


SIZE = _polynomial()
CONDITION = Record(
    Condition,
    {
        "op": one_of(list(CHOICES.values()), "comparison"),
        "left": _polynomial(integer=False),
        "right": _polynomial(integer=False),
    },
).called("condition")


# --- calls --------------------------------------------------------------------------------------


def _call(parts: dict[str, Any], tables: Tables) -> Measured:
    op: str = parts["call"]
    arguments: tuple[Measured, ...] = parts["of"]
    takes = CALLS[op].kinds(len(arguments))
    integers = (a for kind, a in zip(takes, arguments, strict=True) if kind == "integer")
    _require_integers(integers, "of")
    size = 1 + sum(a.size for a in arguments)
    depth = 1 + max(a.depth for a in arguments)
    tables.size += size
    if depth > DEEPEST:
        raise MalformedError(f"calls in calls, more than {DEEPEST} deep")
    if size > LARGEST_CALL or tables.size > LARGEST_CALLS:
        raise MalformedError("the expression is too large, with what it refers to")
    call = Call(op, tuple(a.value for a in arguments))
    return Measured(call, size, depth, frozenset().union(*(a.loops for a in arguments)))


def _calls() -> Codec:
    operators: defaultdict[tuple[int, int], list[str]] = defaultdict(list)
    for op in sorted(CALLS):
        operators[CALLS[op].arity].append(op)
    records: dict[str, Record] = {}
    for arity, ops in operators.items():
        fields = {"call": one_of(ops, "operator"), "of": list_of(EXPRESSION, *arity)}
        record = Record(Call, fields, attributes={"call": "op", "of": "args"}, make=_call)
        records |= dict.fromkeys(ops, record)
    return tagged("call", one_of(records, "operator"), records)


CALL: Codec = _calls().called(
    "call", "A function of expressions, which refer to calls before this one only."
)


# --- tensors ------------------------------------------------------------------------------------


def _loop(index: str, tables: Tables) -> str:
    """Let the expressions of a tensor have this index from here on."""
    if not index.startswith(INDEX) or index in tables.loops:
        raise MalformedError(f"{index!r} is no index: a name of its own that starts with @")
    tables.loops.append(index)
    return index


_SIDES = {"then": PLACE, "else": PLACE}
_SPLIT = {"if": "condition", "else": "otherwise"}
CHOICE = Record(Choice, {"if": CONDITION, **_SIDES}, _SPLIT)
REPEAT = Record(
    Repeat,
    {
        "index": NAME.refined(_loop, limits={"pattern": f"^{INDEX}"}),
        "count": _polynomial(loops=slice(-1)),  # the last is its own
        "when": tree_of(CHOICE, integer(0, 1)),
    },
).called(
    "repeat",
    "A loop: its index, which counts from 0, how many iterations there are, and a tree, as in "
    "`tree`, of whether a tensor is made in one.",
)


def _weight(parts: dict[str, Any], tables: Tables) -> TensorSpec:
    tables.loops.clear()
    weight = TensorSpec(**parts)
    if weight.shape is None and weight.total is not None:
        raise MalformedError("a total of a tensor whose shape is not known", "total")
    if weight.shape is not None and weight.total is None:
        if weight.repeats:
            raise MalformedError("a tensor of a loop has a total")
        if math.prod(len(size.terms) for size in weight.shape) > MOST_TERMS:
            raise MalformedError(f"its product has more than {MOST_TERMS} terms", "shape")
    return weight


TENSOR = Record(
    TensorSpec,
    {
        "name": TEXT,
        "shape": nullable(list_of(SIZE, most=100)),
        "dtype": NAME,
        "itemsize": integer(0, 1_000_000),
        "kind": one_of((*TENSOR_KINDS, NO_TENSOR), "kind of tensor"),
        "trainable": BOOLEAN,
        "source": LINE,
        "operation": TEXT,
        "repeats": list_of(REPEAT, 1, 20),
        "total": _polynomial(loops=slice(0)),
        "aliases": list_of(TEXT, most=1_000),
        "times": integer(),
        "classes": list_of(TEXT, most=1_000),
    },
    optional={"repeats": (), "total": None, "aliases": (), "times": 1, "classes": ()},
    make=_weight,
    reads=["repeats"],
).called(
    "tensor",
    "A parameter or buffer. One that stands for those of all iterations of loops has `repeats`, "
    "outermost first, and `total`, the number of elements of all. It counts `times`, which may be "
    "negative, in a sum of formulas; what that has beside tensors is a number, its one size.",
)
TENSORS = Table("tensors", "tensor", lambda: TENSOR)


# --- the tree -----------------------------------------------------------------------------------


def _words(condition: Condition, tables: Tables) -> tuple[str, str]:
    if condition not in tables.words:
        assert tables.in_words is not None
        tables.words[condition] = tables.in_words(condition)
    return tables.words[condition]


def _split(parts: dict[str, Any], tables: Tables) -> Split:
    tables.words[parts["if"]] = parts["words"]
    return Split(parts["if"], parts["source"], parts["then"], parts["else"])


SPLIT = Record(
    Split,
    {"if": CONDITION, "words": row(TEXT, TEXT).refined(write=_words), "source": LINE, **_SIDES},
    {**_SPLIT, "words": "condition"},
    make=_split,
).called(
    about="A condition that the factory tests, in words where it holds and where not, and the "
    "entries of `tree` before this one that follow."
)


def _built(parts: dict[str, Any], tables: Tables) -> Built:
    weights: tuple[TensorSpec, ...] = parts["tensors"]
    terms = {monomial for w in weights if w.total is not None for monomial in w.total.terms}
    bounds = sum(
        math.prod(len(size.terms) for size in w.shape)
        for w in {id(w): w for w in weights}.values()
        if w.total is None and w.shape is not None and any(len(s.terms) > 1 for s in w.shape)
    )
    if len(terms) + bounds > 100 * MOST_TERMS:
        raise MalformedError("the sum of these tensors has too many terms", "tensors")
    return Built(weights, None)


_NO_FIELDS: dict[str, Codec] = {}
LEAVES = {
    leaf: Record(
        made,
        {"leaf": Constant(leaf), **fields},
        {"tensors": "weights", "at": "hints"},
        make=_built if made is Built else None,
    ).called(about=about)
    for leaf, made, about, fields in (
        ("built", Built, "A module, with these tensors.", {"tensors": list_of(TENSORS.reference)}),
        (
            "refused",
            Refused,
            "The factory raises, and was seen to at these values.",
            {"kind": NAME, "message": TEXT, "source": LINE, "at": POINT},
        ),
        (
            "excluded",
            Excluded,
            "What was substituted has no value that its symbol may have.",
            {"problem": TEXT, "substitution": nullable(PAIR)},
        ),
        ("unexplored", Unexplored, "No run came here.", _NO_FIELDS),
        ("unreachable", Unreachable, "No value of the symbols leads here.", _NO_FIELDS),
        ("inexact", Inexact, "Floats may be rounded here.", _NO_FIELDS),
    )
}
LEAF = tagged(
    "leaf",
    one_of(LEAVES, "leaf"),
    LEAVES,
    problem="this is neither a split, with an 'if', nor a leaf, with a 'leaf'",
)


# --- the certificate ----------------------------------------------------------------------------


def _double(value: Any, tables: Tables) -> Any:
    return float(value) if type(value) is str else value


def _json_double(value: Any, tables: Tables) -> Any:
    return value if value is None or math.isfinite(value) else str(value)


CONCRETISATION = Record(
    Concretisation,
    {
        "kind": TEXT,
        "symbols": list_of(NAME),
        "value": either(
            nullable(NUMBER), (str, [str], one_of(("inf", "-inf", "nan"), "number"))
        ).refined(_double, _json_double),
        "source": SOURCES.reference,
        "tried": list_of(NUMBER),
    },
    optional={"tried": ()},
).called("concretisation")
LINES = Table("lines", "line of a script", lambda: TEXT)
CLAIM = (
    row(one_of(get_args(Kind), "kind of claim"), BOOLEAN, TEXT, list_of(LINES.reference))
    .called(
        "claim",
        "What the formula rests on: its kind, if `sat` refutes it, the statement, and the lines of "
        "a script in SMT-LIB 2, to which a solver says `unsat` if it is true; none if there is no "
        "script.",
    )
    .refined(
        lambda parts, _: Claim(parts[0], parts[2], "".join(f"{x}\n" for x in parts[3]), parts[1]),
        lambda claim, _: (claim.kind, claim.is_exact, claim.meaning, claim.script.splitlines()),
    )
)
CERTIFICATE = Record(
    Certificate,
    {
        "grade": one_of(get_args(Grade), "grade"),
        "reason": TEXT,
        "paths": integer(0),
        "refused_paths": integer(0),
        "points": list_of(POINT),
        "concretisations": list_of(CONCRETISATION),
        "harmless": list_of(CONCRETISATION),
        "substituted": list_of(PAIR),
        "unfinished": list_of(one_of(get_args(Unfinished), "part of a derivation")),
        "outside": POINT,
        "counts": list_of(integer(0)),
        "claims": list_of(CLAIM),
    },
    optional={"unfinished": (), "outside": (), "counts": (), "claims": ()},
).called("certificate")


# --- the formula --------------------------------------------------------------------------------

MEASURE = Record(
    Measure,
    {
        "kind": nullable(one_of(TENSOR_KINDS, "kind of tensor")),
        "trainable": nullable(BOOLEAN),
        "dtype": nullable(NAME),
        "names": nullable(list_of(TEXT)),
        "in_bytes": BOOLEAN,
    },
).called(
    "measure",
    "Which tensors are added up, null standing for all of them, and whether in elements or in "
    "bytes.",
)


class Unpacked(NamedTuple):
    """A document that has been read: what it says for people, and the parts of the formula."""

    name: str
    formula: str
    domain: str
    fields: dict[str, Any]


def _formula(parts: dict[str, Any], tables: Tables) -> Unpacked:
    kept = ("factory", "fixed", "tree", "certificate", "measure", "origin")
    fields = {name: parts[name] for name in kept}
    fields |= {"hyperparameters": parts["symbols"], "words": tables.words}
    return Unpacked(parts["name"], parts["formula"], parts["domain"], fields)


CAPTION = text(LONGEST_CAPTION).called(about="For people; never read.")
FORMULA = Record(
    Unpacked,
    {
        "name": NAME,
        "factory": NAME,
        "formula": CAPTION,
        "domain": CAPTION,
        "origin": nullable(ORIGIN),
        "symbols": SYMBOLS.refined(_declared),
        "fixed": list_of(PAIR),
        "measure": MEASURE,
        "certificate": CERTIFICATE,
        "lines": LINES,
        "sources": SOURCES,
        "calls": CALLS_MADE,
        "tensors": TENSORS,
        "tree": tree_of(SPLIT, LEAF, "node").called(
            about="A decision tree; the last entry is its root. Each other entry is a side of one "
            "split."
        ),
    },
    attributes={"symbols": "hyperparameters"},
    optional={"lines": ()},  # older files have none
    make=_formula,
    reads=["symbols", "lines", "sources", "calls", "tensors"],
    writes=["tree"],
).called("formula")


def unpacked(document: Any) -> Unpacked:
    """Return the parts of the formula in a document, or in its text.

    Raises:
        MalformedError: something is wrong with it; the error says what, and where.
    """
    if isinstance(document, str):
        document = decoded(document)
    found: Unpacked = FORMULA.read(document, Tables())
    return found


# --- the file -----------------------------------------------------------------------------------


def _name_of(document: Any, tables: Tables) -> Any:
    if type(document) is not dict or "name" not in document:
        raise MalformedError("this is no formula with a name")
    return read_at("name", NAME.read, document["name"], tables)


def _by_name(documents: Any, tables: Tables) -> dict[str, Any]:
    names = list_of(Codec({}, _name_of), most=MOST_FORMULAS).read(documents, tables)
    return by_name(names, documents)


def by_name(names: Sequence[str], documents: Sequence[Any], *keys: str) -> dict[str, Any]:
    """Return the documents of formulas by their names, of which none is there twice.

    Raises:
        MalformedError: one is; `keys` lead to the documents.
    """
    found: dict[str, Any] = {}
    for index, (name, document) in enumerate(zip(names, documents, strict=True)):
        if name in found:
            raise MalformedError(f"there is a formula {name!r:.100} already", *keys, index)
        found[name] = document
    return found


DOCUMENT = Record(
    dict,
    {
        "format": Constant(FORMAT),
        "version": Constant(VERSION),
        # Each formula is read when it is asked for.
        "formulas": Codec(list_of(FORMULA, most=MOST_FORMULAS), _by_name),
    },
)
