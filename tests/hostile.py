"""What a stranger or a user at the keyboard may do to symcount, made at random.

`tests/test_trust.py` does a little of it, and `benchmarks/trust.py` as much as it is told.
"""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import symcount
from symcount.drift import filling
from symcount.drift.answers import Answers
from symcount.storage import file as stored

# --- what is damaged ----------------------------------------------------------------------------

_NUMBERS = (0, 1, -1, 2, 3, 64, 2**31, 2**63, 2**64, 10**30, -(2**70), 0.5, 1e308, None, True)
_TEXTS = ("", "n", "d", "__import__", "print(1)", "pow", "if_ge", "floor", "factorial", "\x00", "é")


def damaged_text(text: str, draw: random.Random) -> str:
    """A text with a piece cut out, doubled, moved or replaced, once or a few times."""
    for _ in range(draw.choice((1, 1, 1, 2, 5))):
        a, b, c = sorted(draw.randrange(len(text) + 1) for _ in range(3))
        b = min(b, a + draw.choice((1, 2, 8, 200)))
        piece = draw.choice(
            (
                "",
                text[a:b] * 2,
                text[b:c][:40],
                str(draw.choice(_NUMBERS)),
                json.dumps(draw.choice(_TEXTS)),
                "[" * draw.choice((1, 3, 2_000)),
            )
        )
        text = text[:a] + piece + text[b:]
    return text


def damaged_json(document: Any, draw: random.Random) -> str:
    """A document with one of its values replaced by another of it, or by one that is odd."""
    places: list[tuple[Any, Any]] = []
    values: list[Any] = []
    waiting = [document]
    while waiting:
        here = waiting.pop()
        values.append(here)
        if isinstance(here, dict | list):
            keys = list(here) if isinstance(here, dict) else range(len(here))
            places += [(here, key) for key in keys]
            waiting += [here[key] for key in keys]
    holder, key = draw.choice(places)
    before = holder[key]
    holder[key] = draw.choice(
        (draw.choice(values), draw.choice(_NUMBERS), draw.choice(_TEXTS), [before, before])
    )
    try:
        return json.dumps(document)
    except ValueError:  # it holds itself now
        return ""
    finally:
        holder[key] = before


def damaged_files(text: str, draw: random.Random) -> Iterator[str]:
    """Damaged files of formulas without end."""
    document = json.loads(text)
    while True:
        yield damaged_text(text, draw) if draw.random() < 0.4 else damaged_json(document, draw)


_TARGETS = (
    "os:system subprocess:Popen subprocess:run shutil:rmtree builtins:exec builtins:eval "
    "builtins:__import__ os:remove os.path:join pathlib:Path.unlink pathlib:Path "
    "importlib:import_module runpy:run_path code:interact pickle:loads torch:load torch.hub:load "
    "torch:compile sys:exit torch.nn:Linear torch.nn:Identity cnn:attention numpy:load "
    "socket:create_connection "
    "urllib.request:urlopen multiprocessing:Process webbrowser:open ctypes:CDLL"
).split()
_ARGUMENTS = ("path", "args", "cmd", "command", "source", "name", "dim", "in_features", "shell")


def markers(victim: Path, draw: random.Random) -> Iterator[str]:
    """Markers without end that name something of the standard library, or are damaged."""
    while True:
        target = draw.choice(_TARGETS)
        value = draw.choice((repr(str(victim)), f'["rm", "-rf", "{victim}"]', "1", "64", "True"))
        argument = draw.choice(_ARGUMENTS)
        form = draw.choice(("count", "formula", "expr", "domain", "table", "breakdown"))
        asked = draw.choice(
            (
                f"{target} {form} fixed {argument}={value}",
                f"{target} at {argument}={value}",
                f"{target} {form} at {argument}=1 fixed path={value} symbols {argument}()",
                f"{target} symbols {argument}() fixed args={value}",
            )
        )
        text = f"It has <!-- symcount: {asked} -->1<!-- /symcount --> of them.\n"
        yield damaged_text(text, draw) if draw.random() < 0.5 else text


# --- what is watched ----------------------------------------------------------------------------

_HARMFUL = (
    "subprocess.Popen os.system os.exec os.posix_spawn os.spawn os.fork os.remove os.rmdir "
    "shutil.rmtree shutil.move socket.connect socket.bind urllib.Request ctypes.dlopen "
    "webbrowser.open pty.spawn"
).split()
_watching: list[str] | None = None


def _heard(event: str, args: tuple[Any, ...]) -> None:
    if _watching is None:
        return
    writes = event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+")
    if event in _HARMFUL or writes:
        _watching.append(f"{event}{args}"[:200])


_is_hooked = False


@contextmanager
def watched() -> Iterator[list[str]]:
    """What Python is asked for meanwhile that a document or a file must not ask for."""
    global _watching, _is_hooked
    if not _is_hooked:
        sys.addaudithook(_heard)
        _is_hooked = True
    _watching = []
    try:
        yield _watching
    finally:
        _watching = None


class Ordeal:
    """How often something ended in which way, and what it took at most."""

    def __init__(self) -> None:
        self.ends: Counter[str] = Counter()
        self.faults: list[str] = []
        self.seconds, self.slowest = 0.0, ""
        self.memory_before = _peak()

    @property
    def mebibytes(self) -> float:
        """By how much the peak of the memory of the process has grown."""
        return (_peak() - self.memory_before) / 1024

    def try_once(self, what: str, work: Callable[[], str]) -> None:
        started = time.perf_counter()
        with watched() as heard:
            try:
                end = work()
            except symcount.SymcountError:
                end = "refused"
            except BaseException as error:
                end = "raised"
                self.faults.append(f"{type(error).__name__}: {error}: {what[:2000]}")
        taken = time.perf_counter() - started
        if taken > self.seconds:
            self.seconds, self.slowest = taken, what
        self.faults += [f"{asked}: {what[:500]}" for asked in heard]
        self.ends[end] += 1

    def __str__(self) -> str:
        ends = ", ".join(f"{number:,} {end}" for end, number in self.ends.most_common())
        return (
            f"{self.ends.total():,}: {ends}; {len(self.faults)} faults; "
            f"at most {self.seconds:.2f} s and {self.mebibytes:.0f} MiB"
        )


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def read_all(text: str) -> str:
    """Load a file and evaluate each formula at a few sizes."""
    formulas = stored.read(text, "damaged.json", symcount.ParamCount)
    for name in formulas:
        count = formulas[name]
        for size in (1, 4, 96):
            with suppress(symcount.SymcountError):
                sizes = {h.name: size for h in count.hyperparameters}
                result = count(**sizes)
                assert type(result) is int, f"a count of {result!r}"
    return "counted"


def fill_in(page: Path) -> str:
    """Fill in a document that stands alone in a folder."""
    findings = filling.filled(page, Answers(0.2)).findings
    return findings[0].state if findings else "current"


# --- interrupts ---------------------------------------------------------------------------------


@contextmanager
def interrupted(seconds: float, error: type[BaseException]) -> Iterator[None]:
    """Within it, an exception comes after so many seconds, between any two instructions."""

    def handler(*_: Any) -> None:
        raise error

    before = signal.signal(signal.SIGALRM, handler)
    try:
        signal.setitimer(signal.ITIMER_REAL, seconds)
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


# --- kill -9 ------------------------------------------------------------------------------------

_SAVING = """
import sys, itertools
from pathlib import Path
from symcount.storage import atomic
path, one, two = map(Path, sys.argv[1:])
texts = one.read_bytes(), two.read_bytes()
print("ready", flush=True)
for text in itertools.cycle(texts):
    atomic.replace(path, text)
"""


def torn_by_kills(folder: Path, times: int, draw: random.Random) -> tuple[int, int]:
    """Kill processes that save a file: how often it is torn, and how many drafts are left."""
    texts = [letter * size for letter, size in ((b"A", 3_000_000), (b"B", 2_000_000))]
    path, one, two = (folder / name for name in ("formulas.json", "one", "two"))
    for file, text in ((path, texts[0]), (one, texts[0]), (two, texts[1])):
        file.write_bytes(text)
    torn = 0
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for _ in range(times):
        saving = subprocess.Popen(
            [sys.executable, "-c", _SAVING, path, one, two],
            stdout=subprocess.PIPE,
            env=environment,
        )
        assert saving.stdout is not None
        saving.stdout.readline()
        time.sleep(draw.uniform(0, 0.02))
        saving.kill()
        saving.communicate()
        torn += path.read_bytes() not in texts
    return torn, len(list(folder.glob(".*.tmp")))
