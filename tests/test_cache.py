"""When a formula is taken from a cache, and when it is derived again."""

from __future__ import annotations

import importlib
import logging
import os
import re
import subprocess
import sys
import textwrap
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import cache

ROOT = Path(__file__).parent.parent
PROJECT = {
    "__init__": "",
    "numbers": """
        WIDTH = 3
        TABLE = {"small": 1, "large": 2}
        def passes_on():
            return WIDTH
    """,
    "layers": """
        import os
        from torch import nn
        from {project} import numbers

        class Settings:
            factor = 2

        class Block(nn.Module):
            settings = Settings
            def __init__(self, dim):
                super().__init__()
                self.inner = nn.Linear(dim, self.width(dim))
            def width(self, dim, times=1):
                return numbers.passes_on() * self.settings.factor * times * dim

        def size():
            return int(os.environ.get("{project}_SIZE", "5"))
    """,
    "factories": """
        import functools, json, time, numpy
        from torch import nn
        from {project} import layers, numbers

        def block(dim: int):
            return layers.Block(dim)

        def of_environment(dim: int):
            return nn.Linear(dim, layers.size())

        def of_file(dim: int):
            with open(__file__) as file:
                return nn.Linear(dim, len(file.readline()))

        def of_time(dim: int):
            return nn.Linear(dim, 2 if time.time() > 0 else 3)

        def by_name(dim: int):
            return nn.Linear(dim, getattr(numbers, "WID" + "TH"))

        def far(dim: int):
            return nn.Linear(dim, numbers.TABLE["large"] if dim > 300 else 1)

        def far_by_name(dim: int):
            return nn.Linear(dim, getattr(numbers, "WID" + "TH") if dim > 300 else 1)

        def far_global(dim: int):
            return nn.Linear(dim, globals()["HERE"] if dim > 300 else 1)

        def far_import(dim: int):
            from . import numbers as imported
            return nn.Linear(dim, imported.WIDTH if dim > 300 else 1)

        def far_import_of_one(dim: int):
            from .numbers import WIDTH
            return nn.Linear(dim, WIDTH if dim > 300 else 1)

        def far_import_whole(dim: int):
            import {project}.numbers
            return nn.Linear(dim, {project}.numbers.WIDTH if dim > 300 else 1)

        def far_in_class(dim: int):
            return nn.Linear(dim, layers.Block.settings.factor if dim > 300 else 1)

        class Config:
            def __init__(self):
                self.sizes = {"a": [numbers.WIDTH]}

        CONFIG = Config()

        def far_in_object(dim: int):
            return nn.Linear(dim, CONFIG.sizes["a"][0] if dim > 300 else 1)

        def far_default(dim: int):
            return nn.Linear(dim, defaulted() if dim > 300 else 1)

        def defaulted(value=numbers.WIDTH):
            return value

        def imports_anything(dim: int):
            return nn.Linear(dim, __import__("sys").maxsize.bit_length())

        HERE = numbers.WIDTH
        def of_text(dim: int):
            names = {"nn": nn, "dim": dim}
            exec("layer = nn.Linear(dim, 3)", names)
            return names["layer"]

        def hashed(dim: int):
            return nn.Linear(dim, 1 + hash("a") * 0)

        def over(value):
            def factory(dim: int):
                return nn.Linear(dim, 4 if value is None else 5)
            return factory

        @functools.cache
        def kept():
            return numbers.WIDTH

        def memoised(dim: int):
            return nn.Linear(dim, kept())
    """,
}


class Project:
    """A package of a few modules, which can be changed and imported anew."""

    def __init__(self, folder: Path) -> None:
        self.name = f"project_{folder.name}".replace("-", "_")
        self.folder = folder / self.name
        self.folder.mkdir()
        for module, text in PROJECT.items():
            self.write(module, text)

    def write(self, module: str, text: str) -> None:
        text = textwrap.dedent(text).replace("{project}", self.name)
        (self.folder / f"{module}.py").write_text(text)

    def change(self, module: str, old: str, new: str) -> None:
        path = self.folder / f"{module}.py"
        before = path.read_text()
        assert old in before
        path.write_text(before.replace(old, new))
        self.forget()

    def forget(self) -> None:
        for name in [name for name in sys.modules if name.split(".")[0] == self.name]:
            del sys.modules[name]
        importlib.invalidate_caches()

    def module(self, name: str) -> Any:
        return importlib.import_module(f"{self.name}.{name}")

    def factory(self, name: str) -> Callable[..., nn.Module]:
        found: Callable[..., nn.Module] = getattr(self.module("factories"), name)
        return found


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)  # a file may be changed within a second
    found = Project(tmp_path)
    yield found
    found.forget()


class Cached:
    """Derivations with a cache, and what is logged of them."""

    def __init__(self, folder: Path, caplog: pytest.LogCaptureFixture) -> None:
        self.folder = folder
        self._caplog = caplog

    def says(self, factory: Callable[..., Any], **fixed: Any) -> str:
        """What is said of the last thing that was done, and assert that the formula is right."""
        self._caplog.clear()
        with self._caplog.at_level(logging.DEBUG, "symcount.cache"), cache.using(self.folder):
            self.count = symcount.derive(factory, **fixed)
        assert self.count == symcount.derive(factory, **fixed)
        return "; ".join(record.getMessage() for record in self._caplog.records)

    def is_hit(self, factory: Callable[..., Any], **fixed: Any) -> bool:
        return "is taken from" in self.says(factory, **fixed)


@pytest.fixture
def cached(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Cached:
    return Cached(tmp_path / "cache", caplog)


@pytest.mark.parametrize("name", ["block", "by_name", "far", "of_environment", "memoised"])
def test_what_has_not_changed_is_taken(project: Project, cached: Cached, name: str) -> None:
    assert "is not in the cache" in cached.says(project.factory(name))
    project.forget()
    assert cached.is_hit(project.factory(name))


@pytest.mark.parametrize(
    ("name", "module", "old", "new", "said"),
    [
        ("block", "numbers", "WIDTH = 3", "WIDTH = 4", "another module"),
        ("block", "layers", "times=1", "times=2", "another module"),
        ("block", "layers", "factor = 2", "factor = 3", "another module"),
        ("block", "numbers", "return WIDTH", "return WIDTH + 1", "another module"),
        ("by_name", "numbers", "WIDTH = 3", "WIDTH = 4", "another module"),
        ("memoised", "numbers", "WIDTH = 3", "WIDTH = 4", "another module"),
        # where it is built once more nothing is to be seen
        ("far", "numbers", '"large": 2', '"large": 7', "numbers.TABLE has changed"),
        *(
            (name, "numbers", "WIDTH = 3", "WIDTH = 4", said)
            for name, said in {
                "far_by_name": "numbers.WIDTH has changed",
                "far_global": "has changed",
                "far_import": "numbers.WIDTH has changed",
                "far_import_of_one": "numbers.WIDTH has changed",
                "far_import_whole": "numbers.WIDTH has changed",
                "far_in_object": "factories.CONFIG has changed",
                "far_default": "factories.defaulted has changed",
            }.items()
        ),
        ("far_in_class", "layers", "factor = 2", "factor = 3", "layers.Block has changed"),
        ("far", "factories", "dim > 300", "dim > 301", "not in the cache"),
        ("block", "numbers", "def passes_on", "\ndef passes_on", "passes_on (.*) executes"),
    ],
)
def test_what_has_changed_is_derived_again(
    project: Project, cached: Cached, name: str, module: str, old: str, new: str, said: str
) -> None:
    cached.says(project.factory(name))
    project.change(module, old, new)
    assert re.search(said, cached.says(project.factory(name)))
    project.forget()
    assert cached.is_hit(project.factory(name))


def test_what_is_replaced_while_it_runs_is_seen(project: Project, cached: Cached) -> None:
    factory = project.factory("block")
    cached.says(factory)
    layers, numbers = project.module("layers"), project.module("numbers")
    width = layers.Block.width
    for change in (
        lambda: setattr(layers.Block, "width", lambda self, dim: 18),  # the same at one size
        lambda: setattr(layers.Block, "width", width),
        lambda: setattr(width, "__defaults__", (5,)),
        lambda: setattr(layers.Settings, "factor", 3),
        lambda: setattr(numbers, "WIDTH", 11),
        lambda: setattr(numbers, "passes_on", lambda: 11),
    ):
        change()
        assert "derived again" in cached.says(factory)
        assert cached.is_hit(factory)


def test_a_method_of_torch_that_is_replaced_is_seen(
    project: Project, cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory = project.factory("far")
    cached.says(factory)
    before = nn.Linear.__init__

    def wider(self: nn.Linear, inside: int, outside: int) -> None:
        before(self, inside, outside + 1 if inside > 200 else outside)

    monkeypatch.setattr(nn.Linear, "__init__", wider)
    assert "derived again" in cached.says(factory)


def test_a_method_that_is_new_is_seen_though_it_does_not_run(
    project: Project, cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory = project.factory("far")
    cached.says(factory)
    monkeypatch.setattr(nn.Linear, "register_parameter", nn.Module.register_parameter)
    assert "torch.nn.Linear has changed" in cached.says(factory)


def test_a_variable_of_the_environment_is_seen(
    project: Project, cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached.says(project.factory("of_environment"))
    monkeypatch.setenv("UNRELATED", "7")
    assert cached.is_hit(project.factory("of_environment"))
    monkeypatch.setenv(f"{project.name}_SIZE", "9")
    assert f"{project.name}_SIZE has changed" in cached.says(project.factory("of_environment"))


@pytest.mark.parametrize(("name", "said"), [("of_file", "_?io[.]"), ("of_time", "time.time")])
def test_what_depends_on_the_world_is_not_kept(
    project: Project, cached: Cached, name: str, said: str
) -> None:
    for _ in range(2):
        found = cached.says(project.factory(name))
        assert re.search(f"is not cached, for it depends on a call of {said}", found)
    assert not any(cached.folder.glob("*"))


def test_a_closure_over_what_cannot_be_read_is_not_kept(project: Project, cached: Cached) -> None:
    over = project.module("factories").over
    said = cached.says(over(iter([1])))
    assert "cannot be cached, for it depends on" in said and "list_iterator" in said
    assert not any(cached.folder.glob("*"))


@pytest.mark.parametrize(
    ("name", "said"),
    [("imports_anything", "which may import anything"), ("of_text", "is found under no name")],
)
def test_code_that_cannot_be_found_again_is_not_kept(
    project: Project, cached: Cached, name: str, said: str
) -> None:
    assert said in cached.says(project.factory(name))
    assert not any(cached.folder.glob("*"))


def test_closures_defaults_and_arguments_are_told_apart(project: Project, cached: Cached) -> None:
    over = project.module("factories").over
    assert not cached.is_hit(over(None))
    assert not cached.is_hit(over(3))
    assert cached.is_hit(over(None)) and cached.count(10) == 44
    assert cached.is_hit(over(3)) and cached.count(10) == 55
    assert not cached.is_hit(over(3), dim=symcount.Symbol(max=7))
    assert not cached.is_hit(over(3), dim=6)


def test_the_settings_of_torch_are_told_apart(project: Project, cached: Cached) -> None:
    cached.says(project.factory("block"))
    torch.set_default_dtype(torch.float64)
    try:
        assert not cached.is_hit(project.factory("block"))
    finally:
        torch.set_default_dtype(torch.float32)
    assert cached.is_hit(project.factory("block"))


def test_a_library_that_is_upgraded_is_seen(
    cached: Cached, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symcount.factory import evidence

    site = tmp_path / "site-packages"
    (site / "some_library-1.0.dist-info").mkdir(parents=True)
    text = "from torch import nn\ndef factory(dim: int):\n    return nn.Linear(dim, 3)\n"
    (site / "some_library.py").write_text(text)
    monkeypatch.syspath_prepend(site)
    factory = importlib.import_module("some_library").factory
    cached.says(factory)
    evidence._versions_in.cache_clear()
    assert cached.is_hit(factory)
    (site / "some_library-1.0.dist-info").rename(site / "some_library-1.1.dist-info")
    evidence._versions_in.cache_clear()
    assert "installed in" in cached.says(factory)
    del sys.modules["some_library"]


def test_other_versions_have_other_entries(
    project: Project, cached: Cached, monkeypatch: pytest.MonkeyPatch
) -> None:
    from symcount.factory import evidence

    cached.says(project.factory("block"))
    evidence._foundations.cache_clear()
    with monkeypatch.context() as patch:
        patch.setattr(evidence, "__version__", "99")
        assert "is not in the cache" in cached.says(project.factory("block"))
    evidence._foundations.cache_clear()
    assert len([*cached.folder.glob("*")]) == 2


def test_a_formula_is_as_it_was_derived(cached: Cached) -> None:
    for factory in (nn.MultiheadAttention, nn.Linear, nn.LSTM):
        cached.says(factory)
        derived = cached.count
        assert cached.is_hit(factory)
        assert cached.count == derived and cached.count.formula == derived.formula
        assert str(cached.count.certificate) == str(derived.certificate)
        assert cached.count.origin == derived.origin


def test_strict_takes_no_others(cached: Cached) -> None:
    def coded(dim: int) -> nn.Module:
        return nn.Linear(dim, 4 if f"{dim:09d}"[::-1] == "918273645" else 3)

    cached.says(coded)
    with cache.using(cached.folder), pytest.raises(symcount.IncompleteError):
        symcount.derive(coded, strict=True)


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("3", "4"),
        lambda text: "nothing of the kind\n" + text,
        lambda text: text.encode()[:40] + b"\xff" + text.encode()[40:],
    ],
)
def test_a_damaged_file_is_derived_again_with_a_warning(
    project: Project, cached: Cached, damage: Callable[[str], str | bytes]
) -> None:
    factory = project.factory("block")
    cached.says(factory)
    (path,) = cached.folder.iterdir()
    whole = path.read_text()
    damaged = damage(whole)
    path.write_bytes(damaged.encode() if isinstance(damaged, str) else damaged)
    with pytest.warns(UserWarning, match="a damaged entry of the cache is not read"):
        assert "is kept" in cached.says(factory)
    assert path.read_text() == whole and cached.is_hit(factory)


def forged(path: Path, change: Callable[[Any], None]) -> None:
    """Write an entry as somebody would who knows how."""
    from symcount.storage import entry

    found = entry.read(path)
    assert found is not None
    about, count = found
    change(about)
    entry.write(path, about, count)


@pytest.mark.parametrize(
    "change",
    [
        lambda about: about["point"].update(dim=-1),
        lambda about: about["point"].update(other=1),
        lambda about: about.update(reads=[1]),
        lambda about: about.update(ran=None),
        lambda about: about.update(more=1),
        lambda about: about.update(count=about["count"] + 1),
    ],
)
def test_what_is_forged_is_no_error(
    project: Project, cached: Cached, change: Callable[[Any], None]
) -> None:
    factory = project.factory("block")
    cached.says(factory)
    (path,) = cached.folder.iterdir()
    forged(path, change)
    with pytest.warns(UserWarning, match="damaged"):
        assert not cached.is_hit(factory)


def test_a_folder_that_cannot_be_written_is_no_error(
    project: Project, cached: Cached, tmp_path: Path
) -> None:
    cached.folder = tmp_path / "file" / "cache"
    cached.folder.parent.write_text("")
    with pytest.warns(UserWarning, match="damaged"):
        assert "is not cached" in cached.says(project.factory("block"))


def test_writers_at_once_do_no_harm(project: Project, cached: Cached) -> None:
    factory = project.factory("block")
    found = []

    def derive() -> None:
        with cache.using(cached.folder):
            found.append(symcount.derive(factory))

    threads = [threading.Thread(target=derive) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(map(str, found))) == 1
    assert [path.suffix for path in cached.folder.iterdir()] == [".symcount"]
    assert cached.is_hit(factory)


def test_nothing_is_kept_unless_asked_for(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    assert cache.folder() is None
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path / "named"))
    symcount.derive(project.factory("block"))
    assert len([*(tmp_path / "named").iterdir()]) == 1


def test_a_factory_that_derives_another_asks_no_cache(cached: Cached) -> None:
    def inner(dim: int) -> nn.Module:
        return nn.Linear(dim, 3)

    def outer(dim: int) -> nn.Module:
        symcount.derive(inner)
        return nn.Linear(dim, 4)

    cached.says(outer)
    assert cached.count(10) == 44
    cached.says(outer)
    assert cached.count(10) == 44


def test_a_registry_keeps_formulas(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "registry"
    for _ in range(2):
        registry = symcount.BlueprintRegistry(cache=folder)
        registry.register("block", "cnn")(project.factory("block"))
        assert registry.get("cnn", "block").param_count(10) == 10 * 60 + 60
        monkeypatch.setattr("symcount.derivation.pipeline.derive", None)  # not asked again
    assert len([*folder.iterdir()]) == 1


STARTS = """
import sys, symcount.blueprints.cnn, symcount.blueprints.transformer
from symcount import blueprints
print(sorted(f"{spec.key} {spec.param_estimate}" for spec in blueprints))
heavy = "sympy", "z3", "symcount.derivation", "symcount.trace"
print([name for name in heavy if name in sys.modules])
"""


def test_another_process_takes_all_seeds_and_loads_nothing_to_derive(tmp_path: Path) -> None:
    def output() -> list[str]:
        done = subprocess.run(
            [sys.executable, "-W", "error", "-c", STARTS],
            cwd=ROOT, capture_output=True, text=True, check=True,
            env={**os.environ, cache.VARIABLE: str(tmp_path)},
        )  # fmt: skip
        return done.stdout.splitlines()

    first, loaded = output()
    assert "sympy" in loaded
    again, nothing = output()
    assert again == first and nothing == "[]"


def test_an_answer_from_a_file_loads_no_more_than_it_needs() -> None:
    code = """
import sys, symcount
symcount.load("docs/atlas/formulas.json")["gpt2"]()
print(*sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-S", "-c", code],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    loaded = set(done.stdout.split())
    assert "symcount.storage.definition" in loaded
    others = """torch sympy z3 numpy logging pathlib hashlib secrets difflib importlib.util
        importlib.metadata symcount.executed symcount.factory.evidence symcount.derivation
        symcount.formula.expressions symcount.catalogue symcount.questions symcount.display"""
    for name in others.split():
        assert name not in loaded, name
