"""Say in words where a formula holds: "dim is a multiple of heads"."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from symcount.algebra.conditions import Condition, Decision
from symcount.algebra.poly import Call, Variable, fraction, only_atom
from symcount.formula.choice_trees import Choice, choice
from symcount.formula.domain_errors import MULTIPLE, Code, Said, said
from symcount.formula.tree import strongest
from symcount.symbols import Hyperparameter, everywhere

if TYPE_CHECKING:
    from sympy.logic.boolalg import Boolean

    from symcount.formula.formula import Formula

_AS_A_FACT = {"not be": "is not", "be": "is", "not equal": "is not", "equal": "is", "hold": "holds"}
# Bounds from here on are those of exact doubles: no layer is as wide.
_NO_SIZE = 2**40


def domain(count: Formula, code: Code = str, sized: Collection[str] = ()) -> tuple[str, Boolean]:
    """Say where a formula holds, for people: in words, and as a sympy Boolean.

    A bound beyond all sizes, `dim < 9007199254740993`, up to which doubles are exact, is left out
    if each symbol in it has a default, is declared to have a maximum, or is `sized`: then a reader
    sees sizes of it that are below. `count.domain` has all bounds.

    Args:
        count: the formula.
        code: writes an expression in the text.
        sized: the symbols of which sizes are shown.
    """
    from symcount.formula import sympy_form

    known = {h.name for h in count.hyperparameters if not (h.maximum is h.default is None)}
    tree = _without_bounds(count.domain_tree, known.union(sized))
    declared = [
        (code(h.name), said) for h in count.hyperparameters for said in _declared(h) if said
    ]
    words = _in_a_row([*declared, *_needed(tree, code)])
    in_sympy = sympy_form.domain(count.hyperparameters, tree)
    values = "values" if any(h.real for h in count.hyperparameters) else "integers"
    return words or everywhere(count.hyperparameters, values), in_sympy


def _declared(h: Hyperparameter) -> Iterable[str]:
    yield f"be at least {h.minimum}" if h.minimum > h.least else ""
    yield f"be at most {h.maximum}" if h.maximum is not None else ""
    yield f"{MULTIPLE}{h.multiple_of}" if h.multiple_of > 1 else ""


def _without_bounds(tree: Any, sized: Collection[str]) -> Any:
    if not isinstance(tree, Choice):
        return tree
    then, otherwise = (_without_bounds(side, sized) for side in (tree.then, tree.otherwise))
    limit, is_below = tree.condition.right.constant, tree.condition.op in ("lt", "le")
    if limit is not None and limit >= _NO_SIZE and tree.condition.op != "eq":
        names = {base.name for base in tree.condition.atoms() if isinstance(base, Variable)}
        if (otherwise if is_below else then) is False and names <= set(sized):
            return then if is_below else otherwise
    return choice(tree.condition, then, otherwise)


def _needed(tree: Any, code: Code) -> list[Said]:
    """What has to hold together."""
    decisions: list[Decision] = []
    while isinstance(tree, Choice) and (tree.then is False or tree.otherwise is False):
        truth = tree.otherwise is False
        decisions.append((tree.condition, truth))
        tree = tree.then if truth else tree.otherwise
    found = [said(*_undivided(decision), code) for decision in strongest(decisions)]
    if not isinstance(tree, Choice):
        return found if tree else [("nothing", "be built")]
    here = said(*_undivided((tree.condition, True)), code)
    not_here = said(tree.condition, False, code)
    then, otherwise = _needed(tree.then, code), _needed(tree.otherwise, code)
    found += [each for each in then if each in otherwise]
    then, otherwise = ([each for each in side if each not in found] for side in (then, otherwise))
    if not then:
        return [*found, _either(here, otherwise)] if otherwise else found
    if not otherwise:
        return [*found, _either(not_here, then)]
    row = f"if {_fact(here)}, {_in_a_row(then)}, and otherwise {_in_a_row(otherwise)}"
    return [*found, ("", row)]


def _undivided(decision: Decision) -> Decision:
    """Write `floor(a/m) >= 3` as `a >= 3*m`, of integers."""
    condition, truth = decision
    base, limit = only_atom(condition.left), condition.right.constant
    if truth and condition.op == "ge" and isinstance(base, Call) and base.op == "floor" and limit:
        top, bottom = fraction(base.args[0])
        if all(isinstance(each, Variable) and each.least for each in bottom.atoms()):
            return Condition("ge", top, bottom.scaled(limit)), truth
    return decision


def _either(one: Said, others: Sequence[Said]) -> Said:
    subject, predicate = one
    if [other for other, _ in others] == [subject]:
        return subject, f"{predicate} or {others[0][1].removeprefix('be ')}"
    return "", f"{_fact(one)} or {_in_a_row(others)}"


def _in_a_row(all_said: Sequence[Said]) -> str:
    """One sentence; what several have to be is said once."""
    divisors: dict[str, dict[str, None]] = {}
    for subject, predicate in all_said:
        if predicate.startswith(MULTIPLE):
            divisors.setdefault(subject, {})[predicate.removeprefix(MULTIPLE)] = None
    subjects: dict[str, dict[str, None]] = {}
    for subject, predicate in all_said:
        if predicate.startswith(MULTIPLE):
            predicate = MULTIPLE + _listed(list(divisors[subject]))
        subjects.setdefault(predicate, {})[subject] = None
    facts = [
        _fact((f"each of {_listed(list(of))}" if len(of) > 1 else next(iter(of)), predicate))
        for predicate, of in subjects.items()
    ]
    return "; ".join(facts) if any(" or " in f or "," in f for f in facts) else _listed(facts)


def _listed(texts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(texts[:-1]), texts[-1]])) if texts else ""


def _fact(each: Said) -> str:
    subject, predicate = each
    for demand, fact in _AS_A_FACT.items():
        if subject and predicate.startswith(demand):
            return f"{subject} {fact}{predicate.removeprefix(demand)}"
    return predicate
