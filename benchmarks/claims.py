"""How many claims of formulas z3 and cvc5 prove: of the blueprints, the families and the atlas.

    python benchmarks/claims.py [--seconds 2] [--json FILE] [--only blueprints]

Every formula is derived and stored, and what is stored is checked by `symcount.witness`, which
shares no arithmetic with what derived it. cvc5 is in `symcount[witness]`.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))

import symcount
from examples import families
from examples.atlas import FAMILIES
from symcount import ParamCount, blueprints, witness
from symcount.blueprints import cnn, transformer  # noqa: F401

COLUMNS = (
    "formulas", "points", "claims", "cover", "simplification", "piece", "sum",
    *witness.SOLVERS, "unknown", "wrong",
)  # fmt: skip


def seeds() -> Iterator[tuple[str, ParamCount]]:
    return ((spec.key, spec.param_count) for spec in blueprints)


def of_families() -> Iterator[tuple[str, ParamCount]]:
    for family in families.FAMILIES:
        size = next(size for size in families.PUBLISHED if size.family is family)
        yield family.__name__, families.derived(size)


def atlas() -> Iterator[tuple[str, ParamCount]]:
    return ((family.key, family.derived()) for family in FAMILIES)


GROUPS: dict[str, Callable[[], Iterator[tuple[str, ParamCount]]]] = {
    "blueprints": seeds,
    "families": of_families,
    "atlas": atlas,
}


def measure(group: str, seconds: float) -> tuple[Counter[str], list[witness.Report]]:
    """Derive, store and check the formulas of a group."""
    row: Counter[str] = Counter()
    reports = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "formulas.json"
        for name, count in GROUPS[group]():
            symcount.save(path, {name: count})
            (report,) = witness.reports(str(path), seconds=seconds)
            reports.append(report)
            print(f"{group}: {report}", flush=True)
            row += Counter(claim.kind for claim in count.certificate.claims)
            row += Counter(formulas=1, points=report.holds, claims=report.claims)
            row += Counter(report.proved)
            row += Counter(unknown=len(report.unknown), wrong=len(report.wrong))
    return row, reports


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=witness.SECONDS)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--only", choices=GROUPS, action="append")
    args = parser.parse_args()
    families.quiet()
    found = {group: measure(group, args.seconds) for group in args.only or GROUPS}
    print(f"| | {' | '.join(COLUMNS)} |")
    print("|---" * (len(COLUMNS) + 1) + "|")
    for group, (row, _) in found.items():
        print(f"| {group} | {' | '.join(f'{row[column]:,}' for column in COLUMNS)} |")
    if args.json:
        said = {group: [asdict(r) for r in reports] for group, (_, reports) in found.items()}
        args.json.write_text(json.dumps(said, indent=1))


if __name__ == "__main__":
    main()
