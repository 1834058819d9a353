"""`ParamCount`, the public class: a formula, and a method for each question people ask of it."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, Literal, overload

from symcount.formula.formula import Formula, formula_of
from symcount.symbols import LARGEST_CANDIDATE, Hyperparameter, SymbolLike, name_of

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    import sympy
    import torch.fx
    from matplotlib.axes import Axes
    from numpy.typing import NDArray
    from sympy.logic.boolalg import Boolean

    from symcount.display.plots.curves import Against
    from symcount.display.summary import Summary
    from symcount.factory.origin import Origin
    from symcount.formula.arrays import Sizes
    from symcount.formula.breakdown import Breakdown, Contribution
    from symcount.formula.certificate import Certificate
    from symcount.questions.comparison import Comparison
    from symcount.questions.growth import Growth, Marginal
    from symcount.questions.search import Match
    from symcount.questions.shares import Shares
    from symcount.questions.training_memory import Memory
    from symcount.sweep import Sweep


@dataclass(frozen=True, repr=False)
class ParamCount:
    """An exact closed form of the parameter count of what a factory builds.

    Call it with the hyper-parameters, in the factory's order or by name: it returns the exact
    count as a Python int of any size, and allocates nothing. Outside `domain` it raises
    `DomainError`. `trainable`, `frozen`, `buffers` and `nbytes` are formulas of the same kind.

    Formulas are immutable, hashable and picklable. Two are equal if they are the same function,
    written in the same normal form, on the same domain, of the same symbols and defaults.
    `certificate` says what was done to trust a formula, and `origin` how it was derived.
    `formula` is what symcount itself works on; it may change from version to version.

    >>> import symcount
    >>> from torch import nn
    >>> count = symcount.derive(lambda dim, expansion=4: nn.Linear(dim, expansion * dim))
    >>> print(count)
    dim**2*expansion + dim*expansion
    >>> count(512), count(dim=512, expansion=2)
    (1050624, 525312)
    """

    formula: Formula

    # --- what it is ---

    @property
    def factory(self) -> str:
        """The name of the factory."""
        return self.formula.factory

    @property
    def hyperparameters(self) -> tuple[Hyperparameter, ...]:
        """The symbols as they were declared, in the order in which a call takes them."""
        return self.formula.hyperparameters

    @property
    def symbols(self) -> tuple[sympy.Symbol, ...]:
        """The symbols of `expr` and `domain`, in the same order."""
        return self.formula.symbols

    @property
    def defaults(self) -> dict[str, int | float]:
        """The symbols that may be left out of a call, and what they are then."""
        return self.formula.defaults

    @property
    def fixed(self) -> tuple[tuple[str, str], ...]:
        """The parameters of the factory that are no symbols, and their values as texts."""
        return self.formula.fixed

    @property
    def certificate(self) -> Certificate:
        """The record of how the formula was verified."""
        return self.formula.certificate

    @property
    def origin(self) -> Origin | None:
        """How the formula was derived; None if it was computed from others."""
        return self.formula.origin

    @property
    def expr(self) -> sympy.Expr:
        """The formula as a sympy expression in positive integer symbols.

        An expanded polynomial in the symbols and `floor`, `ceiling`, `Max`, `Min` and `Mod` atoms,
        with a `Piecewise` for each choice. It says nothing outside `domain`.
        """
        return self.formula.expr

    @property
    def domain(self) -> Boolean:
        """The sizes at which the formula holds: a sympy Boolean over `symbols`."""
        return self.formula.domain

    @property
    def function(self) -> Callable[..., int]:
        """The formula as a plain Python function: exact as a call, and faster.

        It has the symbols for parameters, with their defaults, so it takes what a call takes and
        raises what a call raises, but that names and numbers of arguments that do not fit are
        Python's own `TypeError`. A call of a formula is a call of this function through two more
        layers. For small formulas these take longer than the arithmetic; use the function in a
        loop.

        >>> import symcount
        >>> from torch import nn
        >>> heads = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads)).function
        >>> heads(64), heads(64, heads=4)
        (16640, 16640)
        """
        return self.formula.function

    def __str__(self) -> str:
        return str(self.formula)

    def __repr__(self) -> str:
        return repr(self.formula).replace("Formula", "ParamCount", 1)

    def __call__(self, /, *args: int | float, **kwargs: int | float) -> int:
        """Count exactly at these values of the hyper-parameters.

        Returns:
            The count, an integer of any size.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer.
            DomainError: the formula does not hold there; the message says why.
        """
        return self.formula(*args, **kwargs)

    # --- at arrays of sizes ---

    @overload
    def evaluate(  # type: ignore[overload-overlap]
        self,
        /,
        *args: Sizes,
        dtype: Literal["int64"] = "int64",
        fill: int | None = None,
        **kwargs: Sizes,
    ) -> NDArray[np.int64]: ...
    @overload
    def evaluate(  # type: ignore[overload-overlap]
        self,
        /,
        *args: Sizes,
        dtype: Literal["float64"],
        fill: float | None = None,
        **kwargs: Sizes,
    ) -> NDArray[np.float64]: ...
    @overload
    def evaluate(
        self,
        /,
        *args: Sizes | torch.Tensor,
        dtype: Literal["int64", "float64"] = "int64",
        fill: float | None = None,
        **kwargs: Sizes | torch.Tensor,
    ) -> torch.Tensor: ...

    def evaluate(
        self,
        /,
        *args: Any,
        dtype: Literal["int64", "float64"] = "int64",
        fill: int | float | None = None,
        **kwargs: Any,
    ) -> Any:
        """Count exactly at arrays of sizes: what a call returns, for each of them.

        Arguments are given as in a call. They are NumPy arrays of integers, ranges, torch tensors
        of integers or plain integers, in any mixture of shapes that broadcast together; a real
        symbol takes floats too. Arrays are not copied whole, and never changed.

        Args:
            *args: sizes, in the order of the symbols.
            dtype: "int64" for exact counts. "float64" for the doubles nearest to the exact counts,
                which may be larger; those up to 2**53 are exact.
            fill: what the result holds outside the domain. Without it, a size there raises.
            **kwargs: sizes, by the symbols' names.

        Returns:
            An array of the broadcast shape. A torch tensor, on the device of the arguments, if a
            tensor is among them.

        Raises:
            ArgumentError: a value is missing, unknown or no array of integers, or shapes do not
                broadcast together.
            DomainError: the formula does not hold at a size; the message names the first.
            CountOverflowError: a count does not fit int64, or a double. That an intermediate result
                would not is no error.

        >>> import numpy as np
        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.evaluate(np.array([64, 128, 256]))
        array([ 16640,  66048, 263168])
        >>> count.evaluate(dim=range(60, 70, 2), heads=np.array([[4], [6]]), fill=-1)
        array([[14640,    -1, 16640,    -1, 18768],
               [14640,    -1,    -1, 17688,    -1]])
        """
        from symcount.formula import arrays

        return arrays.counts(self.formula, args, kwargs, dtype, fill)

    @overload
    def valid(  # type: ignore[overload-overlap]  # as plain numbers are sizes, too
        self, /, *args: int | float | np.integer[Any], **kwargs: int | float | np.integer[Any]
    ) -> bool: ...
    @overload
    def valid(  # type: ignore[overload-overlap]
        self, /, *args: Sizes, **kwargs: Sizes
    ) -> NDArray[np.bool_]: ...
    @overload
    def valid(
        self, /, *args: Sizes | torch.Tensor, **kwargs: Sizes | torch.Tensor
    ) -> torch.Tensor: ...

    def valid(self, /, *args: Any, **kwargs: Any) -> Any:
        """Tell whether the formula holds at these values, given as in a call, or as arrays.

        Returns:
            A bool for plain numbers; for arrays, as `evaluate` takes them, an array of booleans of
            the broadcast shape, or a torch tensor of them.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer.

        >>> import numpy as np
        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.valid(64), count.valid(60), count.valid(60, heads=6)
        (True, False, True)
        >>> count.valid(dim=np.arange(62, 66), heads=np.array([[2], [5]]))
        array([[ True, False,  True, False],
               [False, False, False,  True]])
        """
        given = (*args, *kwargs.values())
        if not any(hasattr(each, "__len__") and getattr(each, "ndim", 1) for each in given):
            return self.formula.valid(*args, **kwargs)
        from symcount.formula import arrays

        return arrays.mask(self.formula, args, kwargs)

    # --- questions ---

    def valid_values(
        self,
        symbol: SymbolLike,
        /,
        between: tuple[int, int] = (0, LARGEST_CANDIDATE),
        **others: int | float,
    ) -> list[int]:
        """List the values of one symbol at which the formula holds, the others being given.

        Args:
            symbol: an integer symbol, or its name.
            between: the least and the greatest value to try, both included.
            **others: values of the other symbols; those with a default may be left out.

        Returns:
            The values, in ascending order.

        Raises:
            ArgumentError: there is no such symbol, a value is missing, or `between` is no range.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.valid_values("dim", between=(50, 90))
        [56, 64, 72, 80, 88]
        """
        from symcount.questions import solve

        return solve.valid_values(self.formula, name_of(symbol), between, others)

    @overload
    def solve(
        self,
        symbol: SymbolLike,
        /,
        total: int | float | str,
        *,
        want: Literal["largest", "nearest"] = "largest",
        between: tuple[int, int | None] = (0, None),
        **others: int | float,
    ) -> int: ...
    @overload
    def solve(
        self,
        symbol: SymbolLike,
        /,
        total: int | float | str,
        *,
        want: Literal["exact"],
        between: tuple[int, int | None] = (0, None),
        **others: int | float,
    ) -> list[int]: ...

    def solve(
        self,
        symbol: SymbolLike,
        /,
        total: int | float | str,
        *,
        want: Literal["largest", "nearest", "exact"] = "largest",
        between: tuple[int, int | None] = (0, None),
        **others: int | float,
    ) -> int | list[int]:
        """Find the value of one symbol that a budget buys, the others being given: with a proof.

        The formula need not be monotone, and the domain may have gaps: what is not an answer is
        excluded by bounds of the count on ranges of the symbol, up to infinity.

        Args:
            symbol: an integer symbol, or its name.
            total: the budget, in what the formula counts; 7e9 and `"7B"` are as good as
                7_000_000_000. Of bytes, `"80 GB"` are powers of 1000, and `"80 GiB"` of 1024.
            want: the `"largest"` valid value whose count is within the budget; the valid value
                whose count is `"nearest"` to it, the smaller of two; or the list of all values
                whose count is it, `"exact"`.
            between: the least and the greatest value to consider, both included; None for no end.
            **others: values of the other symbols; those with a default may be left out.

        Returns:
            The value; a list of them if `want` is `"exact"`.

        Raises:
            ArgumentError: there is no such symbol, a value is missing, or the budget is no count.
            NoSolutionError: no valid value is within the budget, or none is valid at all.
            UnboundedError: the count does not exceed the budget however large the symbol is.
            UndecidedError: so many ranges had to be looked at that the question was given up.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.solve("dim", 1e6), count.solve("dim", "1M"), count.nbytes.solve("dim", "4 MiB")
        (496, 496, 504)
        >>> count.solve("dim", 1e6, want="nearest", heads=12), count(dim=504, heads=12)
        (504, 1018080)
        """
        from symcount.questions import solve

        return solve.solve(self.formula, name_of(symbol), total, want, between, others)

    def search(
        self,
        /,
        *,
        total: int | float | str | tuple[int | float | str, int | float | str],
        keep: str | None = None,
        limit: int | None = 10,
        **symbols: Any,
    ) -> list[Match]:
        """Find the combinations of sizes whose count is in a range, best first; none is missed.

        Args:
            total: the least and the greatest count, both included, or the only one; as for `solve`
                also `("6B", "8B")`.
            keep: what else is to hold: comparisons of symbols and numbers, joined by `and`. With
                `near`, as in `"dim/n_layer near 64 and dim % 64 == 0"`, combinations are sorted
                by how near they are, relatively.
            limit: how many to return at most; None for all.
            **symbols: for each symbol the values to try, a range or any iterable, or one value;
                those with a default may be left out.

        Returns:
            The combinations, sorted by `distance` from what is to be near, then by how far the
            count is from the middle of `total`.

        Raises:
            ArgumentError: a symbol is unknown or missing, there is nothing to try, or `keep` is
                not understood; the message points at the place.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda d, h: nn.Sequential(nn.Linear(d, h), nn.Linear(h, d)))
        >>> for match in count.search(total=(90e3, 110e3), d=range(1, 999), h=range(1, 999),
        ...                           keep="h/d near 4 and d % 8 == 0", limit=2):
        ...     print(match)
        d=112, h=448: 100,912
        d=112, h=447: 100,687
        """
        from symcount.questions import search

        return search.search(self.formula, total, keep, limit, symbols)

    def sweep(
        self,
        /,
        *,
        where: str | Sequence[str] = (),
        columns: Sequence[str] = (),
        order: str | Sequence[str] = (),
        limit: int | None = None,
        into: str | Path | None = None,
        **symbols: Any,
    ) -> Sweep:
        """Count at every combination of sizes, in DuckDB; a hundred million take seconds.

        All is exact, as a call is: integers that do not fit raise. What does not fit in memory
        goes to disk. It needs DuckDB (`pip install 'symcount[sweep]'`), and neither torch nor
        sympy.

        Args:
            where: what is to hold, one or more texts of comparisons joined by `and`, such as
                `"total <= 7e9 and d/n_layer <= 128"`, of symbols, columns and numbers, as `keep`
                of `search` takes them, but for `near`.
            columns: what is shown beside the symbols and the `total`: of the same modules,
                `"trainable"`, `"frozen"`, `"buffers"` or `"bytes"`.
            order: the columns to sort by, with a minus for the greatest first: `"-total"`. Rows
                that are not written to a file are in the order of the symbols otherwise.
            limit: how many rows to return or write at most; None for all.
            into: a file to write the rows to, `.parquet` or `.csv`, as a whole or not at all.
            **symbols: for each symbol the values to try, a range or any iterable, or one value;
                those with a default may be left out.

        Returns:
            The rows, unless they were written to a file, and how many candidates there were.

        Raises:
            ArgumentError: a symbol is unknown or missing, or a text is not understood.
            CountOverflowError: a number does not fit 128 bits, or is no exact double.
            MissingDependencyError: DuckDB is not installed.
            UnsupportedError: DuckDB cannot compute a step as Python does.
            OSError: the file cannot be written, or the disk is full.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads: nn.MultiheadAttention(dim, heads))
        >>> found = count.sweep(dim=range(64, 1025, 64), heads=[8, 12, 16],
        ...                     where="total <= 1e6 and dim/heads >= 32", order="-total", limit=2)
        >>> print(found)
        48 candidates; 33 of the sizes asked for; 7 outside of the domain; 5 kept
        >>> found.columns, found.rows
        (('dim', 'heads', 'total'), ((448, 8, 804608), (384, 8, 591360)))
        """
        from symcount.sweep import sweep

        return sweep(self.formula, where, columns, order, limit, into, symbols)

    def marginal(self, symbol: SymbolLike, /, **at: int | float) -> Marginal:
        """Compute what the next valid value of a symbol costs, from a point on.

        Args:
            symbol: an integer symbol, or its name.
            **at: values of all symbols, this one included; those with a default may be left out.

        Returns:
            The next valid value, and the difference of the counts.

        Raises:
            ArgumentError: a symbol is unknown or missing.
            DomainError: the formula does not hold at the point.
            NoSolutionError: it is proved that there is no greater valid value.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda dim, heads=8: nn.MultiheadAttention(dim, heads))
        >>> count.marginal("dim", dim=64)
        Marginal(symbol='dim', value=64, next=72, cost=4384)
        """
        from symcount.questions import growth

        return growth.marginal(self.formula, name_of(symbol), at)

    def growth(self, symbol: SymbolLike, /, **others: int | float) -> Growth:
        """Find how the count grows with one symbol: its leading term and its order, exactly.

        The count divided by the term goes to 1 as the symbol goes to infinity. Symbols that are
        not given stay symbols of the term. Where the domain ends at a declared maximum, or where
        float arithmetic would round, the growth is that of the formula before it.

        Args:
            symbol: an integer symbol, or its name.
            **others: values of other symbols.

        Returns:
            The leading term, and the power of the symbol in it.

        Raises:
            ArgumentError: there is no such symbol.
            UndecidedError: the leading term depends on what is not given, differs between values
                of any size, or is not known.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda d, r=4: nn.Linear(d, max(8, d // r), bias=False))
        >>> count.growth("d")
        Growth(symbol='d', order=2, term=d**2/r)
        """
        from symcount.questions import growth

        return growth.growth(self.formula, name_of(symbol), others)

    def share(self, depth: int = 1) -> Shares:
        """Divide each part by the whole: fractions, as formulas that add up to one.

        Args:
            depth: how many levels of modules to take apart. Parameters of a module above that
                depth are a part of its own path, "" for the whole module's.

        Returns:
            The fraction of each part, by its path.

        Raises:
            ArgumentError: the depth is no positive integer.

        >>> import symcount
        >>> from torch import nn
        >>> def mlp(d):
        ...     return nn.Sequential(nn.Linear(d, 4 * d, bias=False), nn.LayerNorm(4 * d))
        >>> share = symcount.derive(mlp).share()
        >>> share["1"].expr, share["1"](64), share["1"].limit("d")
        (8*d/(4*d**2 + 8*d), Fraction(1, 33), 0)
        """
        from symcount.questions import shares

        return shares.shares(self.formula, depth)

    def compare(
        self,
        other: ParamCount,
        /,
        over: SymbolLike | None = None,
        *,
        between: tuple[int, int | None] = (0, None),
        **fixed: int | float,
    ) -> Comparison:
        """Compare with another formula: which is less, where, and whether that is proved.

        Symbols of the same name are the same. Without `over`, it is asked which relation holds at
        all sizes where both formulas do, and z3 has to prove it: `relation` is `"unknown"` if it
        cannot. With `over`, the others are fixed, by keyword or by default, and `spans` says which
        relation holds between which values of that symbol: crossovers are exact, and none is
        missed.

        Args:
            other: the other formula, called on the right.
            over: the symbol to go along, or its name.
            between: the least and the greatest value of it, both included; None for no end.
            **fixed: values of other symbols, of either formula.

        Returns:
            The relation, and the difference of the formulas.

        Raises:
            ArgumentError: a symbol is unknown or missing, or the two have different defaults.
            UndecidedError: so many ranges had to be looked at that the question was given up.

        >>> import symcount
        >>> from torch import nn
        >>> square = symcount.derive(lambda d: nn.Linear(d, d, bias=False))
        >>> thin = symcount.derive(lambda d, r=8: nn.Linear(d, 2 * r, bias=False))
        >>> print(square.compare(thin, over="d"))
        d from 1 to 15: <
        d=16: ==
        d from 17 on: >
        >>> print(square.compare(thin, r=8).difference)
        d**2 - 16*d
        """
        from symcount.questions import comparison

        return comparison.compare(self.formula, formula_of(other), name_of(over), between, fixed)

    # --- other measures ---

    @cached_property
    def trainable(self) -> ParamCount:
        """The formula of the parameters with `requires_grad`, of the same modules.

        Of bytes, their bytes; so are `frozen` and `buffers`.
        """
        return ParamCount(self.formula.measuring(kind="parameter", trainable=True))

    @cached_property
    def frozen(self) -> ParamCount:
        """The formula of the parameters without `requires_grad`."""
        return ParamCount(self.formula.measuring(kind="parameter", trainable=False))

    @cached_property
    def buffers(self) -> ParamCount:
        """The formula of the elements in buffers."""
        return ParamCount(self.formula.measuring(kind="buffer", trainable=None))

    @cached_property
    def nbytes(self) -> ParamCount:
        """The formula of the bytes that what is counted takes, each tensor in its own dtype."""
        return ParamCount(self.formula.measuring(in_bytes=True))

    def by_dtype(self) -> dict[str, ParamCount]:
        """Take the formula apart by dtype.

        Returns:
            A formula for each dtype; they add up to the whole.
        """
        from symcount.formula import breakdown

        return {key: ParamCount(each) for key, each in breakdown.by_dtype(self.formula).items()}

    # --- formulas from this one ---

    def substitute(self, /, **expressions: Any) -> ParamCount:
        """Put expressions in the place of symbols, exactly wherever they are values of these.

        At any values of the symbols that are left it gives what this formula gives at the values
        that the expressions have there. Where an expression is no value of its symbol, since it is
        no integer, less than 1 or outside of what is declared, the new formula does not hold. All
        expressions are put in at once, so `substitute(a="b", b="a")` swaps.

        Names in an expression that are no symbols of the formula become new ones, positive
        integers, in the place of what they replace. A new name in the place of one symbol, and
        nowhere else, has its range and its default. The parts of the formula, its graphs too, are
        of the new symbols; the certificate is of the old ones, and lists what was substituted.

        Args:
            **expressions: for each symbol an integer, a text such as `"4*d"`, or a sympy
                expression, of integers and symbols with `+ - * / // % **`, `min`, `max`, `floor`
                and `ceil`. `d/64` is exact, so d has to be a multiple of 64. A float symbol can be
                replaced by a number or by another name only.

        Returns:
            The formula of the new symbols.

        Raises:
            ArgumentError: there is no such symbol, or an expression is no integer arithmetic.
            DomainError: an expression has no value that its symbol may have, or nothing is built
                at those.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda d, f: nn.Sequential(nn.Linear(d, f), nn.Linear(f, d)))
        >>> print(count.substitute(f="4*d"))
        8*d**2 + 5*d
        >>> narrow = count.substitute(d=512, f="8*n/3")
        >>> print(narrow, "where", narrow.domain)
        8200*n/3 + 512 where Eq(Mod(n, 3), 0)
        """
        from symcount.formula.rewriting import substitute

        return ParamCount(substitute(self.formula, expressions))

    def rename(self, /, **names: SymbolLike) -> ParamCount:
        """Give the symbols other names; nothing else changes.

        All are renamed at once, so `rename(a="b", b="a")` swaps. Ranges, defaults and the factory's
        parameters that a symbol stands for stay, and so does the certificate, in the new names.

        Args:
            **names: for each symbol, its new name, a Python identifier.

        Returns:
            The formula in the new names.

        Raises:
            ArgumentError: there is no such symbol, the name is none, or two symbols would have it.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda in_features: nn.Linear(in_features, 10))
        >>> print(count.rename(in_features="d"))
        10*d + 10
        """
        from symcount.formula.rewriting import rename

        new = {name: name_of(given) for name, given in names.items()}
        return ParamCount(rename(self.formula, new))

    def short(self, /, **names: SymbolLike) -> ParamCount:
        """Rename the symbols as papers call them, where their names are known.

        `d` is a width, `L` a number of layers, `h` of heads, `k` of those of keys and values, `f`
        the inner width of feed-forward layers, `V` a vocabulary, `E` a number of experts and `T`
        of positions. Other symbols keep their names, and so does the second of two that would
        have the same letter.

        Args:
            **names: names that you choose for some, as for `rename`.

        Returns:
            The formula in these names.

        Raises:
            ArgumentError: as `rename` does.

        >>> import symcount
        >>> from torch import nn
        >>> def mlp(hidden_size, intermediate_size, n_layer):
        ...     block = lambda: [nn.Linear(hidden_size, intermediate_size),
        ...                      nn.Linear(intermediate_size, hidden_size)]
        ...     return nn.Sequential(*(each for _ in range(n_layer) for each in block()))
        >>> count = symcount.derive(mlp).short()
        >>> print(count)
        2*L*d*f + L*d + L*f
        >>> print(f"{count:layers}")
        L*(2*d*f + d + f)
        """
        from symcount.formula.short_names import short

        new = {name: name_of(given) for name, given in names.items()}
        return ParamCount(short(self.formula, new))

    def select(self, *patterns: str) -> ParamCount:
        """Keep the parameters whose name, or a module they are in, matches a pattern.

        Patterns are those of `fnmatch`: `*` stands for any text, dots included, and `?` and
        `[0-9]` for one character. Names are those of `breakdown()`. A loop over a symbol makes
        `{0..n-1}` in a name, which stands for every number there: `*` matches it, and a pattern
        that only some of its iterations match is an error, since they are one sum.

        Args:
            *patterns: one or more; a parameter that several match counts once.

        Returns:
            The formula of these, on the domain of the whole. With that of `without` it adds up to
            the whole, but for tied parameters: a parameter that has two names is found under
            both, and `without` leaves it out only if both match.

        Raises:
            ArgumentError: a pattern matches nothing, or some iterations of a loop and not all.

        >>> import symcount
        >>> from torch import nn
        >>> def moe(dim, hidden, n_experts=8):
        ...     experts = nn.ModuleList(nn.Linear(dim, hidden) for _ in range(n_experts))
        ...     router = nn.Linear(dim, n_experts, bias=False)
        ...     return nn.ModuleDict({"router": router, "experts": experts})
        >>> count = symcount.derive(moe)
        >>> print(count.select("experts.*"), "and", count.without("experts.*"))
        dim*hidden*n_experts + hidden*n_experts and dim*n_experts
        """
        from symcount.formula.selecting import select

        return ParamCount(select(self.formula, patterns))

    def without(self, *patterns: str) -> ParamCount:
        """Keep all parameters but those of which every name matches; it takes what `select` does.

        A head that is tied to an embedding stays when the embedding is left out.

        Returns:
            The formula of these, on the domain of the whole.

        >>> import symcount
        >>> from torch import nn
        >>> print(symcount.derive(lambda d: nn.Linear(d, 10)).without("bias"))
        10*d
        """
        from symcount.formula.selecting import without

        return ParamCount(without(self.formula, patterns))

    def active(self, experts: str = "*.experts.*", *, per_token: int | SymbolLike) -> ParamCount:
        """Count what a mixture of experts uses for a token: so many of its experts, and all else.

        The router stays whole, since it scores all experts. How many experts there are is seen in
        the modules: in the numbers of their names, `layers.0.experts.7.up.weight`, or where one
        tensor holds all, in its first size, which has to be that of the router, too. Experts that
        differ in their parameters are refused. The result is a formula of the experts that are
        used, `experts.{0..k-1}`, and holds where there are that many; it has no `origin`.

        Args:
            experts: a pattern of the experts' names, as for `select`.
            per_token: how many experts a token is sent to, or the name of a symbol for it: one of
                the formula, or a new one.

        Returns:
            The formula of the active parameters.

        Raises:
            ArgumentError: the pattern matches nothing, the experts are not alike, or it is not seen
                how many there are.
            DomainError: there are fewer than `per_token` at all sizes.

        Source: Jiang et al. 2024, "Mixtral of Experts", section 2.1; DeepSeek-AI 2024,
        "DeepSeek-V3 Technical Report", section 2.1.2.

        >>> import symcount
        >>> from torch import nn
        >>> def moe(dim, hidden, n_experts=8):
        ...     experts = nn.ModuleList(nn.Linear(dim, hidden) for _ in range(n_experts))
        ...     router = nn.Linear(dim, n_experts, bias=False)
        ...     return nn.ModuleDict({"router": router, "experts": experts})
        >>> active = symcount.derive(moe).active("experts", per_token="k")
        >>> print(active, "where", active.domain)
        dim*hidden*k + dim*n_experts + hidden*k where k < n_experts + 1
        >>> active(64, 256, k=2)
        33792
        """
        from symcount.formula.experts import active

        return ParamCount(active(self.formula, experts, name_of(per_token)))

    def memory(
        self,
        dtype: Any = None,
        optimizer: str | type = "adamw",
        shards: int | SymbolLike = 1,
        zero: int = 0,
        *,
        master_weights: bool = False,
        gradients: Any = None,
    ) -> Memory[ParamCount]:
        """Count the bytes of weights, gradients and optimizer state on one device.

        What is counted are the elements of tensors: no activations, no buffers, no scalars such as
        an optimizer's count of steps, and nothing of what an allocator or a collective operation
        takes besides. Frozen parameters have neither gradients nor state.

        Under ZeRO, what a stage divides is divided evenly: the parameters of one dtype, trainable
        and frozen ones apart, are laid end to end, and each device holds as many elements as the
        largest piece has, `ceil(size / shards)`. Stage 1 divides the optimizer state, stage 2 the
        gradients too, and stage 3 the weights as well; what is not divided is on every device.

        Elements of less than a byte are packed: those of one dtype are laid end to end, trainable
        and frozen ones apart, and the last byte is a whole one. A library that packs each tensor
        for itself takes up to a byte more for each with an odd number of them, and besides what
        it keeps to scale them, which is not counted. Integers and elements of 4 bits have no
        gradients in torch: such weights count as frozen, unless `gradients` says in which dtype
        their gradients are; the state is in that dtype then too.

        Args:
            dtype: of the weights that are floats, as after `module.to(dtype)`; None keeps that of
                each parameter. A dtype of torch or its name, also `"bf16"`, `"fp16"`, `"fp32"`,
                `"fp8"`; for weights that are kept in it, `"int8"`, `"int4"`, `"nf4"`, `"fp4"` and
                other integers.
            optimizer: in any case, also as a class of `torch.optim`: `"sgd"`, `"adam"`, `"adamw"`,
                `"adagrad"`, `"rmsprop"`, `"adadelta"`, `"adamax"`, `"nadam"` or `"radam"`, some
                also `"sgd+momentum"`, `"rmsprop+momentum"`, `"adam+amsgrad"`, `"adamw+amsgrad"`.
            shards: the number of devices, or the name of a new symbol for it.
            zero: the stage of ZeRO, 0 for none.
            master_weights: whether the optimizer keeps a float32 copy of the weights, and its state
                in float32, as in mixed-precision training. Otherwise its state has the dtype of
                the weights, as torch makes it.
            gradients: the dtype of gradients; None for that of the weights.

        Returns:
            Their formulas, and that of their sum.

        Raises:
            ArgumentError: an argument is none of these, or this is no formula of parameters.

        Source: Rajbhandari et al. 2020, "ZeRO: Memory Optimizations Toward Training Trillion
        Parameter Models", figure 1 and section 3.1: Adam in mixed precision takes 2 + 2 + 12 bytes
        a parameter.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda n: nn.Linear(n, 1, bias=False))
        >>> mixed = count.memory("float16", "adam", shards=64, zero=1, master_weights=True)
        >>> print(mixed)
        bytes per device: float16 weights, adam in float32 with master weights,
                          ZeRO stage 1 over 64 devices
          weights    2*n
          gradients  2*n
          optimizer  12*ceiling(n/64)
          total      4*n + 12*ceiling(n/64)
        >>> mixed.total(7_500_000_000)
        31406250000
        >>> print(count.memory("nf4"))
        bytes per device: nf4 weights, no gradients, no ZeRO
          weights    ceiling(n/2)
          gradients  0
          optimizer  0
          total      ceiling(n/2)
        """
        from symcount.questions.training_memory import memory

        shards = name_of(shards)
        found = memory(self.formula, dtype, optimizer, shards, zero, master_weights, gradients)
        return found.of(ParamCount)

    # --- arithmetic ---

    __array_ufunc__ = None  # integers of numpy leave it to the formula

    def __add__(self, other: ParamCount | int) -> ParamCount:
        """Add another formula, or an integer; exactly, wherever both hold.

        `a - b`, `3 * a`, `-a` and `a // b` likewise, so `sum([a, b])` too. The result is a formula
        as others are, of the symbols of both; it may be negative. What both count is added tensor
        by tensor, so a sum has a `breakdown`, `nbytes` and `trainable` of its own. Its certificate
        has the weaker grade and the assumptions of both. It has no `origin`.

        Raises:
            ArgumentError: one is of bytes and the other is not, or a symbol of both is declared
                differently.
            DomainError: there are no sizes at which both hold.

        >>> import symcount
        >>> from torch import nn
        >>> def mlp(d, f):
        ...     return nn.ModuleDict({"up": nn.Linear(d, f), "down": nn.Linear(f, d)})
        >>> count = symcount.derive(mlp)
        >>> up, down = count.select("up"), count.select("down")
        >>> print(up - down)
        -d + f
        >>> print(12 * count + symcount.derive(lambda d: nn.Embedding(50257, d)))
        24*d*f + 50269*d + 12*f
        """
        from symcount.formula import arithmetic

        return _computed(arithmetic.add, self, other)

    __radd__ = __add__

    def __sub__(self, other: ParamCount | int) -> ParamCount:
        from symcount.formula import arithmetic

        return _computed(partial(arithmetic.add, times=-1), self, other)

    def __rsub__(self, other: int) -> ParamCount:
        return -self + other

    def __neg__(self) -> ParamCount:
        return self * -1

    def __mul__(self, factor: int) -> ParamCount:
        from symcount.formula import arithmetic

        is_formula = isinstance(factor, ParamCount)
        return NotImplemented if is_formula else _computed(arithmetic.multiply, self, factor)

    __rmul__ = __mul__

    def __floordiv__(self, divisor: ParamCount | int) -> ParamCount:
        """Divide by another formula, or by an integer, rounded down as Python rounds.

        The quotient is one number: it has no parts, no dtypes and no bytes, and neither has what is
        computed with it. It does not hold where the divisor is 0.

        Raises:
            ArgumentError, DomainError: as for `+`; the divisor is 0 at all sizes.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda d: nn.Linear(d, d))
        >>> print(count // 8)
        floor(d**2/8 + d/8)
        >>> (10**9 // count)(100)
        99009
        """
        from symcount.formula import arithmetic

        return _computed(arithmetic.divide, self, divisor)

    def __rfloordiv__(self, number: int) -> ParamCount:
        from symcount.formula import arithmetic

        return _computed(arithmetic.divide_by, self, number)

    # --- its parts ---

    def breakdown(self) -> Breakdown[ParamCount]:
        """Take the formula apart by parameter and by module path; both add up to the whole.

        Returns:
            A formula for each.

        >>> import symcount
        >>> from torch import nn
        >>> print(symcount.derive(lambda d: nn.Sequential(nn.Linear(d, 10), nn.ReLU())).breakdown())
        (all): 10*d + 10
          0: 10*d + 10
            weight: 10*d
            bias: 10
        """
        from symcount.formula import breakdown

        return breakdown.breakdown(self.formula).of(ParamCount)

    def summary(self, /, *, depth: int | None = None, **sizes: int | float) -> Summary:
        """Summarise the modules: their types, formulas and counts, and the totals.

        `print` shows it as a table, which fits the terminal. Totals are those of all parameters,
        of the trainable ones and of the others, and of their bytes, in MiB: 2**20 bytes.

        Args:
            depth: how many levels of modules to take apart, and to show; all if not given.
            **sizes: values of the symbols; those with a default may be left out. Without any, the
                counts are those at the defaults if all symbols have one; else there are formulas.

        Returns:
            The rows and the totals.

        Raises:
            ArgumentError: a value is missing, unknown, or no integer, or the depth is negative.
            DomainError: the formula does not hold at these sizes.

        >>> import symcount
        >>> from torch import nn
        >>> def mlp(d):
        ...     return nn.Sequential(nn.Linear(d, 4 * d), nn.ReLU(), nn.Linear(4 * d, d))
        >>> print(symcount.derive(mlp).summary(d=512, depth=1))
        <BLANKLINE>
         module  type        parameters        count  share
         ─────────────────────────────────────────────────────
         (all)   Sequential  8*d**2 + 5*d  2,099,712   100%
           0     Linear      4*d**2 + 4*d  1,050,624  50.0%
           2     Linear      4*d**2 + d    1,049,088  50.0%
        <BLANKLINE>
        counts and shares are those at d=512
        total          2,099,712
        trainable      2,099,712
        non-trainable  0
        size           8.01 MiB (8,398,848 bytes)
        """
        from symcount.display.summary import summary

        if depth is not None:
            self.formula.signature.require_no_symbol("summary", ["depth"])
        return summary(self.formula, depth, sizes or None).of(ParamCount)

    @property
    def provenance(self) -> dict[sympy.Expr, Contribution]:
        """For each term of the formula, the parameters it comes from and the lines that made them.

        A term to which several parameters add names all of them.
        """
        from symcount.formula import breakdown

        return breakdown.provenance(self.formula)

    @property
    def graph(self) -> torch.fx.Graph:
        """The arithmetic of the first path as a `torch.fx.Graph`; see `graphs` for all paths."""
        return next(iter(self.graphs.values()))

    @property
    def graphs(self) -> dict[Boolean, torch.fx.Graph]:
        """For each path on which the factory builds a module: its condition and its graph.

        Raises:
            StoredFormulaError: the formula was loaded from a file, where graphs are not stored.
        """
        from symcount.formula import breakdown

        return breakdown.graphs(self.formula)

    # --- as text and as pictures ---

    @overload
    def page(self, title: str | None = None, *, path: None = None) -> str: ...
    @overload
    def page(self, title: str | None = None, *, path: str | Path) -> None: ...

    def page(self, title: str | None = None, *, path: str | Path | None = None) -> str | None:
        """Make a page to explore the formula: one HTML file that needs nothing else.

        It has a slider and a field for each symbol, the exact count, its breakdown and its
        growth, all live, the domain and the certificate, and a link that holds the values. It
        opens from disk, and needs no network.

        Args:
            title: what the page is about; the factory's name if not given.
            path: the file to write, as a whole or not at all.

        Returns:
            The text of the file, if there is no path.

        Raises:
            MissingDependencyError: the extra `explore` is not installed.
            UnsupportedError: JavaScript would not compute a step exactly as Python does.
            OSError: the file cannot be written; what was there is there still.
        """
        from pathlib import Path

        from symcount.export import page
        from symcount.storage import atomic

        text = page.render(self.formula, title)
        if path is None:
            return text
        atomic.replace(Path(path), text)
        return None

    def save(self, path: str | Path, name: str | None = None) -> None:
        """Write the formula to a file, as a whole or not at all; `symcount.load` reads it.

        Args:
            path: the file, such as `formulas.json`; what is there is replaced.
            name: what the formula is called in the file; the factory's name if not given.

        Raises:
            StoredFormulaError: the formula is beyond the limits of what is stored.
            OSError: the file cannot be written; what was there is there still.

        `symcount.save` writes several formulas to one file.
        """
        from symcount.storage import writing

        writing.save(path, {self.factory if name is None else name: self.formula})

    def __format__(self, spec: str) -> str:
        """Write the formula as `str` does, in another way, or where it holds.

        With "layers", what is there once for each iteration of a loop is in brackets, as displays
        write it; "latex" is LaTeX, also "latex layers"; "python" a function. "domain" says in
        words where it holds, as displays do: without bounds beyond 2**40 of symbols that have a
        default or a maximum.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(lambda d: nn.Linear(d, d, bias=False))
        >>> f"{count}, or ${count:latex}$"
        'd**2, or $d^{2}$'
        >>> gpt = symcount.derive(lambda d, n: nn.ModuleList(nn.Linear(d, d) for _ in range(n)))
        >>> f"{gpt}, or {gpt:layers}"
        'd**2*n + d*n, or n*(d**2 + d)'
        >>> f"{symcount.derive(nn.MultiheadAttention):domain}"
        'embed_dim is a multiple of num_heads'
        """
        from symcount.formula import domain_words, latex, sympy_form

        words = set(spec.split())
        if words <= {"latex", "layers"}:
            if not words:
                return str(self)
            write = latex.one_line if "latex" in words else sympy_form.text
            return write(self.formula.in_layers if "layers" in words else self.expr)
        if spec == "domain":
            return domain_words.domain(self.formula)[0]
        if spec == "python":
            return self.export("python")
        raise ValueError(
            f"format(count, {spec!r}): a formula is written as '', 'layers', 'latex', 'latex "
            "layers', 'domain' or 'python'; for a number, call it with sizes"
        )

    def _repr_latex_(self) -> str:
        from symcount.formula import latex

        return f"$\\displaystyle {latex.in_lines(self.formula.in_layers)}$"

    def _repr_html_(self) -> str:
        from symcount.display import notebook

        return notebook.count_html(self.formula)

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(f"{self.factory}: {self}")

    def __rich__(self) -> Any:
        from symcount.display import console

        return console.formula_view(self.factory, self.formula)

    def export(self, format: str, *, dialect: str | None = None, title: str | None = None) -> str:
        r"""Write the formula as text for a document or for another program.

        Code computes what a call returns, exactly, or says at run time that it does not; what a
        language computes in another way than Python is refused.

        Args:
            format: "markdown", "rst", "html", "mathml" or "latex" for documents; "python", "numpy",
                "javascript", "c" or "sql" for code; "json" for programs.
            dialect: of SQL: "duckdb" (if not given), "postgres", "spark" or "bigquery".
            title: what the text calls the formula; the factory's name if not given.

        Returns:
            The text.

        Raises:
            ArgumentError: there is no such format or dialect.
            UnsupportedError: the language cannot compute a step as Python does.
            MissingDependencyError: the extra `sql` is not installed, and the format is "sql".

        >>> import symcount
        >>> from torch import nn
        >>> print(symcount.derive(lambda d: nn.Linear(9, d)).export("rst", title="head"))
        head
        ====
        <BLANKLINE>
        .. math::
        <BLANKLINE>
           10 d
        ...
        """
        from symcount.export import renderer

        return renderer(format, dialect).render_count(self.formula, title)

    def plot(
        self,
        symbol: SymbolLike,
        /,
        *,
        between: tuple[float, float] | None = None,
        against: Against = (),
        ax: Axes | None = None,
        **values: int | float,
    ) -> Axes:
        """Draw the count against one symbol; needs matplotlib (`pip install 'symcount[plot]'`).

        Every point drawn is a value of the formula. Lines join sizes that follow one another,
        and none crosses a gap of the domain; gaps that are wide are hatched. Where there are more
        than 8192 sizes, some are drawn, as points. Where the cheaper of two formulas changes, a
        circle marks the first size at which it has changed, or at which both are equal.

        Axes are logarithmic if what they show spans more than a factor of 16, unless `ax` has
        data already. Nothing of pyplot is used: no figure is shown, and no setting is changed.

        Args:
            symbol: the symbol along the axis, or its name.
            between: its least and greatest value, both included. If not given, up to 4096, or
                from an eighth to four times its default.
            against: other formulas to draw: one, several, or a mapping of labels to formulas.
                They have the symbol too, and take of `values` what they know. A default that is
                not that of all is to be given.
            ax: the axes to draw on; a new figure's if not given. A notebook shows these as a
                picture.
            **values: values of the other symbols; those with a default may be left out.

        Returns:
            The axes.

        Raises:
            ArgumentError: there is no such symbol, a value is missing, or the range is empty.
            DomainError: a formula holds nowhere in the range.
            MissingDependencyError: matplotlib is not installed.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(nn.MultiheadAttention)
        >>> ax = count.plot("embed_dim", between=(1, 256), num_heads=8)
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('embed_dim', 'parameters')
        """
        from symcount.display.plots import curves

        return curves.plot(self.formula, symbol, between=between, against=against, ax=ax, **values)

    def plot_share(
        self,
        symbol: SymbolLike,
        /,
        *,
        between: tuple[float, float] | None = None,
        depth: int = 1,
        ax: Axes | None = None,
        **values: int | float,
    ) -> Axes:
        """Draw which share of the count each part has, stacked, against one symbol.

        Each column shows the shares at one size, a round one if it can be; there are 48 at most.
        A column is blank if none of the sizes that were tried for it is in the domain.

        Args:
            symbol: the symbol along the axis, or its name.
            between: as in `plot`.
            depth: how deep modules are taken apart, counted from where there are several. Beyond
                the seven greatest parts, the others are one.
            ax: as in `plot`.
            **values: as in `plot`.

        Returns:
            The axes.

        Raises:
            ArgumentError: as in `plot`, or the depth is not a positive integer.
            DomainError: the formula holds at none of the sizes, or there is nothing to share.
            MissingDependencyError: matplotlib is not installed.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(nn.MultiheadAttention)
        >>> ax = count.plot_share("embed_dim", num_heads=8)
        >>> [text.get_text() for text in ax.get_legend().get_texts()]
        ['in_proj_bias', 'in_proj_weight', 'out_proj']
        """
        from symcount.display.plots import shares

        return shares.plot_share(
            self.formula, symbol, between=between, depth=depth, ax=ax, **values
        )

    def plot_map(
        self,
        x: SymbolLike,
        y: SymbolLike,
        /,
        *,
        between: Mapping[str, tuple[float, float]] | None = None,
        budgets: float | str | Iterable[float | str] = (),
        ax: Axes | None = None,
        **values: int | float,
    ) -> Axes:
        """Draw the count in colours over two symbols, with a contour for each budget.

        Each cell shows the count at one pair of sizes, round ones if there are several in it, and
        is blank if the formula does not hold there. Contours are drawn between neighbouring cells,
        and across blank ones from the nearest known on either side: where exactly a budget ends,
        ask the formula. A budget that all cells are above or below is named in a corner.

        Args:
            x: the symbol along the x axis, or its name.
            y: the symbol along the y axis, or its name.
            between: for each of the two, its least and greatest value; as in `plot` if missing.
            budgets: a count at which to draw a contour, or several; `"7B"` as for `solve`.
            ax: as in `plot`.
            **values: as in `plot`.

        Returns:
            The axes.

        Raises:
            ArgumentError: as in `plot`, or a budget is not a positive number.
            DomainError: the formula holds in none of the cells.
            MissingDependencyError: matplotlib is not installed.

        >>> import symcount
        >>> from torch import nn
        >>> count = symcount.derive(nn.MultiheadAttention)
        >>> ax = count.plot_map("embed_dim", "num_heads", budgets=[1e6])
        >>> ax.get_xlabel(), ax.get_ylabel()
        ('embed_dim', 'num_heads')
        """
        from symcount.display.plots import map

        return map.plot_map(self.formula, x, y, between=between, budgets=budgets, ax=ax, **values)

    if not TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any:
            """Return what has another name now, with a warning."""
            new, found = _renamed(self, name)
            warnings.warn(
                f"ParamCount.{name} will be gone in the next version; use {new}",
                DeprecationWarning,
                stacklevel=2,
            )
            return found


def _computed(of: Callable[..., Formula], left: ParamCount, right: object) -> ParamCount:
    """Compute with two formulas, or with one and an integer; leave anything else to Python."""
    from symcount.formula.arithmetic import is_operand

    operand = formula_of(right)
    return ParamCount(of(left.formula, operand)) if is_operand(operand) else NotImplemented


def _renamed(count: ParamCount, name: str) -> tuple[str, Any]:
    """Return the new name of what was an attribute before, and what it was.

    Raises:
        AttributeError: there was none.
    """
    if name == "latex":
        return "format(count, 'latex')", count.formula.latex
    if name == "mask":
        from symcount.formula import arrays

        return "count.valid", lambda *args, **sizes: arrays.mask(count.formula, args, sizes)
    if name == "to_page":
        return "count.page(path=...)", lambda path, title=None: count.page(title, path=path)
    if name[0] != "_" and name != "formula" and hasattr(count.formula, name):
        return f"count.formula.{name}", getattr(count.formula, name)
    raise AttributeError(f"a ParamCount has no attribute {name!r}", name=name, obj=count)
