"""Derive the same formulas again and again, and compare the files that they are stored in.

    python benchmarks/repeated.py [idioms] [seeds] [families] [atlas] [-k TEXT] [--every N]

Each kind is derived in three processes: in order on a machine as it is, in order while busy loops
take it away, each formula twice, and in reverse order. What is stored of a formula, its certificate
and the points at which it was compared included, has to be the same to the last byte every time,
and so has the message of a factory that is refused.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

KINDS = ("idioms", "seeds", "families", "atlas")
BUSY_LOOPS = 4


def derivations(kind: str) -> Iterator[tuple[str, Callable[[], object]]]:
    """List what is derived, by name."""
    import symcount

    if kind == "idioms":
        from tests.idioms import IDIOMS, REFUSED

        for idiom in (*IDIOMS, *REFUSED):
            factory = getattr(idiom.factory, "func", idiom.factory)  # of a partial
            yield factory.__qualname__, lambda i=idiom: symcount.derive(i.factory, **i.given)
    elif kind == "seeds":
        import symcount.blueprints.cnn
        import symcount.blueprints.transformer

        for spec in symcount.blueprints:
            yield spec.key, lambda s=spec: symcount.derive(s.factory)
    elif kind == "families":
        from examples import families

        families.quiet()
        for family in families.FAMILIES:
            size = next(s for s in families.PUBLISHED if s.family is family)
            yield (
                family.__name__,
                lambda s=size: symcount.derive(s.family, **s.fixed, **s.declared),
            )
    else:
        from examples import atlas, families

        families.quiet()
        for each in atlas.FAMILIES:
            yield each.key, each.derived


def stored(name: str, derive: Callable[[], object]) -> str:
    """Return the text that a formula is stored as, or of the error that there is instead."""
    import symcount
    from symcount.storage.writing import written

    try:
        return written({name: derive()})  # type: ignore[dict-item]
    except symcount.SymcountError as error:
        return f"{type(error).__name__}: {error}"


def work(arguments: argparse.Namespace) -> None:
    """Derive, in this process, and write what is stored of each."""
    (kind,) = arguments.kinds
    found = [(name, run) for name, run in derivations(kind) if arguments.k in name]
    found = found[:: arguments.every]
    texts: dict[str, list[str]] = {}
    seconds = {}
    for name, run in found[::-1] if arguments.reverse else found:
        started = time.perf_counter()
        texts[name] = [stored(name, run) for _ in range(arguments.times)]
        seconds[name] = (time.perf_counter() - started) / arguments.times
    Path(arguments.worker).write_text(json.dumps({"texts": texts, "seconds": seconds}))


@contextmanager
def load(loops: int) -> Iterator[None]:
    """Take the machine away meanwhile."""
    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(loops)]
    try:
        yield
    finally:
        for process in busy:
            process.kill()
            process.wait()


def derived(
    kind: str, arguments: argparse.Namespace, loops: int = 0, nice: int = 0, *flags: str
) -> dict[str, dict[str, list[str]]]:
    """Derive in another process, in which texts have other hashes."""
    with tempfile.TemporaryDirectory() as folder, load(loops):
        file = Path(folder) / "texts.json"
        subprocess.run(
            ["nice", f"-n{nice}", sys.executable, __file__, kind, f"-k={arguments.k}",
             f"--every={arguments.every}", f"--worker={file}", *flags],
            check=True, env={**os.environ, "PYTHONHASHSEED": "random"},
        )  # fmt: skip
        found: dict[str, dict[str, list[str]]] = json.loads(file.read_text())
    return found


def differences(runs: Mapping[str, Mapping[str, list[str]]]) -> Iterator[str]:
    """Say of each formula that is not the same every time what differs, and where."""
    first, *_ = runs.values()
    for name in first:
        texts = [(how, text) for how, run in runs.items() for text in run[name]]
        for how, text in texts[1:]:
            if text != texts[0][1]:
                place = next(
                    (i for i, (a, b) in enumerate(zip(texts[0][1], text, strict=False)) if a != b),
                    min(len(texts[0][1]), len(text)),
                )
                around = slice(max(0, place - 60), place + 60)
                yield f"{name}, {how}:\n    {texts[0][1][around]}\n    {text[around]}"
                break


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("kinds", nargs="*", default=KINDS, help=f"of {', '.join(KINDS)}")
    parser.add_argument("-k", default="", help="derive those with this in their names")
    parser.add_argument("--every", type=int, default=1, help="derive every so manieth")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    parser.add_argument("--reverse", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--times", type=int, default=1, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.worker:
        work(arguments)
        return 0
    failed = False
    for kind in arguments.kinds:
        runs = {
            "idle": derived(kind, arguments),
            "loaded, twice": derived(kind, arguments, BUSY_LOOPS, 3, "--times=2"),
            "in reverse": derived(kind, arguments, 0, 0, "--reverse"),
        }
        found = list(differences({how: run["texts"] for how, run in runs.items()}))
        failed |= bool(found)
        totals = ", ".join(
            f"{how} {sum(map(float, run['seconds'].values())):.0f} s"  # type: ignore[arg-type]
            for how, run in runs.items()
        )
        count = len(runs["idle"]["texts"])
        print(f"{kind}: {count - len(found)} of {count} are the same every time ({totals})")
        print(*found, sep="\n")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
