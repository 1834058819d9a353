"""`derive_many`: every target has a result, whatever the process dies of that was to derive it."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from torch import nn

import symcount
from symcount import ArgumentError, LostError, Symbol, derive, derive_many, progress
from symcount.storage import writing

FACTORIES = """
    import os
    from pathlib import Path

    from torch import nn

    def mlp(d: int, f: int = 4):
        note("mlp")
        return nn.Sequential(nn.Linear(d, f * d), nn.Linear(f * d, d))

    def killer(d: int):
        note("killer")
        os._exit(7)

    def killed_once(d: int):
        if not (HERE / "killed").exists():
            (HERE / "killed").touch()
            os.kill(os.getpid(), 9)
        return nn.Linear(d, 3)

    def strange(d: int):
        raise Strange("no", "number")

    class Strange(Exception):
        def __init__(self, one, other):
            super().__init__(one)

    class Config:
        def __init__(self, width: int = 8, depth: int = 2):
            self.width, self.depth = width, depth

    class Model(nn.Module):
        def __init__(self, config):
            super().__init__()
            self.layers = nn.ModuleList(
                nn.Linear(config.width, config.width) for _ in range(config.depth)
            )

    HERE = Path(__file__).parent

    def note(name):
        with (HERE / "calls").open("a") as file:
            file.write(f"{name} {os.getpid()}\\n")
"""


@pytest.fixture
def place(tmp_path: Path) -> str:
    lines = FACTORIES.splitlines()
    (tmp_path / "made.py").write_text("\n".join(line[4:] for line in lines))
    return str(tmp_path / "made.py")


def results(targets: Any, **keywords: Any) -> dict[str, symcount.Derived]:
    found = list(derive_many(targets, **keywords))
    assert len({each.name for each in found}) == len(found)
    return {each.name: each for each in found}


@pytest.fixture
def here() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as executor:
        yield executor


def calls(place: str) -> list[str]:
    path = Path(place).parent / "calls"
    return [line.split()[0] for line in path.read_text().splitlines()] if path.exists() else []


def test_a_process_that_dies_loses_nothing_but_what_killed_it_twice(place: str) -> None:
    names = ["killer", "mlp", "killed_once", "strange"]
    targets = {name: f"{place}:{name}" for name in names}
    found = results(targets, processes=2)
    assert found.keys() == targets.keys()
    assert str(found["mlp"].count) == "2*d**2*f + d*f + d"
    assert str(found["killed_once"].count) == "3*d + 3"
    assert isinstance(found["killer"].error, LostError)
    assert str(found["killer"].error).startswith(
        "killer was lost twice, the second time while nothing else ran: the process that it ran in"
    )
    assert calls(place).count("killer") == 2
    assert isinstance(found["strange"].error, symcount.FactoryError)
    assert all((each.count is None) is (each.error is not None) for each in found.values())


def test_a_formula_is_the_one_that_derive_returns(here: ThreadPoolExecutor) -> None:
    targets = {
        "heads": nn.MultiheadAttention,
        "d": (nn.Linear, {"in_features": Symbol(name="d", multiple_of=8), "bias": False}),
    }
    found = results(targets, executor=here)
    assert found["heads"].count == derive(nn.MultiheadAttention)
    assert found["d"].count == derive(nn.Linear, **targets["d"][1])  # type: ignore[index]
    assert found["d"].target is targets["d"]
    assert found["heads"].count.certificate == derive(nn.MultiheadAttention).certificate  # type: ignore[union-attr]


def test_configs_and_options_of_all(place: str, here: ThreadPoolExecutor) -> None:
    config = (f"{place}:Model", f"{place}:Config", {"symbols": ["width", "depth"]})
    found = results({"model": config, "mlp": f"{place}:mlp"}, executor=here, max_paths=8)
    assert str(found["model"].count) == "depth*width**2 + depth*width"
    for each in found.values():
        assert each.count is not None and each.count.origin is not None
        assert each.count.origin.max_paths == 8


def test_what_a_file_has_is_not_derived_again(place: str, here: ThreadPoolExecutor) -> None:
    path = Path(place).with_name("formulas.json")
    symcount.save(path, {"other": derive(nn.Linear)})
    other = path.read_text().splitlines()[-2]
    mlp = f"{place}:mlp"
    first = results({"mlp": mlp}, executor=here, into=path)
    built = len(calls(place))
    again = results({"mlp": mlp, "linear": nn.Linear}, executor=here, into=path)
    assert list(again) == ["mlp", "linear"] and len(calls(place)) == built > 0
    assert again["mlp"].count == first["mlp"].count
    assert list(symcount.load(path)) == ["other", "mlp", "linear"]
    assert other in path.read_text()


@pytest.mark.parametrize(
    "changed",
    [
        ("made.py:mlp", {"f": 2}),
        ("made.py:mlp", {"d": Symbol(multiple_of=8)}),
        ("made.py:mlp", {"max_work": 20_000_000}),
        ("torch.nn:Linear", {}),
        ("made.py:Model", "made.py:Config", {"symbols": ["width"]}),
    ],
)
def test_a_stored_formula_of_other_arguments_is_derived_again(
    changed: Any, place: str, here: ThreadPoolExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(Path(place).parent)
    results({"mlp": "made.py:mlp"}, executor=here, into="formulas.json")
    found = results({"mlp": changed}, executor=here, into="formulas.json")
    before = derive_many({"mlp": changed}, executor=here)
    assert found["mlp"].count == next(before).count
    stored = symcount.load("formulas.json")["mlp"]
    assert stored == found["mlp"].count and stored.origin == found["mlp"].count.origin  # type: ignore[union-attr]
    assert "mlp" in results({"mlp": changed}, executor=None, into="formulas.json")


def test_each_result_is_in_the_file_when_the_next_comes(
    here: ThreadPoolExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "formulas.json"
    monkeypatch.setattr("symcount.many._SHARE", 0)
    for number, _ in enumerate(
        derive_many([nn.Linear, nn.Bilinear, nn.LayerNorm], executor=here, into=path), 1
    ):
        assert len(symcount.load(path)) == number


def test_results_left_unsaved_are_saved_when_it_is_left(
    here: ThreadPoolExecutor, tmp_path: Path
) -> None:
    path = tmp_path / "formulas.json"
    found = derive_many([nn.Linear, nn.Bilinear], executor=here, into=path, max_paths=4)
    next(found), next(found)
    found.close()  # type: ignore[attr-defined]
    assert len(symcount.load(path)) == 2


def test_an_executor_that_breaks_has_an_error_for_each_that_is_left(place: str) -> None:
    targets = {name: f"{place}:{name}" for name in ("killer", "mlp")}
    with ProcessPoolExecutor(1) as executor:
        found = results(targets, executor=executor)
        later = results({"linear": nn.Linear}, executor=executor)
    for name, each in {**found, **later}.items():
        assert isinstance(each.error, LostError)
        assert str(each.error).startswith(f"{name} was lost twice")
        assert "BrokenProcessPool" in str(each.error)


def test_what_cannot_be_sent_or_found_is_an_error_of_its_own(here: ThreadPoolExecutor) -> None:
    targets = {"l": lambda d: nn.Linear(d, d), "n": "torch.nn:Lin", "ok": "torch.nn:Linear"}
    found = results(targets, executor=here)
    assert "l cannot be sent to another process" in str(found["l"].error)
    assert isinstance(found["n"].error, symcount.TargetError)
    assert str(found["ok"].count) == "in_features*out_features + out_features"


def test_an_error_that_cannot_be_sent_is_sent_as_text(place: str) -> None:
    from symcount import many

    class Stubborn(Exception):
        def __init__(self, one: int, other: int) -> None:
            super().__init__("both")

    assert str(many._portable(Stubborn(1, 2))) == "Stubborn: both"
    kept = symcount.DomainError("no")
    assert many._portable(kept) is kept


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        ("torch.nn:Linear", "give several targets"),
        ([nn.Linear, nn.Linear], "two targets are called 'torch.nn.modules.linear:Linear'"),
        ([7], "7 is no target"),
        ([(nn.Linear, 7)], "is no target"),
    ],
)
def test_targets_that_are_not_understood(targets: Any, message: str) -> None:
    with pytest.raises(ArgumentError, match=message):
        derive_many(targets)


def test_a_file_of_something_else_is_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "notes.json").write_text("{}")
    with pytest.raises(symcount.StoredFormulaError):
        derive_many([nn.Linear], into=tmp_path / "notes.json")


def test_progress_hears_of_each(here: ThreadPoolExecutor) -> None:
    heard: list[str | None] = []
    with progress.heard_by(lambda stage, item: heard.append(item)):
        results({"one": nn.Linear, "two": nn.Bilinear}, executor=here)
    assert [item for item in heard if item in ("one", "two")] == ["one", "two"]


def test_what_has_not_begun_is_dropped_when_it_is_left(here: ThreadPoolExecutor) -> None:
    futures: list[Future[Any]] = []

    class Noting(ThreadPoolExecutor):
        def submit(self, *args: Any, **kwargs: Any) -> Future[Any]:
            futures.append(super().submit(*args, **kwargs))
            return futures[-1]

    with Noting(1) as executor:
        targets = {str(n): nn.Linear for n in range(30)}
        found = derive_many(targets, executor=executor)
        next(found)
        found.close()  # type: ignore[attr-defined]
    assert sum(future.cancelled() for future in futures) > 10


def test_lines_are_those_of_save(tmp_path: Path) -> None:
    count = derive(nn.Linear)
    assert writing.laid_out({"a": writing.line("a", count)}) == writing.written({"a": count})


# --- a real cluster ---------------------------------------------------------------------------


def test_a_dask_cluster(place: str) -> None:
    distributed = pytest.importorskip("distributed", reason="Dask is not installed")
    import dask

    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(
            n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL
        ) as cluster,
        distributed.Client(cluster) as client,
    ):
        targets = {name: f"{place}:{name}" for name in ("killer", "mlp", "killed_once", "strange")}
        found = results({**targets, "linear": nn.Linear}, executor=client.get_executor())
    assert found["mlp"].count == derive(_mlp)
    assert found["linear"].count == derive(nn.Linear)
    assert str(found["killed_once"].count) == "3*d + 3"
    assert isinstance(found["strange"].error, symcount.FactoryError)
    assert isinstance(found["killer"].error, LostError) and "KilledWorker" in str(
        found["killer"].error
    )
    assert os.getpid() not in _processes_of(place)


def _mlp(d: int, f: int = 4) -> nn.Module:
    return nn.Sequential(nn.Linear(d, f * d), nn.Linear(f * d, d))


def _processes_of(place: str) -> set[int]:
    lines = (Path(place).parent / "calls").read_text().splitlines()
    return {int(line.split()[1]) for line in lines}
