"""The functions of the package: derive, compare, save and load formulas, and take the largest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import reduce
from typing import TYPE_CHECKING, Any

from symcount import cache
from symcount.errors import ArgumentError
from symcount.formula.formula import Formula, formula_of
from symcount.param_count import ParamCount
from symcount.work import MAX_SECONDS, MAX_WORK

if TYPE_CHECKING:
    from pathlib import Path

    import sympy

    from symcount.executed import Executed
    from symcount.questions.agreement import Agreement
    from symcount.storage.file import StoredFormulas


def derive(
    factory: Callable[..., Any],
    /,
    *,
    max_paths: int = 64,
    max_work: int = MAX_WORK,
    max_seconds: float = MAX_SECONDS,
    strict: bool = False,
    **fixed: Any,
) -> ParamCount:
    """Derive the exact parameter count of what `factory` builds, or raise; never guess.

    The factory is run on symbols, once for each path through its branches. Nothing is returned
    before the formula has been compared, parameter by parameter, with modules built plainly on
    the meta device, at the hints and at other points on every path.

    Parameters of the factory that default to a positive int become symbols, which are positive
    integers, and so do those without a default that are unannotated, or annotated with what
    admits an int, such as `int | tuple[int, int]`. An int default stays the default when the
    formula is called. Parameters with another default, such as a flag, a text, a float or 0, stay
    fixed at it, and `*args` and `**kwargs` get nothing. Without a symbol the formula is a number.

    Args:
        factory: a function, class, `functools.partial` or other callable that returns an
            `nn.Module`.
        max_paths: how many paths to follow at most if each branches off from the one before it, as
            those of a `while` do. Of paths that branch off from few others, as those of choices
            that are independent of each other, there may be some 300 for 64.
        max_work: how much work it may do, in units that are about a microsecond each, counted
            from when a first module has been built plainly. Exploring ends after four fifths of
            it. Simplifying and comparing may do as much again as all of it; what is left out then
            is said by the certificate. Only what no formula can do without is done however much it
            is: a first run on symbols, and a comparison on every path. Where work ends does not
            depend on the machine, nor on what else it is doing.
        max_seconds: a last resort, for what the factory itself is busy with, in processor time:
            where it strikes, in the same places, the certificate is `partial` and says that it
            depends on the machine.
        strict: refuse a formula whose certificate is not `complete`.
        **fixed: for each parameter of the factory, a value fixes it, and a `Symbol(...)` keeps
            it symbolic and says which values it may take. Symbols may be in lists, tuples and
            dicts: `depths=[Symbol(), Symbol()]` makes `depths_0` and `depths_1`.

    Returns:
        The formula, in parameters. It holds on its `domain`; its `certificate` says what was done
        to trust it.

    Raises:
        ArgumentError: keywords name no parameters of the factory, or some are missing.
        DerivationError: there is no formula; its subclasses and its message say why.

    >>> from symcount import Symbol
    >>> from torch import nn
    >>> print(derive(nn.Linear, bias=False))
    in_features*out_features
    >>> print(derive(nn.Linear, in_features=Symbol(name="d"), out_features=10))
    10*d + 10
    >>> print(derive(nn.Conv2d, groups=1))
    in_channels*kernel_size**2*out_channels + out_channels
    >>> print(derive(nn.Bilinear, in1_features=3, in2_features=4, out_features=5))
    65
    """

    def run(executed: Executed | None = None) -> Formula:
        from symcount import interception, packages

        packages.require("deriving a formula")
        with interception.alone():  # a fork waits until it is imported, or the child waits for ever
            from symcount.derivation import pipeline  # which loads torch

        return pipeline.derive(
            factory,
            executed,
            max_paths=max_paths,
            max_work=max_work,
            max_seconds=max_seconds,
            strict=strict,
            **fixed,
        )

    folder = cache.folder()
    if folder is None:
        return ParamCount(run())

    def will_do(count: Formula) -> bool:
        return not strict or count.certificate.grade == "complete"

    return ParamCount(
        cache.derived(folder, factory, fixed, (max_paths, max_work, max_seconds), will_do, run)
    )


def compare(
    factory: Callable[..., Any] | ParamCount,
    expected: Callable[..., Any] | str | int | sympy.Expr | ParamCount,
    /,
    **keywords: Any,
) -> Agreement[ParamCount]:
    """Compare a factory's parameter count with what somebody expects it to be, for all sizes.

    A function that counts by hand is called with the symbols of the formula, by the names of its
    parameters, and followed like a factory: it may use `//`, `%`, `int`, `max`, `round`, `math`,
    branches and loops. It is also called with plain numbers, smallest sizes first. What the two
    differ in is what the function itself returned, so it holds however the function works. That
    they are equal is said only where it is proved.

    Args:
        factory: as for `derive`, or a formula.
        expected: a function of sizes that returns a number, or a text, number, sympy expression
            or formula as `symcount.testing.assert_param_count` takes them.
        **keywords: as for `derive`. A function has what they fix for its parameters too.

    Returns:
        The verdict, with the first sizes at which the two differ and the terms that do.

    Raises:
        ArgumentError: the function has a parameter that is no symbol of the formula, or returns
            no number; an expression cannot be read, or has other symbols.
        DerivationError: the factory has no formula.

    >>> from torch import nn
    >>> def mlp(d, f):
    ...     return nn.ModuleList([nn.Linear(d, f), nn.Linear(d, f), nn.Linear(f, d)])
    >>> def without_gate(d, f):
    ...     return 2 * d * f + f + d
    >>> print(compare(mlp, without_gate))
    mlp does not have the expected parameter count
      expected:   without_gate(d, f) = 2*d*f + d + f
      derived:    3*d*f + d + 2*f
      domain:     all positive integers
      first size: d=1, f=1: 4 expected, 6 derived
      terms:      2*d*f expected, 3*d*f derived
                  f expected, 2*f derived
    >>> compare(mlp, lambda d, f: 3 * d * f + d + 2 * f).verdict
    'equal'
    """
    from symcount.questions.agreement import agreement

    if not isinstance(factory, ParamCount):
        factory = derive(factory, **keywords)
    elif keywords:
        raise ArgumentError(
            f"compare({', '.join(keywords)}): keywords are for deriving, and a formula is given; "
            "substitute in it, or give its factory"
        )
    count = factory.formula
    if isinstance(expected, ParamCount):
        return agreement(count, expected.formula).of(ParamCount)
    if not callable(expected):
        from symcount.formula import expressions

        return agreement(count, expressions.read_for(count, expected)).of(ParamCount)
    from symcount.derivation.by_hand import by_hand

    allowed = {name: value for name, value in keywords.items() if name in _BUDGET}
    return agreement(count, by_hand(expected, count, allowed)).of(ParamCount)


def maximum(*counts: ParamCount | int) -> ParamCount:
    """Compute the largest of several formulas, exactly, wherever all of them hold.

    Which it is may differ from size to size; one that never is, by what is declared of the symbols,
    is left out. Integers may be among them. The result is one number, as a quotient is, with the
    symbols of all, the weakest of their grades and the assumptions of all. It has neither parts nor
    bytes, since what has the most parameters need not have the most bytes: take
    `maximum(a.nbytes, b.nbytes)`.

    Returns:
        The formula of the largest.

    Raises:
        ArgumentError: there is no formula, or what is neither a formula nor an integer; or one is
            of bytes and another is not, or a symbol of both is declared differently.
        DomainError: there are no sizes at which all hold.

    >>> import symcount
    >>> from torch import nn
    >>> def gpt(V, d, n):
    ...     layers = nn.ModuleList(nn.TransformerEncoderLayer(d, 1, 4 * d) for _ in range(n))
    ...     return nn.ModuleDict({"tokens": nn.Embedding(V, d), "layers": layers})
    >>> count = symcount.derive(gpt)
    >>> layer = count.select("layers.*").substitute(n=1)
    >>> largest = symcount.maximum(layer, count.select("tokens"))
    >>> print(largest)
    Max(V*d, 12*d**2 + 13*d)
    >>> largest(V=50257, d=768, n=1), largest(V=50257, d=8192, n=1)
    (38597376, 805412864)
    """
    from symcount.formula import arithmetic

    operands = [formula_of(count) for count in counts]
    for operand in operands:
        if not arithmetic.is_operand(operand):
            raise ArgumentError(
                f"maximum(): {type(operand).__name__} is neither a formula nor an integer; give "
                "formulas one by one, those of a list as maximum(*formulas)"
            )
    formulas = [operand for operand in operands if isinstance(operand, Formula)]
    if not formulas:
        raise ArgumentError("maximum(): give a formula, or several")
    numbers = [operand for operand in operands if not isinstance(operand, Formula)]
    return ParamCount(reduce(arithmetic.maximum, [*formulas, *numbers]))


_BUDGET = ("max_paths", "max_work", "max_seconds")


def load(path: str | Path) -> StoredFormulas[ParamCount]:
    """Load the formulas that `save` wrote to a file, exactly; neither torch nor sympy is loaded.

    A formula that is loaded is equal to the one that was saved, gives the same counts and raises
    the same errors. It is a `ParamCount` like any other: what needs sympy, such as `expr` or
    `latex`, imports it when it is asked for. `graph` alone is not stored, and source files are
    named relative to where modules are imported from.

    Nothing in the file is executed. What is damaged, unknown or beyond the limits of the format
    is refused, with its place in the document. Formulas are read, and so refused, when they are
    asked for: a file is opened as fast whatever the size of its formulas.

    Returns:
        The formulas by their names.

    Raises:
        StoredFormulaError: the file holds no formulas, or those of another version.
        OSError: the file cannot be read.

    >>> import symcount, tempfile
    >>> from pathlib import Path
    >>> from torch import nn
    >>> path = Path(tempfile.mkdtemp()) / "formulas.json"
    >>> symcount.derive(nn.MultiheadAttention).save(path)
    >>> formulas = symcount.load(path)
    >>> list(formulas), formulas["MultiheadAttention"](512, 8)
    (['MultiheadAttention'], 1050624)
    """
    from symcount.storage import file

    return file.load(path, ParamCount)


def save(path: str | Path, formulas: Mapping[str, ParamCount]) -> None:
    """Write formulas to a file, each under a name, for `load`; the whole file or nothing.

    Every formula is read back and compared before anything is written. Files of source lines are
    named relative to where modules are imported from, so the file is the same on every machine.

    Args:
        path: the file, such as `formulas.json`; what is there is replaced.
        formulas: the formulas by their names.

    Raises:
        ArgumentError: a name is no text, or a value is no formula.
        StoredFormulaError: a formula is beyond the limits of what is stored; the message says
            which, where and which limit.
        OSError: the file cannot be written; what was there is there still.

    >>> import symcount, tempfile
    >>> from pathlib import Path
    >>> from torch import nn
    >>> path = Path(tempfile.mkdtemp()) / "formulas.json"
    >>> symcount.save(path, {"linear": symcount.derive(nn.Linear)})
    >>> symcount.load(path)["linear"](64, 10)
    650
    """
    from symcount.storage import writing

    writing.save(path, formulas)
