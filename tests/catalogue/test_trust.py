"""Documents and files of formulas have nothing called but what the rule allows."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from click.testing import CliRunner, Result
from torch import nn

import symcount
from symcount import drift
from symcount.catalogue.targets import load_blueprints, resolve
from symcount.catalogue.trust import Trust
from symcount.cli import main
from symcount.drift import reloading
from symcount.drift.filling import check_document
from symcount.errors import ArgumentError, NotTrustedError, TargetError
from symcount.ext.mkdocs import define_env

# What a stranger would name, in the project and out of it. Each that is called leaves a file.
MODELS = """
    import functools
    import os
    import shutil
    import subprocess
    from dataclasses import dataclass
    from functools import cache, lru_cache, partial, update_wrapper, wraps
    from os import makedirs
    from os import mkdir as make
    from shutil import copytree
    from typing import NamedTuple

    import foreign
    import torch
    from foreign import Base, Caller, build, decorate, decorated
    from torch import nn
    from torch.hub import set_dir


    def mlp(dim, expansion=4):
        return nn.Linear(dim, expansion * dim)


    cached = cache(mlp)
    bound = partial(mlp, expansion=2)
    no_grad = torch.no_grad()(mlp)
    around = decorate(mlp)


    class Net(nn.Module):
        def __init__(self, dim):
            super().__init__()
            self.layer = nn.Linear(dim, dim)

        @classmethod
        def small(cls, dim):
            return cls(dim)

        @staticmethod
        def plain(dim):
            return cls(dim)

        def width(self):
            return 1


    class Factory:
        def __call__(self, dim):
            return nn.Linear(dim, dim)

        def method(self, dim):
            return nn.Linear(dim, dim)


    factory = Factory()
    method = factory.method


    @dataclass
    class Config:
        dim: int = 3


    class Pair(NamedTuple):
        dim: int = 3


    class Values(dict):
        pass


    hidden = partial(makedirs)
    deeper = partial(partial(build), width=1)


    @wraps(makedirs)
    def wrapped(*args):
        return makedirs(*args)


    cached_copy = lru_cache(copytree)
    looks_ours = update_wrapper(lambda *args: makedirs(*args), makedirs)
    caller = Caller()
    start = caller.start


    class Runner(subprocess.Popen):
        pass


    class Quiet(subprocess.Popen):
        __init__ = subprocess.Popen.__init__


    class Meta(type):
        __call__ = staticmethod(make)


    class Made(metaclass=Meta):
        pass


    class Callable:
        __call__ = staticmethod(make)


    called = Callable()


    class Inherits(Base):
        pass
"""
FOREIGN = """
    import functools

    from torch import nn


    def build(dim, width=1):
        return nn.Linear(dim, width)


    def decorate(function):
        @functools.wraps(function)
        def inner(*args, **kwargs):
            return function(*args, **kwargs)

        return inner


    @decorate
    def decorated(dim):
        return nn.Linear(dim, dim)


    class Base:
        def __init__(self, dim):
            self.dim = dim


    class Caller:
        def __call__(self, dim):
            return nn.Linear(dim, dim)

        def start(self, dim):
            return nn.Linear(dim, dim)


    class Layer(nn.Linear):
        @classmethod
        def loaded(cls, path):
            return cls(3, 3)


    class Layered(nn.Module):
        def __init__(self, config: "LayerConfig"):
            super().__init__()
            self.layer = nn.Linear(config.dim, 3)


    class LayerConfig:
        def __init__(self, dim=3):
            self.dim = dim


    class OtherConfig(LayerConfig):
        def __init__(self, dim=4):
            self.dim = dim


    class Bystander:
        def __init__(self, dim=3):
            open("CANARY", "w").close()
            self.dim = dim
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A project, with a package that is installed in an environment in its folder."""
    installed = tmp_path / ".venv" / "lib" / "site-packages"
    installed.mkdir(parents=True)
    (installed / "foreign.py").write_text(dedent(FOREIGN))
    (installed / "unused.py").write_text("open('CANARY', 'w').close()\n")
    (tmp_path / "models.py").write_text(dedent(MODELS))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path, str(installed)])
    monkeypatch.setattr(reloading, "_LOADED", {})
    loaded = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - loaded:
        if str(tmp_path) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]


def refusal(target: str, trust: Trust | None = None, model: Any = None) -> str:
    with pytest.raises(NotTrustedError) as caught:
        resolve(target, trust or Trust(), model)
    return str(caught.value)


# --- the rule ---------------------------------------------------------------------------------

TRUSTED = (
    "mlp cached bound no_grad around Net Net.small Net.plain factory method Config Pair Values"
).split()


@pytest.mark.parametrize("name", TRUSTED)
def test_code_of_the_project_is_called(here: Path, name: str) -> None:
    for target in (f"models.py:{name}", f"models:{name}"):
        assert callable(resolve(target, Trust()).factory)


@pytest.mark.parametrize(
    "target", ["torch.nn:Linear", "foreign:Layer", "cnn:attention", "models:nn.Linear"]
)
def test_classes_of_modules_and_blueprints_are_called_of_whatever_package(
    here: Path, target: str
) -> None:
    assert callable(resolve(target, Trust()).factory)


# Those of the standard library, however they are got at, and those of another package.
NEVER = (
    "makedirs make copytree hidden wrapped cached_copy looks_ours Runner Quiet Made called "
    "os.system shutil.rmtree subprocess.Popen functools.partial os.path.join Net.__subclasses__ "
    "Net.width.__call__ mlp.__globals__.get"
).split()
FOREIGN_NAMES = (
    "build deeper decorated caller start Inherits foreign.Layer.loaded foreign.Bystander"
).split()


@pytest.mark.parametrize("name", NEVER)
def test_nothing_of_python_is_called_and_it_cannot_be_allowed(here: Path, name: str) -> None:
    for trust in (Trust(), Trust(("foreign", "models", "torch"))):
        message = refusal(f"models.py:{name}", trust)
        assert message.startswith(f"models.py:{name} is not called: ")
        assert "--allow" not in message


@pytest.mark.parametrize("name", FOREIGN_NAMES)
def test_code_of_other_packages_is_called_only_if_allowed(here: Path, name: str) -> None:
    assert "--allow foreign" in refusal(f"models.py:{name}")
    assert "--allow foreign" in refusal(f"models.py:{name}", Trust(("fore", "torch")))
    assert callable(resolve(f"models.py:{name}", Trust(("foreign",))).factory)


@pytest.mark.parametrize(
    "target",
    "shutil:rmtree subprocess:Popen builtins:exec os.path:join this:s antigravity:webbrowser "
    "_posixsubprocess:fork_exec __main__:x unittest.__main__:main pip.__main__:x "
    "foreign.__main__:x models/__main__.py:x".split(),
)
def test_what_is_known_to_be_refused_is_not_imported(here: Path, target: str) -> None:
    (here / "models").mkdir()
    (here / "models" / "__main__.py").write_text("open('CANARY', 'w').close()\n")
    before = {name for name in sys.modules if name in ("this", "antigravity", "pip.__main__")}
    assert "This cannot be allowed." in refusal(target)
    assert {n for n in sys.modules if n in ("this", "antigravity", "pip.__main__")} == before
    assert not (here / "CANARY").exists()


def test_files_are_of_the_project_wherever_links_lead(here: Path, tmp_path: Path) -> None:
    outside = tmp_path.parent / f"{tmp_path.name}-outside"
    outside.mkdir()
    (outside / "evil.py").write_text("open('CANARY', 'w').close()\n")
    (here / "linked.py").symlink_to(outside / "evil.py")
    (here / "folder").symlink_to(outside)
    for file in (f"../{outside.name}/evil.py", f"{outside}/evil.py", "linked.py", "folder/evil.py"):
        message = refusal(f"{file}:f")
        assert f"{file} is not of the project, whose files are below {here}" in message
    assert "are below" in refusal(".venv/lib/site-packages/unused.py:f")
    assert not (outside / "CANARY").exists() and not (here / "CANARY").exists()
    with pytest.raises(TargetError, match="has no 'f'"):
        resolve("linked.py:f", Trust((f"../{outside.name}/",)))
    with pytest.raises(TargetError, match="has no 'f'"):
        resolve("folder/evil.py:f", Trust().beside(outside))


def test_an_environment_in_the_project_is_not_of_it(here: Path) -> None:
    tools = here / "tools"
    (tools / "src").mkdir(parents=True)
    (tools / "src" / "some.py").write_text("def f(dim): ...\n")
    assert callable(resolve("tools/src/some.py:f", Trust()).factory)
    (tools / "pyvenv.cfg").write_text("home = /usr/bin\n")
    assert "not of the project" in refusal("tools/src/some.py:f")
    assert callable(resolve("tools/src/some.py:f", Trust(("tools/src/",))).factory)


def test_registries_are_of_the_project_allowed_or_ours(here: Path) -> None:
    text = "from symcount import BlueprintRegistry\nmine = BlueprintRegistry()\n"
    added = text + "import models\nmine.register('a', 'b', on_error='defer')(models.{})\n"
    (here / "good.py").write_text(added.format("mlp"))
    (here / "bad.py").write_text(added.format("make"))
    (here / ".venv/lib/site-packages/theirs.py").write_text(added.format("mlp"))
    for module in ("good.py", "good", "symcount.blueprints.cnn"):
        assert load_blueprints(module, Trust())
    with pytest.raises(NotTrustedError, match="b:a is not called: mkdir"):
        load_blueprints("bad.py", Trust())
    for module in ("unused", "theirs", "shutil"):
        with pytest.raises(NotTrustedError, match=f"{module} is not called"):
            load_blueprints(module, Trust())
        assert module == "shutil" or module not in sys.modules
    assert load_blueprints("theirs", Trust(("theirs",)))
    assert not (here / "CANARY").exists()


def test_configs_are_of_the_project_allowed_or_declared_by_their_models(here: Path) -> None:
    import foreign

    for config in ("foreign:LayerConfig", "foreign:OtherConfig", "models.py:Config"):
        assert callable(resolve(config, Trust(), foreign.Layered).factory)
    for config in ("foreign:Bystander", "foreign:build", "torch:device"):
        refusal(config, None, foreign.Layered)
    refusal("foreign:LayerConfig", None, foreign.build)
    refusal("foreign:LayerConfig", None, nn.Linear)
    refusal("models.py:Runner", None, foreign.Layered)
    refusal("subprocess:Popen", Trust(("foreign",)), foreign.Layered)
    assert callable(resolve("foreign:Bystander", Trust(("foreign",)), foreign.Layered).factory)


def test_a_config_of_transformers_is_declared_by_its_model(here: Path) -> None:
    pytest.importorskip("transformers")
    model = resolve("transformers:LlamaModel", Trust()).factory
    assert callable(resolve("transformers:LlamaConfig", Trust(), model).factory)
    assert "--allow transformers" in refusal("transformers:BertConfig", None, model)
    assert "--allow transformers" in refusal("transformers:LlamaModel.from_pretrained")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("shutil", "--allow shutil: nothing of the standard library is called for a document"),
        ("os.path", "--allow os.path: nothing of the standard library"),
        ("a b", "--allow a b: write a package's name, such as timm, or the path of a folder"),
        ("", "--allow : write a package's name"),
    ],
)
def test_what_cannot_be_allowed(name: str, message: str) -> None:
    with pytest.raises(ArgumentError) as caught:
        Trust((name,))
    assert str(caught.value).startswith(message)


def test_what_the_user_types_is_not_restricted(here: Path) -> None:
    assert callable(resolve("foreign:build").factory)
    assert callable(resolve("shutil:rmtree").factory)
    result = run("derive", "foreign:build")
    assert result.exit_code == 0 and "dim*width" in result.stdout


# --- what is said -----------------------------------------------------------------------------


def test_a_refusal_says_what_why_and_what_to_do(here: Path) -> None:
    rule = (
        ".\n  A document or file of formulas may have called only classes of nn.Module, and "
        "functions and classes of the project or of packages that are allowed. "
    )
    assert refusal("foreign:build") == (
        "foreign:build is not called: build is code of foreign, and no class of nn.Module"
        f"{rule}If you trust it with what is asked here, say so: --allow foreign"
    )
    assert refusal("models.py:makedirs") == (
        "models.py:makedirs is not called: makedirs is of the standard library (os), of which "
        f"nothing is{rule}This cannot be allowed."
    )
    assert refusal("subprocess:Popen") == (
        f"subprocess:Popen is not called: subprocess is of the standard library{rule}This cannot "
        "be allowed."
    )
    assert refusal("../x.py:f") == (
        "../x.py:f is not called: ../x.py is not of the project, whose files are below "
        f"{here} and not installed{rule}If you trust it with what is asked here, say so: "
        "--allow ../"
    )
    assert refusal("models.py:factory.__call__") == (
        "models.py:factory.__call__ is not called: models.py.factory is neither a module nor a "
        "class, and a document may name no attributes of objects. Give the factory a name of its "
        "own."
    )


# --- every way in -----------------------------------------------------------------------------

# Would make a folder, by one call with a symbol, if it were called.
DANGER = "os:makedirs"
SAME = "models.py:makedirs"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def marked(here: Path, target: str) -> Path:
    path = here / "page.md"
    marker = f'{target} count at mode=511 fixed name="{here}/CANARY" symbols mode()'
    path.write_text(f"It has <!-- symcount: {marker} -->1<!-- /symcount --> parameters.\n")
    return path


def saved(here: Path, target: str, config: str | None = None) -> Path:
    path = here / "formulas.json"
    symcount.save(path, {"it": symcount.derive(nn.Linear, out_features=3)})
    document = json.loads(path.read_text())
    origin = document["formulas"][0]["origin"]
    origin |= {"target": target, "config": config, "given": [["name", f"{here}/CANARY"]]}
    path.write_text(json.dumps(document))
    return path


@pytest.mark.parametrize("target", [DANGER, SAME])
@pytest.mark.parametrize(
    "line", [("check", "page.md"), ("check", "."), ("export", "--write", "page.md")]
)
def test_a_document_is_refused(here: Path, target: str, line: tuple[str, ...]) -> None:
    before = marked(here, target).read_bytes()
    result = run(*line)
    assert result.exit_code == 2
    said = result.stdout + result.stderr
    assert f"page.md:1: {target} count at mode=511" in said
    assert f": {target} is not called: " in said and "standard library" in said
    assert "no formula any more" not in said and "If a change is meant" not in said
    assert (here / "page.md").read_bytes() == before
    assert not (here / "CANARY").exists()


@pytest.mark.parametrize("target", [DANGER, SAME, "../none.py:f"])
def test_a_stored_formula_is_refused(here: Path, target: str) -> None:
    saved(here, target)
    result = run("check", "formulas.json")
    assert result.exit_code == 2
    assert result.stdout.startswith(
        "formulas.json: it: is not checked, since a file may not have this called\n"
        f"  {target} is not called: "
    )
    assert result.stdout.endswith("1 formula checked: 1 not known to be as in the code.\n")
    (found,) = json.loads(run("check", "formulas.json", "--json").stdout)
    assert found["state"] == "refused"
    (finding,) = drift.check(symcount.load(here / "formulas.json"))
    assert finding.state == "refused" and not finding.is_current
    assert not (here / "CANARY").exists()


@pytest.mark.parametrize("config", [DANGER, SAME, "foreign:Bystander"])
def test_a_config_of_a_stored_formula_is_refused(here: Path, config: str) -> None:
    saved(here, "foreign:Layered", config)
    result = run("check", "formulas.json")
    assert result.exit_code == 2 and f"  {config} is not called: " in result.stdout
    assert not (here / "CANARY").exists()


def test_a_package_is_allowed_on_the_command_line(here: Path) -> None:
    marker = "<!-- symcount: foreign:build at dim=8, width=2 -->1<!-- /symcount -->"
    (here / "page.md").write_text(f"It has {marker}.\n")
    assert "--allow foreign" in run("export", "--write", "page.md").stderr
    assert run("export", "--write", "page.md", "--allow", "foreign").exit_code == 0
    assert ">18<" in (here / "page.md").read_text()
    assert run("check", "page.md", "--allow", "foreign").exit_code == 0
    assert run("check", "page.md").exit_code == 2
    assert check_document(here / "page.md", allow=["foreign"]) == []
    (finding,) = check_document(here / "page.md")
    assert finding.state == "refused"
    result = run("check", "page.md", "--allow", "shutil")
    assert result.exit_code == 2 and "nothing of the standard library" in result.stderr
    result = run("export", "foreign:build", "--allow", "foreign")
    assert result.exit_code == 2 and "--allow is for --write" in result.stderr


def test_a_document_may_name_what_is_beside_it(here: Path, tmp_path: Path) -> None:
    other = tmp_path.parent / f"{tmp_path.name}-other"
    other.mkdir()
    (other / "more.py").write_text("from models import mlp\n\ndef f(d):\n    return mlp(d)\n")
    for name, target in (("good", "more.py:f"), ("bad", "../x/more.py:f"), ("file", "../x.json#f")):
        text = f"It is <!-- symcount: {target} -->x<!-- /symcount -->.\n"
        (other / f"{name}.md").write_text(text)
    assert run("check", str(other / "good.md")).exit_code == 1
    for name in ("bad", "file"):
        result = run("check", str(other / f"{name}.md"))
        assert result.exit_code == 2
        assert f"is not of the project, whose files are below {here} or {other}" in result.stdout


def test_an_answer_for_one_document_is_none_for_another(here: Path, tmp_path: Path) -> None:
    """Answers are kept while a command runs; each document asks for permission itself."""
    other = tmp_path.parent / f"{tmp_path.name}-other"
    other.mkdir()
    (other / "more.py").write_text(
        "from torch import nn\n\ndef f(d):\n    return nn.Linear(d, d)\n"
    )
    text = "It is <!-- symcount: {} -->x<!-- /symcount -->.\n"
    (other / "a.md").write_text(text.format("more.py:f"))
    (here / "b.md").write_text(text.format(f"../{other.name}/more.py:f"))
    result = run("export", "--write", str(other / "a.md"), "b.md")
    assert result.exit_code == 2 and "b.md:1" in result.stderr and "a.md" not in result.stderr


def test_loading_and_showing_run_nothing(here: Path) -> None:
    saved(here, "unused:f", "unused:g")
    code = (
        "import sys; from symcount.cli import main\n"
        "import symcount; assert symcount.load('formulas.json')['it'](8) == 27\n"
        "main(['show', 'formulas.json', 'it', '--at', 'in_features=8'], standalone_mode=False)\n"
        "assert not {'torch', 'unused'} & set(sys.modules)"
    )
    root = Path(symcount.__file__).parent.parent
    subprocess.run([sys.executable, "-c", code], check=True, env={"PYTHONPATH": str(root)})
    assert not (here / "CANARY").exists()


class _Env:
    """What mkdocs-macros hands to `define_env`."""

    def __init__(self, folder: Path, **variables: Any) -> None:
        self.project_dir, self.variables = str(folder), variables
        self.macros: dict[str, Callable[..., str]] = {}
        define_env(self)

    def macro(self, function: Callable[..., str], name: str = "") -> None:
        self.macros[name] = function


def test_a_page_of_mkdocs_is_refused(here: Path, caplog: pytest.LogCaptureFixture) -> None:
    macros = _Env(here).macros
    for target in (DANGER, SAME):
        given = {"name": f"{here}/CANARY", "mode": symcount.Symbol()}
        assert "is not called" in macros["symcount"](target, **given)
        assert f"{target} is not called" in caplog.text
    assert "is not called" in macros["symcount_registry"]("unused")
    assert "symcount_allow: [foreign] under extra" in macros["symcount_count"](
        "foreign:build", dim=8
    )
    macros = _Env(here, symcount_allow=["foreign"]).macros
    assert macros["symcount_count"]("foreign:build", dim=8, width=2) == "18"
    assert not (here / "CANARY").exists()


def test_a_page_of_sphinx_is_refused(here: Path) -> None:
    testing = pytest.importorskip("sphinx.testing.util")
    page = f"""
        T
        =

        .. symcount:: {DANGER}
           :fixed: name="{here}/CANARY"
           :symbols: mode

        .. symcount-registry:: unused

        It has :symcount:`foreign:build(dim=8, width=2)` and :symcount:`models.py:mlp(dim=1)`.
    """
    (here / "index.rst").write_text(dedent(page))
    built = {}
    for allowed in ([], ["foreign"]):
        text = f"extensions = ['symcount.ext.sphinx']\nsymcount_allow = {allowed}\n"
        (here / "conf.py").write_text(text + "exclude_patterns = ['.venv']\n")
        app = testing.SphinxTestApp("html", srcdir=here, builddir=here / "_build")
        app.build()
        built[bool(allowed)] = app.warning.getvalue()
        app.cleanup()
    for warnings in built.values():
        assert f"{DANGER} is not called: os is of the standard library" in warnings
        assert "unused is not called: unused is not of the project" in warnings
        assert "models.py" not in warnings
    assert 'symcount_allow = ["foreign"] in conf.py' in built[False]
    assert "foreign:build" not in built[True]
    assert not (here / "CANARY").exists()
