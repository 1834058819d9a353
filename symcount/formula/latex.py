r"""Write formulas in LaTeX, the one way for all that typesets them: notebooks, documents, Sphinx.

A symbol of several letters is upright, under its own name; a thin space parts it from others. What
is too long for a line is broken where a reader would break it: between conditions, terms, factors,
or within brackets. What is written compiles with pdflatex and the package `amsmath`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import pairwise
from typing import NamedTuple

from symcount.packages import sympy  # first, as it says what to install

# isort: split
from sympy.printing.latex import LatexPrinter

from symcount.formula.sympy_form import InsideOut

# The room for a line, in points of a font of 10 points: a little less than a line of `article`.
LINE = 320.0
_INDENT = r"\quad "
_INDENT_WIDTH = 10.0


def one_line(value: sympy.Basic) -> str:
    r"""Write an expression or condition on one line.

    >>> from symcount.formula.sympy_form import symbol
    >>> print(one_line(12 * symbol("d") ** 2 * symbol("num_layers")))
    12 d^{2} \, \mathrm{num\_layers}
    """
    return str(_Latex({"mul_symbol": r"\,"}).doprint(value))


def in_lines(value: sympy.Basic, room: float = LINE) -> str:
    """Write it with what is longer than a line in several (`aligned`, of amsmath)."""
    return _aligned(lines(value, room))


def lines(value: sympy.Basic, room: float = LINE) -> list[str]:
    """Write it as formulas that have room one below the other."""
    return broken(one_line(value), room)


def broken(line: str, room: float = LINE, has_arrays: bool = True) -> list[str]:
    """Break what `one_line` has written into formulas that have room one below the other.

    An array within a coloured table is painted over what is beside it: without `has_arrays`, cases
    are none.
    """
    rows = _broken(line, room)
    if not has_arrays:
        rows = [row for line in rows for row in _with_cases(list(_tokens(line)), room, 0)]
    return _matched(rows)


def _aligned(rows: Sequence[str]) -> str:
    if len(rows) == 1:
        return rows[0]
    return r"\begin{aligned} & " + r" \\ & ".join(rows) + r" \end{aligned}"


# --- one line ---------------------------------------------------------------------------------


class _Latex(InsideOut, LatexPrinter):  # type: ignore[misc]
    """Floats in the shortest form that reads back; names of several letters are set upright."""

    def _print_Float(self, expr: sympy.Float) -> str:
        mantissa, _, exponent = repr(float(expr)).partition("e")
        return rf"{mantissa} \cdot 10^{{{int(exponent)}}}" if exponent else mantissa

    def _print_Symbol(self, expr: sympy.Symbol, style: str = "plain") -> str:
        written = "".join(map(_letter, expr.name))
        return written.strip() if len(expr.name) == 1 else rf"\mathrm{{{written}}}"

    def _print_floor(self, expr: sympy.Expr, exp: str | None = None) -> str:
        return self._around(expr, "floor", exp)

    def _print_ceiling(self, expr: sympy.Expr, exp: str | None = None) -> str:
        return self._around(expr, "ceil", exp)

    def _around(self, expr: sympy.Expr, name: str, exp: str | None) -> str:
        text = rf"\left\l{name} {self._print(expr.args[0])} \right\r{name}"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _print_Mul(self, expr: sympy.Mul) -> str:
        text = re.sub(r" *\\, *", r" \\, ", str(super()._print_Mul(expr)))
        # of a number and a letter everybody sees that they are two
        return re.sub(r"((?:^|[{(]|- )\d+) \\, (?!\\mathrm)", r"\1 ", text)


_GREEK = set(
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega".split()
)


def _letter(letter: str) -> str:
    if letter.isascii():
        return letter.replace("_", r"\_")
    _, _, name = unicodedata.name(letter, "").replace("LAMDA", "LAMBDA").partition(" LETTER ")
    name = name.capitalize() if letter.isupper() else name.lower()
    return rf"\{name} " if name in _GREEK else rf"\text{{{letter}}}"


# --- several lines ----------------------------------------------------------------------------

# Where a line may end, the best places first: in front of these, or behind them.
_PLACES = (
    {","},
    {r"\vee"},
    {r"\wedge"},
    {"=", "<", ">", r"\neq", r"\geq", r"\leq"},
    {"+", "-", r"\oplus"},
    {r"\,", r"\cdot", r"\bmod", r"\otimes", r"\oslash"},
    {"/"},
)
_RANKS = {sign: rank for rank, signs in enumerate(_PLACES) for sign in signs}
_BEHIND = {",", r"\bmod"}
_TERMS, _FACTORS = _RANKS["+"], _RANKS[r"\,"]
# Rows of terms, or of conditions, that are in no bracket are alike.
_ALIKE = {(0, _RANKS[r"\vee"]), (0, _RANKS[r"\wedge"]), (0, _TERMS)}
_CASES = r"\begin{cases}"
_ENVIRONMENT = re.compile(r"\\(begin|end)\{\w+\}")


class _Cut(NamedTuple):
    """A token at which a line may end, in how many brackets it is, and how good a place it is."""

    depth: int
    rank: int
    place: int


def _broken(text: str, room: float, indent: int = 0) -> list[str]:
    """Break a formula into rows, and indent those that go on with a term or condition."""
    left = room - _INDENT_WIDTH * indent
    if _width(text) <= left:
        return [_INDENT * indent + text]
    tokens = list(_tokens(text))
    cuts = list(_cuts(tokens))
    if not cuts:
        flat = _without_fraction(tokens)
        if flat is not None:
            return _broken(flat, room, indent)
        return _with_cases(tokens, room, indent)
    best = min((cut.depth, cut.rank) for cut in cuts)
    ends = [0, *(cut.place for cut in cuts if cut[:2] == best), len(tokens)]
    pieces = ["".join(tokens[a:b]) for a, b in pairwise(ends)]
    deeper = indent if best in _ALIKE else indent + 1
    rows: list[str] = []
    row = pieces[0]
    for piece in [*pieces[1:], ""]:
        within = deeper if rows else indent
        if piece and _width(row + piece) <= room - _INDENT_WIDTH * within:
            row += piece
            continue
        rows += _broken(_as_first(row) if rows else row.strip(), room, within)
        row = piece
    return rows


def _as_first(row: str) -> str:
    """A factor at the start of a line has a sign, where a space does within one."""
    return re.sub(r"^\s*\\,", r"\\cdot", row).strip()


def _cuts(tokens: Sequence[str]) -> Iterator[_Cut]:
    depth, before = 0, "+"
    for place, token in enumerate(tokens):
        if token.startswith(r"\left"):
            depth += 1
        elif token.startswith(r"\right"):
            depth -= 1
        elif token in _BEHIND and place + 1 < len(tokens):
            yield _Cut(depth, _RANKS[token], place + 1)
        elif token in _RANKS and before not in _RANKS and not before.startswith(r"\left"):
            yield _Cut(depth, _RANKS[token], place)
        before = before if token.isspace() else token


def _tokens(text: str) -> Iterator[str]:
    """Yield commands, characters, whole groups in braces, environments, and growing brackets."""
    place = 0
    while place < len(text):
        if text[place] == "{":
            end = _end(text, place, re.compile(r"(?<!\\)[{}]"), "{")
        elif text.startswith(r"\begin", place):
            end = _end(text, place, _ENVIRONMENT, r"\begin")
        else:
            found = re.compile(r"\\(?:left|right) ?(?:\\\w+|.)|\\[a-zA-Z]+|\\.|\s+|.").match(
                text, place
            )
            assert found is not None
            end = found.end()
        yield text[place:end]
        place = end


def _end(text: str, start: int, marks: re.Pattern[str], opening: str) -> int:
    depth = 0
    for mark in marks.finditer(text, start):
        depth += 1 if mark[0].startswith(opening) else -1
        if depth == 0:
            return mark.end()
    raise AssertionError(f"unbalanced LaTeX: {text}")


def _without_fraction(tokens: Sequence[str]) -> str | None:
    """Write the first fraction of a formula with a slash, which a line may end at."""
    if r"\frac" not in tokens:
        return None
    place = tokens.index(r"\frac")
    above, below = (token[1:-1] for token in tokens[place + 1 : place + 3])
    flat = rf"{_fenced(above, _TERMS)} / {_fenced(below, _FACTORS)}"
    return "".join([*tokens[:place], flat, *tokens[place + 3 :]])


def _with_cases(tokens: Sequence[str], room: float, indent: int) -> list[str]:
    """Write each condition below its value, without a brace if there is no room for it."""
    left = room - _INDENT_WIDTH * (indent + 3)
    whole = ""
    for token in tokens:
        if token.startswith(_CASES):
            arms = _arms(token, left)
            if len(tokens) == 1 and any(_width(row) > left for arm in arms for row in arm):
                return [row for arm in _arms(token, room, indent) for row in arm]
            rows = _matched([row for arm in arms for row in arm])
            token = rf"\left\lbrace {_aligned(rows)} \right."
        whole += token
    return [_INDENT * indent + whole]


def _arms(cases: str, room: float, indent: int = 0) -> list[list[str]]:
    return [
        [*_broken(value, room, indent), *_broken(test, room, indent + 1)]
        for value, test in _cells(cases)
    ]


def _cells(cases: str) -> list[list[str]]:
    """The values and the conditions, as they stand in rows."""
    rows = [[""]]
    for token in _tokens(cases.removeprefix(_CASES).removesuffix(r"\end{cases}")):
        if token == r"\\":
            rows.append([""])
        elif token == "&":
            rows[-1].append("")
        else:
            rows[-1][-1] += token
    return [[cell.strip() for cell in row] for row in rows]


def _fenced(text: str, most: int) -> str:
    tokens = list(_tokens(text))
    loose = any(cut.depth == 0 and cut.rank <= most for cut in _cuts(tokens))
    return rf"\left({text}\right)" if loose or r"\frac" in tokens else text


def _matched(rows: Sequence[str]) -> list[str]:
    """Give brackets that end in another row a size of their own, as each row is by itself.

    So is an operator at the end of one, which needs something behind it to be spaced as one.
    """
    split = [list(_tokens(row)) for row in rows]
    opened: list[tuple[int, int]] = []
    for row, tokens in enumerate(split):
        for place, token in enumerate(tokens):
            if token.startswith(r"\left"):
                opened.append((row, place))
            elif token.startswith(r"\right"):
                first, at = opened.pop()
                if first != row:
                    split[first][at] = split[first][at].replace(r"\left", r"\bigl", 1)
                    tokens[place] = token.replace(r"\right", r"\bigr", 1)
    return [re.sub(r"\\bmod$", r"\\bmod {}", "".join(tokens)) for tokens in split]


# --- how wide it is ---------------------------------------------------------------------------

# In points, with the spaces that TeX sets around them; of Computer Modern at 10 points.
_NARROW = {**dict.fromkeys("ijl.|", 2.8), **dict.fromkeys("frst", 3.9), **dict.fromkeys("cez", 4.5)}
_LETTERS = {**_NARROW, **dict.fromkeys("mw", 8.4), "_": 3.6}
_SIGNS = {
    **dict.fromkeys("+-", 12.3),
    **dict.fromkeys("=<>", 13.4),
    **dict.fromkeys((r"\geq", r"\leq", r"\neq"), 13.4),
    **dict.fromkeys((r"\wedge", r"\vee", r"\&", r"\oplus", r"\otimes", r"\oslash"), 12.3),
    **{",": 4.5, "(": 3.9, ")": 3.9, "/": 5.0, r"\cdot": 7.3, r"\bmod": 35.0, "\\": 0.0},
    **{r"\,": 1.7, r"\:": 2.3, r"\;": 2.8, r"\quad": 10.0, r"\_": 3.6},
}
_WORDS = {r"\mathrm", r"\operatorname", r"\text", r"\mathbin"}


@lru_cache(maxsize=4096)  # what is nested is measured within all that holds it
def _width(text: str) -> float:
    """Estimate how wide a formula is when it is typeset, rather too wide than too narrow."""
    total, tokens, scale = 0.0, iter(_tokens(text)), 1.0
    for token in tokens:
        if token in "^_":
            scale = 0.75
            continue
        total, scale = total + scale * _token_width(token, tokens), 1.0
    return total


def _token_width(token: str, rest: Iterator[str]) -> float:
    if token == r"\frac":
        return 2.4 + max(_width(next(rest)[1:-1]), _width(next(rest)[1:-1]))
    if token in _WORDS:
        return 1.7 + sum(_LETTERS.get(c, 5.6 if c.islower() else 7.5) for c in next(rest)[1:-1])
    if token.startswith(r"\begin"):
        columns = zip(*_cells(token), strict=True)
        return 15.0 + sum(max(map(_width, column)) + 10.0 for column in columns)
    if token.startswith("{"):
        return _width(token[1:-1])
    if token.startswith((r"\left", r"\right", r"\bigl", r"\bigr")):
        return 6.5
    if token.isspace():
        return 0.0
    if token in _SIGNS:
        return _SIGNS[token]
    return 5.7 * len(token.removeprefix("\\"))
