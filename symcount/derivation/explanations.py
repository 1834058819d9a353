"""Explain why a formula was thrown away, or why there is none."""

from __future__ import annotations

import ast
import dis
import inspect
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from symcount.derivation.expected import listed, written_shape
from symcount.derivation.paths import Exploration
from symcount.errors import NondeterministicError, VerificationError
from symcount.factory import building
from symcount.factory.call import FactoryCall, function_of, name_of
from symcount.formula.tree import Built, TensorSpec, Tree, leaves
from symcount.record import Source
from symcount.symbols import Values
from symcount.trace.result import Raised


def explained(
    call: FactoryCall,
    found: Exploration,
    builds: building.PlainBuilds,
    tree: Tree,
    mismatch: building.Mismatch,
) -> VerificationError | NondeterministicError:
    """Explain a mismatch: the factory is unstable, or the formula is wrong."""
    here = listed(mismatch.point)
    unstable = _unstable(call, builds, mismatch.point)
    if unstable is not None:
        return NondeterministicError(
            f"it built different modules from the same arguments ({here}): {unstable}. "
            "It is random, or keeps state between calls; make it a function of its arguments alone."
        )
    lost = lost_symbols(call, found)
    if mismatch.raised is not None:
        return VerificationError(
            f"it raises at {here}, where the formula has a value:\n"
            f"  {type(mismatch.raised).__name__}: {mismatch.raised}\n{lost}"
        )
    if mismatch.name is None:
        return VerificationError(
            f"it builds a module at {here}, where it raised when it was run on symbols.\n{lost}"
        )
    traced, built = _two_sides(tree, mismatch, mismatch.name)
    return VerificationError(
        f"the formula is wrong at {here}, so it was thrown away. "
        f"{mismatch.name!r}: traced {traced}; built {built}.\n{lost}"
    )


def _two_sides(tree: Tree, mismatch: building.Mismatch, name: str) -> tuple[str, str]:
    """Describe the tensor of a mismatch as it was traced, and as it was built."""
    traced = built = "no such tensor"
    weight = _weight_of(tree, name)
    if weight is not None and mismatch.expected is not None:
        traced = f"shape ({written_shape(weight)}), that is {_described(mismatch.expected)}" + (
            f", made at {weight.source}" if weight.source else ""
        )
    if mismatch.actual is not None:
        built = _described(mismatch.actual)
    if mismatch.counts is not None:
        traced += f", {mismatch.counts[0]} times"
        built += f", {mismatch.counts[1]} times"
    return traced, built


def _weight_of(tree: Tree, name: str) -> TensorSpec | None:
    """Return the first tensor of that name, numbers aside."""
    wanted = building.without_numbers(name)
    weights = (w for _, leaf in leaves(tree) if isinstance(leaf, Built) for w in leaf.weights)
    return next((w for w in weights if building.without_numbers(w.name) == wanted), None)


def _described(facts: building.TensorFacts) -> str:
    trainable = "" if facts.kind == "buffer" else " trainable" if facts.trainable else " frozen"
    return f"a{trainable} {facts.kind} of shape {facts.shape} and dtype {facts.dtype}"


def _unstable(call: FactoryCall, builds: building.PlainBuilds, point: Values) -> str | None:
    """Say how two plain builds at the same point differ, if they do."""
    difference = how_builds_differ(builds.again_at(point), builds.again_at(point))
    return None if difference is None else difference + changed_globals(call)


def how_builds_differ(first: building.PlainBuild, second: building.PlainBuild) -> str | None:
    """Say how two plain builds differ, if they do."""
    if isinstance(first, Exception) or isinstance(second, Exception):
        return None
    for name in {**first, **second}:
        a, b = first.get(name), second.get(name)
        if a != b:
            shapes = " and then ".join("none" if x is None else str(x.shape) for x in (a, b))
            return f"{name!r} had shape {shapes}"
    return None


def changed_globals(call: FactoryCall) -> str:
    """Name the globals that the factory's code rebinds."""
    code = getattr(call.function, "__code__", None)
    if code is None:
        return ""
    line = code.co_firstlineno
    names = []
    for instruction in dis.get_instructions(code):
        if isinstance(instruction.starts_line, int) and not isinstance(
            instruction.starts_line, bool
        ):
            line = instruction.starts_line
        line = getattr(instruction, "line_number", None) or line  # since Python 3.13
        if instruction.opname == "STORE_GLOBAL":
            names.append(f"{instruction.argval!r} ({code.co_filename}:{line})")
    return f"; it rebinds the global {', '.join(dict.fromkeys(names))}" if names else ""


def lost_symbols(call: FactoryCall, found: Exploration) -> str:
    """Say where a symbol may have been lost: at concretisations, and at tests of a type."""
    concretisations = dict.fromkeys(c for p in found.paths for c in p.trace.concretisations)
    texts = [str(c) for c in concretisations if c.kind == "text"]
    places = [str(c) for c in concretisations if c.kind != "text"]
    places += [f"{source}: a test of an exact type" for source in _exact_type_tests(call.factory)]
    places += texts[:3]
    raised = [p.trace.raised.source for p in found.paths if p.trace.raised is not None]
    what_to_do = _of_a_config([*raised, *(c.source for c in concretisations)])
    if not places:
        return (
            "A symbol was lost where nothing can see it: in a comparison by `is`, `id` or "
            "`type(x) is int`, or in a value kept from an earlier call. "
            f"{what_to_do or 'Use isinstance() and ==, '}"
            "or fix the hyper-parameter: derive(factory, name=value)."
        )
    plainly = "Use isinstance(x, int) for a type test and plain arithmetic for sizes, "
    return (
        "A symbol became a plain number at\n  "
        + "\n  ".join(places)
        + f"\n{what_to_do or plainly}or fix the hyper-parameter: derive(factory, name=value)."
    )


# Packages whose objects hold plain numbers alone, and what to use in their place.
_CONFIGS = {
    "pydantic": (
        "a pydantic model",
        "Make the model by model_construct(...), which leaves its fields as they are given, or "
        "use a dataclass",
    ),
    "omegaconf": ("an OmegaConf config", "Use a dataclass, or a dict"),
}


def _of_a_config(sources: Iterable[Source | None]) -> str:
    """Say that a symbol was given to an object which holds plain numbers, if it was."""
    parts = {part for source in sources if source for part in Path(source.file).parts}
    for package, (config, what_to_do) in _CONFIGS.items():
        if package in parts:
            return f"It was given to {config}, which holds plain numbers alone. {what_to_do}, "
    return ""


def _exact_type_tests(factory: Callable[..., Any]) -> list[Source]:
    """Find the lines of the factory that compare `type(x)` with something."""
    function = inspect.unwrap(function_of(factory))
    try:
        lines, start = inspect.getsourcelines(function)
        file = inspect.getsourcefile(function) or "?"
        parsed = ast.parse(textwrap.dedent("".join(lines)))
    except (OSError, TypeError, SyntaxError):
        return []
    found = []
    for node in ast.walk(parsed):
        if isinstance(node, ast.Compare):
            sides = [node.left, *node.comparators]
            if any(
                isinstance(s, ast.Call) and isinstance(s.func, ast.Name) and s.func.id == "type"
                for s in sides
            ):
                found.append(Source(file, start + node.lineno - 1, name_of(function)))
    return found


def furthest(found: Exploration) -> str:
    """Say what was raised where it got furthest, if that is not what was raised first."""
    first, *others = [p for p in found.paths if p.trace.raised is not None]
    other = max(others, key=lambda path: len(path.steps), default=first).trace
    raised = other.raised
    assert raised is not None and first.trace.raised is not None
    if (raised.kind, raised.source) == (first.trace.raised.kind, first.trace.raised.source):
        return ""
    where = f" ({raised.source})" if raised.source else ""
    return f"It gets further at {listed(other.hints)}{where}:\n  {raised}\n"


def advice(raised: Raised) -> str:
    """Say what to do about a factory that always raises."""
    if "meta" in raised.message:
        return (
            "Modules are built on the meta device, where tensors have shapes but no values: "
            "compute sizes from the hyper-parameters, not from the values of a tensor (.item(), "
            ".tolist())."
        )
    return (
        "Tell derive() which values it takes: derive(factory, name=value) fixes a "
        "hyper-parameter, name=Symbol(min=..., multiple_of=...) constrains it."
    )
