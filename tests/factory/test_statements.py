"""Which statements a factory is made of, and which lines of them have changed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from torch import nn

import symcount
from symcount.catalogue.targets import load
from symcount.factory.origin import NO_CODE
from symcount.factory.statements import changes, statements_of
from tests.projects import Project, project

MODELS = '''
    """A module."""
    import math
    from torch import nn

    import parts
    from parts import head as make_head

    WIDTHS = {
        "small": 64,
    }
    WIDTHS.update(large=512)


    class Base(nn.Module):
        pass


    def twice(function):
        return function


    @twice
    def mlp(dim: int) -> nn.Module:
        """Two layers.

        And more.
        """
        # a comment
        from parts import inner

        hidden = WIDTHS["small"]  # another
        return nn.Sequential(nn.Linear(dim, hidden), make_head(hidden), parts.tail(inner))


    def unrelated(dim: int) -> nn.Module:
        return nn.Linear(dim, dim)


    class Net(Base):
        @staticmethod
        def small(dim: int) -> nn.Module:
            return mlp(dim)
'''
PARTS = """
    from torch import nn

    SIZE = 3


    def head(dim):
        return nn.Linear(dim, SIZE)


    def tail(dim):
        return nn.Linear(dim, 1)


    def unused(dim):
        return dim


    inner = 5
"""


@pytest.fixture
def files(tmp_path: Path) -> Iterator[Project]:
    with project(tmp_path) as found:
        found.write(models=MODELS, parts=PARTS)
        yield found


def names(target: str) -> set[str]:
    load(target.partition(":")[0])
    return {f"{s.file}:{s.name}" for s in statements_of(target)}


MLP = {
    "models.py:mlp", "models.py:twice", "models.py:WIDTHS", "models.py:nn", "models.py:parts",
    "models.py:make_head", "parts.py:head", "parts.py:tail", "parts.py:SIZE", "parts.py:inner",
    "parts.py:nn",
}  # fmt: skip


def test_a_factory_is_made_of_what_it_mentions(files: Project) -> None:
    assert names("models.py:mlp") == MLP
    assert names("models:mlp") == MLP
    assert names("models.py:unrelated") == {"models.py:unrelated", "models.py:nn"}
    assert names("models.py:Net.small") == {*MLP, "models.py:Net", "models.py:Base"}
    widths = [s for s in statements_of("models.py:mlp") if s.name == "WIDTHS"]
    assert [len(s.digests) for s in widths] == [3, 1]  # the dict, and what is added to it
    assert statements_of("models.py:mlp")[0].name == "mlp"


def test_of_what_is_installed_or_not_loaded_there_is_nothing(files: Project) -> None:
    assert statements_of("torch.nn:Linear") == ()
    assert statements_of("no_such_module:factory", None) == ()
    assert statements_of("symcount.derivation.pipeline:derive") == ()
    load("symcount.blueprints.cnn")
    (first, *_) = statements_of("symcount.blueprints.cnn:create_attention")
    assert first.name == "create_attention"


def changed(files: Project, old: str, new: str, file: str = "models.py") -> list[str]:
    load("models.py")
    before = statements_of("models.py:mlp")
    files.edit(old, new, file)
    load("models.py")
    return list(map(str, changes(before, statements_of("models.py:mlp"))))


@pytest.mark.parametrize(
    ("old", "new", "file", "said"),
    [
        ('hidden = WIDTHS["small"]', 'hidden = WIDTHS["large"]', "models.py",
         ['models.py:31: hidden = WIDTHS["large"]  # another']),
        ('"small": 64', '"small": 65', "models.py", ['models.py:9: "small": 65,']),
        ("large=512", "large=513", "models.py", ["models.py:11: WIDTHS.update(large=513)"]),
        ("@twice\n", "@twice\n@twice\n", "models.py", ["models.py:22: @twice  (new)"]),
        ("    return function", "    return lambda d: function(d)", "models.py",
         ["models.py:19: return lambda d: function(d)"]),
        ("SIZE = 3", "SIZE = 4", "parts.py", ["parts.py:3: SIZE = 4"]),
        ("inner = 5", "inner = 6", "parts.py", ["parts.py:18: inner = 6"]),
        ("import head as make_head", "import tail as make_head", "models.py",
         ["models.py:6: from parts import tail as make_head"]),
        ("    hidden =", "    if dim:\n        pass\n    hidden =", "models.py",
         ["models.py:31: if dim:  (new)", "models.py:32: pass  (new)"]),
        # what is no code, or not the factory's
        ("# a comment", "# other words", "models.py", []),
        ("    # a comment\n", "", "models.py", []),
        ("And more.", "And more,\n    in more lines.", "models.py", []),
        ("# another", "", "models.py", []),
        ("    hidden =", "    \n    hidden  =", "models.py", []),
        ("def unrelated(dim: int)", "def unrelated(dim: float)", "models.py", []),
        ("    return dim\n", "    return 2 * dim\n", "parts.py", []),
        ("import math\n", "import math\nimport json\n\n\n\n", "models.py", []),
    ],
)  # fmt: skip
def test_lines_that_change_are_named(
    files: Project, old: str, new: str, file: str, said: list[str]
) -> None:
    assert changed(files, old, new, file) == said


def test_a_docstring_is_left_out_and_code_on_its_line_is_not(files: Project) -> None:
    files.write(
        models='''
        def one(d): """It."""; return d
        def two(d):
            """It."""; return d
        def three(d):
            """It
            is."""
            return d
        class Four(int): """It."""
        '''
    )
    load("models.py")
    (one,), (two,), (three,) = (statements_of(f"models.py:{n}") for n in ("one", "two", "three"))
    (four,) = statements_of("models.py:Four")
    assert NO_CODE not in one.digests + two.digests + four.digests
    assert [digest == NO_CODE for digest in three.digests] == [False, True, True, False]
    files.write(models='def one(d): """It."""; return 2 * d\ndef two(d): pass\n')
    load("models.py")
    assert len(changes([one], statements_of("models.py:one"))) == 1


def test_where_one_statement_takes_the_place_of_another_that_is_named(files: Project) -> None:
    files.write(models="from torch import nn\nfrom parts import head\n")
    load("models.py")
    before = statements_of("models.py:head")
    files.write(models="from torch import nn\nfrom other import head\n", other=PARTS)
    load("models.py")
    (line,) = changes(before, statements_of("models.py:head"))
    assert str(line) == "models.py:2: from other import head"


def test_a_factory_that_is_gone_is_named(files: Project) -> None:
    load("models.py")
    before = statements_of("models.py:unrelated")[:1]
    (line,) = changes(before, ())
    assert str(line) == "models.py:35: (a line of unrelated is gone)"


def test_files_are_the_same_by_whatever_folder_they_are_called(files: Project) -> None:
    load("models.py")
    now = statements_of("models.py:mlp")
    for file in ("src/models.py", "a/src/models.py"):
        before = [replace(s, file=file) if s.file == "models.py" else s for s in now]
        assert changes(before, now) == changes(now, before) == []
    others = [replace(s, file="remodels.py") for s in now if s.file == "models.py"]
    assert {line.change for line in changes(others, now)} == {"new", "gone"}


def test_the_text_is_that_of_the_file_and_not_of_one_called_alike(files: Project) -> None:
    load("models.py")
    folder = files.folder / "src"
    folder.mkdir()
    (folder / "models.py").write_text("def f(d):\n    return d + 1\n")
    load("src/models.py")  # which makes `src` a folder that modules are imported from
    (before,) = statements_of("src/models.py:f")
    assert before.file == "models.py"
    digests = (before.digests[0], "0" * 8)
    (line,) = changes([replace(before, digests=digests)], [before])
    assert line.text == "return d + 1"


def test_source_that_cannot_be_read_has_no_statements(files: Project) -> None:
    load("models.py")
    (files.folder / "models.py").write_bytes(b"\xff\xfe def")
    assert statements_of("models.py:mlp") == ()


def test_a_stored_formula_has_them_and_keeps_them(files: Project) -> None:
    files.write(models="from torch import nn\ndef f(d: int):\n    return nn.Linear(d, d)  # x\n")
    count = symcount.derive(load("models.py").f)
    assert count.origin is not None and count.origin.statements == ()
    symcount.save("a.json", {"f": count})
    stored = symcount.load("a.json")["f"]
    assert stored.origin is not None
    assert [(s.file, s.name, s.line) for s in stored.origin.statements] == [
        ("models.py", "f", 2), ("models.py", "nn", 1),
    ]  # fmt: skip
    assert "Linear(d, d)" not in Path("a.json").read_text()
    files.edit("(d, d)", "(d, 2 * d)")
    load("models.py")
    symcount.save("b.json", {"f": stored})
    assert Path("b.json").read_bytes() == Path("a.json").read_bytes()
    symcount.save("c.json", {"linear": symcount.derive(nn.Linear)})
    linear = symcount.load("c.json")["linear"].origin
    assert linear is not None and linear.statements == ()
