"""Formulas in MathML, which browsers typeset by themselves: no script, no font, no network.

What follows is the presentation markup of MathML Core (W3C), without `mfenced`, which browsers
have dropped. The LaTeX of the same formula goes along as an annotation, for whoever copies it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from html import escape
from typing import Any

from symcount.packages import sympy  # first, as it says what to install

# isort: split
from sympy.printing.printer import Printer

from symcount.formula import latex, sympy_form

# At the start of a line an operator is a prefix if it is not said otherwise.
_INFIX_PLUS, _INFIX_MINUS = '<mo form="infix">+</mo>', '<mo form="infix">−</mo>'
# A thin space tells `d f` from `df`.
_TIMES, _DOT = '<mo lspace="0.08em" rspace="0.08em">&#x2062;</mo>', "<mo>⋅</mo>"
_RELATIONS = {
    "Equality": "=",
    "Unequality": "≠",
    "GreaterThan": "≥",
    "StrictGreaterThan": ">",
    "LessThan": "≤",
    "StrictLessThan": "<",
}
# What needs brackets to be a term of a sum.
_LOOSE = (sympy.Mod, sympy.Piecewise)


def math(expression: sympy.Basic, width: int = sympy_form.LINE) -> str:
    """An expression or condition as a `math` element; a long sum takes several lines.

    `width` is how many characters of text, about, are a line.

    >>> dim = sympy_form.symbol("dim")
    >>> print(math(dim**2))  # doctest: +ELLIPSIS
    <math ...><semantics><msup><mi>dim</mi><mn>2</mn></msup><annotation ...
    """
    groups = sympy_form.lines(expression, width)
    body = _PRINTER.markup(expression) if len(groups) == 1 else _lines(groups)
    return (
        f'<math style="math-style: normal"><semantics>{body}'
        f'<annotation encoding="application/x-tex">{escape(latex.one_line(expression))}'
        "</annotation></semantics></math>"
    )


def pieces(expression: sympy.Basic, width: int) -> Iterator[str]:
    """A sum as a `math` element for each term: browsers break a line between these, not in one.

    A term in brackets that is longer than `width` is several, too.
    """
    terms = sympy_form.terms(expression) if isinstance(expression, sympy.Add) else [expression]
    groups = [line for term in terms for line in sympy_form.lines(term, width)]
    for number, line in enumerate(groups):
        yield f'<math style="math-style: normal">{_PRINTER.line(line, signed=number > 0)}</math>'


def markup(expression: sympy.Basic) -> str:
    """An expression or condition on one line, as what a `math` element holds."""
    return _PRINTER.markup(expression)


def _lines(groups: Sequence[sympy_form.Line]) -> str:
    made = []
    for number, line in enumerate(groups):
        content = _PRINTER.line(line, signed=number > 0)
        made.append(f'<mtr><mtd style="text-align: left; padding-left: 0">{content}</mtd></mtr>')
    return f"<mtable>{''.join(made)}</mtable>"


def _row(*parts: str) -> str:
    return f"<mrow>{''.join(parts)}</mrow>"


def _mo(sign: str) -> str:
    return f"<mo>{escape(sign)}</mo>"


def _fence(left: str, content: str, right: str) -> str:
    return _row(_opening(left), content, _closing(right))


def _opening(sign: str) -> str:
    return f'<mo fence="true" form="prefix">{sign}</mo>'


def _closing(sign: str) -> str:
    return f'<mo fence="true" form="postfix">{sign}</mo>'


def _sign(expr: Any) -> str | None:
    """The sign between the operands of a float step, if it has one."""
    return getattr(expr, "sign", None)


class _MathML(Printer):  # type: ignore[misc]
    """One method for each kind of expression that a formula is made of."""

    printmethod = "_symcount_mathml"

    def markup(self, expression: sympy.Basic) -> str:
        return str(self.doprint(expression))

    def emptyPrinter(self, expr: Any) -> str:
        """Print what has no method as its text, which says what it is."""
        return f"<mtext>{escape(sympy_form.text(expr))}</mtext>"

    # --- numbers and names ---

    def _print_Symbol(self, expr: sympy.Symbol) -> str:
        return f"<mi>{escape(expr.name)}</mi>"

    def _print_Integer(self, expr: sympy.Integer) -> str:
        number = f"<mn>{abs(int(expr))}</mn>"
        return number if expr >= 0 else _row(_mo("−"), number)

    def _print_Rational(self, expr: sympy.Rational) -> str:
        fraction = f"<mfrac><mn>{abs(expr.p)}</mn><mn>{expr.q}</mn></mfrac>"
        return fraction if expr >= 0 else _row(_mo("−"), fraction)

    def _print_Float(self, expr: sympy.Float) -> str:
        return f"<mn>{escape(sympy_form.text(expr))}</mn>"

    # --- arithmetic ---

    def _print_Add(self, expr: sympy.Add) -> str:
        return self.sum(sympy_form.terms(expr))

    def line(self, line: sympy_form.Line, signed: bool) -> str:
        """A line of a sum, of which brackets may go on in the next."""
        opened = "".join(self._factor(each) + _TIMES + _opening("(") for each in line.opened)
        plus = _INFIX_PLUS if opened and signed else ""
        terms = self.sum(line.terms, signed and not opened)
        return _row(plus, opened, terms, _closing(")") * line.closed)

    def sum(self, terms: Sequence[sympy.Expr], signed: bool = False) -> str:
        """Terms with their signs between them, and before the first if `signed`."""
        parts = []
        for number, term in enumerate(terms):
            negative = term.as_coeff_Mul()[0] < 0
            if negative:
                parts.append(_mo("−") if number == 0 and not signed else _INFIX_MINUS)
            elif number or signed:
                parts.append(_INFIX_PLUS)
            inner = -term if negative else term
            parts.append(self._factor(inner) if isinstance(inner, _LOOSE) else self.markup(inner))
        return _row(*parts)

    def _print_Mul(self, expr: sympy.Mul) -> str:
        if expr.as_coeff_Mul()[0] < 0:
            return _row(_mo("−"), self._factor(-expr))
        above: list[sympy.Expr] = []
        below: list[sympy.Expr] = []
        for factor in expr.as_ordered_factors():
            base, exponent = factor.as_base_exp()
            if factor.is_Rational and not factor.is_Integer:
                above += [sympy.Integer(factor.p)] if factor.p != 1 else []
                below.append(sympy.Integer(factor.q))
            elif exponent.is_Rational and exponent.is_negative:
                below.append(base**-exponent)
            else:
                above.append(factor)
        top = self._product(above)
        return top if not below else f"<mfrac>{top}{self._product(below)}</mfrac>"

    def _product(self, factors: Sequence[sympy.Expr]) -> str:
        if len(factors) < 2:
            return self.markup(factors[0]) if factors else "<mn>1</mn>"
        parts = [self._factor(factors[0])]
        for factor in factors[1:]:
            # A number is set off by a dot: 3 times 4^n is not 34^n.
            parts += [_DOT if factor.as_base_exp()[0].is_Number else _TIMES, self._factor(factor)]
        return _row(*parts)

    def _factor(self, expr: sympy.Expr) -> str:
        markup = self.markup(expr)
        signed = expr.is_number and expr.could_extract_minus_sign()
        loose = expr.is_Add or isinstance(expr, _LOOSE)
        return _fence("(", markup, ")") if loose or signed else markup

    def _print_Pow(self, expr: sympy.Pow) -> str:
        base, exponent = expr.as_base_exp()
        if exponent.is_Rational and exponent.is_negative:
            return f"<mfrac><mn>1</mn>{self.markup(base**-exponent)}</mfrac>"
        if exponent == sympy.Rational(1, 2):
            return f"<msqrt>{self.markup(base)}</msqrt>"
        under = self.markup(base)
        if not (base.is_Symbol or (base.is_Integer and base >= 0)):
            under = _fence("(", under, ")")
        return f"<msup>{under}{self.markup(exponent)}</msup>"

    def _print_Mod(self, expr: sympy.Mod) -> str:
        number, divisor = expr.args
        left, right = self._factor(number), self._factor(divisor)
        if number.is_Mul and number.could_extract_minus_sign():
            left = _fence("(", left, ")")
        if divisor.is_Mul:
            right = _fence("(", right, ")")
        return _row(left, _mo("mod"), right)

    # --- functions ---

    def _print_floor(self, expr: sympy.Expr) -> str:
        return _fence("⌊", self._flat(expr.args[0]), "⌋")

    def _print_ceiling(self, expr: sympy.Expr) -> str:
        return _fence("⌈", self._flat(expr.args[0]), "⌉")

    def _flat(self, expr: sympy.Expr) -> str:
        """A fraction with a slash: brackets grow around a tall one only if the font lets them."""
        above, below = expr.as_numer_denom() if expr.is_Mul else (expr, sympy.S.One)
        if below == 1:
            return self.markup(expr)
        bottom = _fence("(", self.markup(below), ")") if below.is_Mul else self._factor(below)
        return _row(self._factor(above), _mo("/"), bottom)

    def _print_Abs(self, expr: sympy.Expr) -> str:
        return _fence("|", self.markup(expr.args[0]), "|")

    def _print_Max(self, expr: sympy.Expr) -> str:
        return self._call("max", sorted(expr.args, key=sympy.default_sort_key))

    def _print_Min(self, expr: sympy.Expr) -> str:
        return self._call("min", sorted(expr.args, key=sympy.default_sort_key))

    def _print_Function(self, expr: Any) -> str:
        sign = _sign(expr)
        if sign is not None:
            return _fence("(", _mo(sign).join(map(self._factor, expr.args)), ")")
        return self._call(type(expr).__name__, expr.args)

    def _call(self, name: str, args: Sequence[sympy.Basic]) -> str:
        inside = _row(_mo(",").join(map(self.markup, args)))
        if len(args) == 1 and _sign(args[0]) is not None:  # in brackets already
            return _row(f"<mi>{escape(name)}</mi>", _mo("\u2061"), inside)
        return _row(f"<mi>{escape(name)}</mi>", _mo("\u2061"), _fence("(", inside, ")"))

    # --- conditions and choices ---

    def _print_Relational(self, expr: Any) -> str:
        sign = _RELATIONS[type(expr).__name__]
        return _row(self.markup(expr.lhs), _mo(sign), self.markup(expr.rhs))

    def _print_BooleanTrue(self, expr: Any) -> str:
        return "<mtext>true</mtext>"

    def _print_BooleanFalse(self, expr: Any) -> str:
        return "<mtext>false</mtext>"

    def _print_And(self, expr: Any) -> str:
        return self._logic(expr, "∧", lambda inner: isinstance(inner, sympy.Or))

    def _print_Or(self, expr: Any) -> str:
        return self._logic(expr, "∨", lambda inner: isinstance(inner, sympy.And))

    def _print_Not(self, expr: Any) -> str:
        return _row(_mo("¬"), _fence("(", self.markup(expr.args[0]), ")"))

    def _print_ITE(self, expr: Any) -> str:
        test, then, otherwise = expr.args
        either = sympy.Or(sympy.And(test, then), sympy.And(sympy.Not(test), otherwise))
        return self.markup(either)

    def _logic(self, expr: Any, sign: str, fenced: Callable[[Any], bool]) -> str:
        parts = []
        for inner in sorted(expr.args, key=sympy.default_sort_key):
            markup = self.markup(inner)
            parts.append(_fence("(", markup, ")") if fenced(inner) else markup)
        return _row(f'<mo lspace="0.5em" rspace="0.5em">{sign}</mo>'.join(parts))

    def _print_Piecewise(self, expr: sympy.Piecewise) -> str:
        arms = []
        for value, test in expr.args:
            where = "<mtext>otherwise</mtext>"
            if test != sympy.true:
                where = _row("<mtext>if&#xA0;</mtext>", self.markup(test))
            cell = '<mtd style="text-align: left; padding-right: 1em">'
            arms.append(f"<mtr>{cell}{self._in_lines(value)}</mtd>{cell}{where}</mtd></mtr>")
        # A line for a brace: not every font has one that grows.
        line = "border-left: 0.12em solid; border-radius: 0.5em"
        return f'<mtable style="{line}">{"".join(arms)}</mtable>'

    def _in_lines(self, expr: sympy.Expr) -> str:
        groups = sympy_form.lines(expr)
        return self.markup(expr) if len(groups) == 1 else _lines(groups)


_PRINTER = _MathML()
