"""Alter code of torchvision and timm so that it asks a size what symbols cannot see, and derive.

    make injection                                    # sets up the environment of the zoo
    python benchmarks/injection.py --trials 500       # goes on where it was
    python benchmarks/injection.py --only 17          # one trial, with all that is known of it

Each trial puts a statement into one function of a copy of the library: one that changes what is
built at a size far beyond those that a derivation looks at, and asks by `type`, `id`, `is`, a
hash, a text, numpy or the length of a list. The formula of what the altered code builds is compared
with plain builds there. None may be wrong and `complete`.
"""

from __future__ import annotations

import argparse
import ast
import functools
import importlib
import importlib.util
import json
import logging
import math
import multiprocessing
import random
import re
import resource
import signal
import sys
import tempfile
import time
import traceback
import warnings
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from types import FrameType
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parent.parent))

import torch
from rich.console import Console
from rich.table import Table

from benchmarks.injected import CASES, IMPORTED, KINDS, THRESHOLDS
from benchmarks.zoo.run import read
from symcount import derive
from symcount.errors import InternalError, SymcountError

VERDICTS = (
    "right", "narrow", "refused", "wrong complete", "wrong checked", "wrong partial", "extra",
    "crash", "hang",
)  # fmt: skip
FAULTS = frozenset(["wrong complete", "extra", "crash", "hang"])
BASE = {"width": 12, "depth": 3}
FAR = {"width": 20_011, "depth": 60}
LEAST = {"width": 300, "depth": 20}
SECONDS = 40
LIBRARIES = ("timm", "torchvision")


class Place(NamedTuple):
    """A variable of a function, and its number, or the length of its list, at the far point."""

    file: str
    line: int
    function: str
    variable: str
    number: int


class Trial(NamedTuple):
    """What is altered where; the code consists of a statement and what goes before all others."""

    number: int
    case: str
    kind: str
    place: Place
    statement: str
    preamble: str
    hidden: str  # the text of a module beside the altered one
    fixed: bool  # whether the other hyper-parameters are numbers

    @property
    def symbol(self) -> str:
        return "depth" if self.kind == "list" else "width"


# --- where ------------------------------------------------------------------------------------


def count_at(case: str, point: Mapping[str, int]) -> int | str:
    """The number of parameters that a case builds, or what it raises."""
    try:
        with torch.device("meta"):
            module = CASES[case](**point)
    except Exception as error:
        return f"{type(error).__name__}: {error}"[:300]
    return sum({id(p): p.numel() for p in module.parameters()}.values())


def points_of(case: str, symbol: str) -> list[dict[str, int]]:
    """The far point first, those beside it, and ordinary ones."""
    names = CASES[case].__code__.co_varnames[: CASES[case].__code__.co_argcount]
    base, far = {name: BASE[name] for name in names}, FAR[symbol]
    varied = [{**base, symbol: n} for n in (far, far - 1, far + 1, 2 * far, BASE[symbol])]
    return varied + [{**base, name: base[name] + more} for name in names for more in (1, 4)]


def seen(case: str, point: Mapping[str, int], symbol: str) -> dict[Place, set[int]]:
    """Build a case, and list the numbers of arguments, or the lengths of lists, in the library."""
    found: dict[Place, set[int]] = defaultdict(set)

    def on_event(frame: FrameType, event: str, _: Any) -> None:
        code = frame.f_code
        if event != ("call" if symbol == "width" else "return") or code.co_name[0] == "<":
            return
        for root in LIBRARIES:
            head, _, tail = code.co_filename.rpartition(f"/site-packages/{root}/")
            if head:
                arguments = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
                for name in arguments if symbol == "width" else frame.f_locals:
                    value = frame.f_locals.get(name)
                    place = Place(f"{root}/{tail}", code.co_firstlineno, code.co_name, name, 0)
                    if type(value) is int and symbol == "width":
                        found[place].add(value)
                    elif type(value) is list and symbol == "depth":
                        found[place].add(len(value))

    sys.setprofile(on_event)
    try:
        count_at(case, point)
    finally:
        sys.setprofile(None)
    return found


def places(case: str, symbol: str) -> tuple[list[Place], list[int | str]]:
    """The places that a case comes to with numbers that it has far away alone, and its counts."""
    points = points_of(case, symbol)
    counts = [count_at(case, point) for point in points]
    if symbol not in points[0]:
        return [], counts
    near, far = seen(case, points[4], symbol), seen(case, points[0], symbol)
    found = [
        place._replace(number=number)
        for place, numbers in far.items()
        for number in sorted(numbers)
        if number > max(LEAST[symbol], *near[place], 0)
    ]
    return [place for place in sorted(found) if _line_for(place, symbol == "depth")], counts


def _path(place: Place) -> Path:
    root, _, rest = place.file.partition("/")
    spec = importlib.util.find_spec(root)
    assert spec is not None and spec.origin is not None
    return Path(spec.origin).parent / rest


def _line_for(place: Place, is_list: bool) -> tuple[int, int] | None:
    """The line before which to put a statement about a variable, and its indentation."""
    for node in _functions(_path(place)):
        if node.name == place.function:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == place.line:
                return _after_last(node, place.variable) if is_list else _at_start(node)
    return None


@functools.cache
def _functions(path: Path) -> list[ast.FunctionDef]:
    return [n for n in ast.walk(ast.parse(path.read_text())) if isinstance(n, ast.FunctionDef)]


def _at_start(node: ast.FunctionDef) -> tuple[int, int] | None:
    body = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return (body[0].lineno, body[0].col_offset) if body and body[0].lineno > node.lineno else None


def _after_last(node: ast.FunctionDef, name: str) -> tuple[int, int] | None:
    """The line after the last statement that appends to a list or assigns it."""
    found = None
    for part in ast.walk(node):
        grows = isinstance(part, ast.Expr) and ast.unparse(part).startswith(
            (f"{name}.append(", f"{name}.extend(")
        )
        if grows or (isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == name):
            assert isinstance(part, ast.stmt) and part.end_lineno is not None
            found = max(found or (0, 0), (part.end_lineno + 1, part.col_offset))
    return found


# --- what -------------------------------------------------------------------------------------


def drawn(number: int, seed: int, places_of: Callable[[str, str], Any]) -> Trial:
    draw = random.Random(f"{seed}:{number}")
    kind = draw.choice(list(KINDS))
    found: list[Place] = []
    while not found:
        case = draw.choice(list(CASES))
        found, _ = places_of(case, "depth" if kind == "list" else "width")
    # functions first: one that takes many sizes is no better a place than another
    chosen = draw.choice(sorted({place[:4] for place in found}))
    place = draw.choice([place for place in found if place[:4] == chosen])
    text, t = draw.choice(KINDS[kind]), place.number
    threshold, before, hidden = draw.choice(THRESHOLDS)
    numbers = {
        "E": draw.choice(("X = X * 2", "X += X", "X = X + 8")), "T": threshold,
        "N": len(str(t)), "K": t.bit_length() - 1, "R": int(str(t)[::-1]), "Q": math.isqrt(t),
        "S": sum(map(int, str(t))),
        "LITERAL": t, "TENTH": t // 10, "REST": t % 10, "BACKWARDS": repr(str(t)[::-1]),
        "X": place.variable,
    }  # fmt: skip

    def filled(template: str) -> str:
        for name, value in numbers.items():
            template = re.sub(rf"\b{name}\b", lambda _: str(value), template)  # noqa: B023
        return template

    head, _, statement = text.rpartition("\n---\n")
    code = filled("\n".join((before, head, statement)))
    imports = [line for name, line in IMPORTED.items() if re.search(rf"\b{name}\.", code)]
    preamble = "\n".join([*imports, filled(before), filled(head)])
    fixed = kind != "list" and draw.random() < 0.75
    return Trial(number, case, kind, place, filled(statement), preamble, filled(hidden), fixed)


@contextmanager
def overlay(trial: Trial) -> Iterator[str]:
    """A folder with the library, of which one file is altered and the others are links."""
    root, _, rest = trial.place.file.partition("/")
    path = _path(trial.place)
    original = path.parents[rest.count("/")]
    with tempfile.TemporaryDirectory() as name:
        here, there = Path(name) / "site-packages" / root, original
        for part in rest.split("/"):
            here.mkdir(parents=True)
            for entry in there.iterdir():
                if entry.name not in (part, "__pycache__"):
                    (here / entry.name).symlink_to(entry)
            here, there = here / part, there / part
        here.write_text(altered(path.read_text(), trial))
        (here.parent / "_hidden.py").write_text(trial.hidden)
        yield str(Path(name) / "site-packages")


def altered(source: str, trial: Trial) -> str:
    lines = source.splitlines()
    where = _line_for(trial.place, trial.kind == "list")
    assert where is not None
    indented = [" " * where[1] + line for line in trial.statement.splitlines()]
    lines[where[0] - 1 : where[0] - 1] = indented
    first = 0
    for node in ast.parse(source).body:
        is_docstring = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or (isinstance(node, ast.ImportFrom) and node.module == "__future__"):
            first = node.end_lineno or 0
        else:
            break
    lines[first:first] = trial.preamble.splitlines()
    return "\n".join(lines) + "\n"


# --- in a process of its own ------------------------------------------------------------------


def examine(trial: Trial, folder: str, unaltered: list[int | str]) -> dict[str, Any]:
    """Derive the altered code, and compare the formula with what it builds."""
    sys.path.insert(0, folder)
    points = points_of(trial.case, trial.symbol)
    counts = [count_at(trial.case, point) for point in points]
    if counts[0] == unaltered[0]:
        return {"verdict": "no effect"}
    try:
        fixed: dict[str, Any] = {
            k: n for k, n in points[4].items() if trial.fixed and k != trial.symbol
        }
        count = derive(CASES[trial.case], **fixed)
    except SymcountError as error:
        verdict = "crash" if isinstance(error, InternalError) else "refused"
        return {"verdict": verdict, "error": type(error).__name__, "text": str(error)[:2000]}
    verdict, grade, bad = "right", count.certificate.grade, []
    for point, built in zip(points, counts, strict=True):
        if any(point.pop(k) != n for k, n in fixed.items()):
            continue
        if not count.valid(**point):
            verdict = "narrow" if verdict == "right" and isinstance(built, int) else verdict
        elif count(**point) != built:
            bad.append({"at": point, "formula": count(**point), "built": built})
    if bad:
        is_wrong = any(isinstance(each["built"], int) for each in bad)
        verdict = f"wrong {grade}" if is_wrong else "extra"
    return {"verdict": verdict, "grade": grade, "formula": str(count), "bad": bad,
            "domain": str(count.domain), "certificate": str(count.certificate)}  # fmt: skip


def _work(
    connection: Connection, do: Callable[..., Any], given: tuple[Any, ...], seconds: int
) -> None:
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    sys.dont_write_bytecode = True
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
    try:
        connection.send(do(*given))
    except BaseException:
        connection.send({"verdict": "crash", "text": traceback.format_exc()[-3000:]})


def apart(do: Callable[..., Any], *given: Any, seconds: int = SECONDS) -> Any:
    """Do something in a fork, which imports the library anew; the seconds are of its processor."""
    context = multiprocessing.get_context("fork")
    connection, other = context.Pipe()
    process = context.Process(target=_work, args=(other, do, given, seconds), daemon=True)
    process.start()
    other.close()
    try:
        return connection.recv() if connection.poll(10 * seconds) else {"verdict": "hang"}
    except EOFError:
        process.join()
        verdict = "hang" if process.exitcode == -signal.SIGXCPU else "crash"
        return {"verdict": verdict, "text": f"the process ended with {process.exitcode}"}
    finally:
        process.kill()
        process.join()


def others() -> list[str]:
    """The modules that a derivation of code of the libraries imports, apart from theirs."""
    for case in ("tv_mlp", "patch_embed"):
        derive(CASES[case])
    return [name for name in sys.modules if name.partition(".")[0] not in LIBRARIES]


def run(trial: Trial, unaltered: list[int | str]) -> dict[str, Any]:
    started = time.perf_counter()
    with overlay(trial) as folder:
        record = apart(examine, trial, folder, unaltered)
    seconds = round(time.perf_counter() - started, 1)
    return {**trial._asdict(), "place": trial.place._asdict(), "seconds": seconds, **record}


# --- all of it --------------------------------------------------------------------------------


def show(records: list[dict[str, Any]]) -> None:
    table = Table(title="Formulas of altered code, against what it builds")
    for column in ("kind", "trials", "right and complete", *VERDICTS):
        table.add_column(column, justify="left" if column == "kind" else "right")
    for kind in (*KINDS, "all"):
        some = [r for r in records if r["verdict"] != "no effect" and kind in (r["kind"], "all")]
        verdicts = Counter(r["verdict"] for r in some)
        whole = sum(r["verdict"] == "right" and r["grade"] == "complete" for r in some)
        cells = (len(some), whole, *(verdicts[verdict] for verdict in VERDICTS))
        table.add_row(kind, *map(str, cells))
    Console(width=None if sys.stdout.isatty() else 160, highlight=False).print(table)
    for record in records:
        if record["verdict"] in FAULTS or record["verdict"].startswith("wrong"):
            tell(record)


def tell(record: Mapping[str, Any]) -> None:
    print(f"\n--only {record['number']}: {record['verdict'].upper()}")
    print("\n".join(f"  {key}: {value}" for key, value in record.items() if key != "number"))


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--trials", type=int, default=500, metavar="N")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, metavar="N", help="the trial of this number alone")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "injection.jsonl")
    options = parser.parse_args()
    torch.set_num_threads(1)
    for name in apart(others):
        with suppress(ImportError):
            importlib.import_module(name)

    @functools.cache
    def places_of(case: str, symbol: str) -> Any:
        return apart(places, case, symbol, seconds=300)

    def trial(number: int) -> dict[str, Any]:
        it = drawn(number, options.seed, places_of)
        return run(it, places_of(it.case, it.symbol)[1])

    if options.only is not None:
        tell(trial(options.only))
        return 0
    records = read(options.out)
    with options.out.open("a") as out:
        while sum(r["verdict"] != "no effect" for r in records) < options.trials:
            records.append(trial(len(records)))
            out.write(json.dumps(records[-1]) + "\n")
            out.flush()
    show(records)
    return 1 if any(record["verdict"] in FAULTS for record in records) else 0


if __name__ == "__main__":
    sys.exit(main())
