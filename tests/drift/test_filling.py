"""Documents: what is filled in, what stays as it is, and what is said of what differs."""

from __future__ import annotations

import json
import os
import re
import stat
import sys
from pathlib import Path
from textwrap import dedent

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import symcount
from symcount.cli import main
from symcount.drift import filling, reloading
from symcount.drift.answers import Answers
from symcount.drift.files import documents
from symcount.drift.filling import check_document, filled
from symcount.errors import ArgumentError
from symcount.export.documents import markdown, rst

ROOT = Path(__file__).parents[2]
MODELS = """
    from torch import nn

    def mlp(dim: int, expansion: int = 4, bias: bool = True):
        hidden = expansion * dim
        return nn.Sequential(nn.Linear(dim, hidden, bias=bias), nn.Linear(hidden, dim, bias=bias))

    def halves(dim: int):
        if dim % 2:
            raise ValueError("dim must be even")
        return nn.Linear(dim, dim // 2, bias=False)

    def deep(dim: int, n: int):
        return nn.ModuleList(nn.Linear(dim, dim) for _ in range(n))

    def doubles(n: int):
        return nn.Linear(2**n, 1, bias=False)

    def broken(dim: int):
        raise RuntimeError("not today")
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A current directory with `models.py` in it, of which nothing is known later."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(reloading, "_LOADED", {})
    (tmp_path / "models.py").write_text(dedent(MODELS))
    return tmp_path


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def markdown_of(marker: str, name: str = "page.md") -> str:
    """What is filled in within a line of Markdown."""
    Path(name).write_text(f"It is <!-- symcount: {marker} --><!-- /symcount -->.")
    document = filled(name)
    assert not document.errors, document.errors[0].reason
    assert document.write()
    found = re.fullmatch(r"It is <!-- .*? -->(.*)<!-- /symcount -->\.", Path(name).read_text())
    assert found is not None
    return found[1]


def block_of(marker: str, name: str = "page.md") -> str:
    """What is filled in between lines."""
    dots = ".. " if name.endswith(".rst") else ""
    Path(name).write_text(f"{dots}<!-- symcount: {marker} -->\n{dots}<!-- /symcount -->\n")
    document = filled(name)
    assert not document.errors, document.errors[0].reason
    assert document.write()
    first, *lines, last = Path(name).read_text().splitlines()
    assert first.startswith(f"{dots}<!--") and last == f"{dots}<!-- /symcount -->"
    assert (lines[0], lines[-1]) == ("", "")
    return "\n".join(lines[1:-1])


def error_of(marker: str, name: str = "page.md") -> filling.MarkerFinding:
    inline = f"It is <!-- symcount: {marker} -->x<!-- /symcount -->."
    block = f".. <!-- symcount: {marker} -->\n\n.. <!-- /symcount -->\n"
    Path(name).write_text(block if name.endswith(".rst") else inline)
    (finding,) = check_document(name)
    assert filled(name).content is None
    return finding


# --- what a marker asks for -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("models.py:mlp tabel", "'tabel' is not understood; write the target and then"),
        ("models.py:mlp tabel", "did you mean 'table'?"),
        ("models.py:mlp at", "nothing follows 'at'"),
        ("models.py:mlp at dim", "write name=value"),
        ("models.py:mlp at dim=8 at dim=9", "'at' is said twice"),
        ("models.py:mlp at dim=(8", "the brackets do not match"),
        ("models.py:mlp formula at dim=8", "sizes are for count, table or registry"),
        ("models.py:mlp levels 2", "levels are those of a table"),
        ("models.py:mlp table levels 0", "write how many, such as 2, or all"),
        ("models.py:mlp as latex", "as latex: write as code, as math or as layers"),
        ("models.py:mlp at dim=8 as math", "count has no other form"),
        ("models.py:mlp domain as layers", "layers are of a formula or table; domain has none"),
        ("models.py:mlp as layers, layers", "as layers, layers: write as code"),
        ("models.py:mlp as billions", "billions are of a count; write count too"),
        ("models.py:mlp at dim=8 as billions, millions", "as billions, millions: write as code"),
        ("models.py:mlp at dim=8 as billions", "is nothing as billions; write it in full"),
        ("models.py:mlp at dim=8 as code, millions", "count has no other form"),
        ("models.py:mlp at small(dim=8), small(dim=9)", "two sizes are called 'small'"),
        ("models.py:mlp at small(dim=(8, 9))", "'small' is one size, and has one dim"),
        ("models.py:mlp at small(8)", "write name=value, ..., or small(name=value)"),
        ("models.py:mlp at small(dim=8)(dim=9)", "write name=value, ..., or small(name=value)"),
        ("models.py:mlp at small(depth=8)", "has no symbol 'depth'"),
        ("models.py:mlp at a(dim=8), b(dim=9)", "more than one thing does not fit within a line"),
        ("models.py:mlp fixed n=3", "'n'"),
        ("models.py:mlp at n=3", "n"),
        ("models.py:mlp at expansion=3", "dim"),
        ("models.py:mlp table", "a table does not fit within a line"),
        ("models.py:mlp formula domain", "more than one thing does not fit within a line"),
        ("models.py:mlp at dim=(8, 9)", "more than one thing does not fit within a line"),
        ("models.py:mlp |mlp|", "|mlp| is for reStructuredText"),
        ("models.py registry formula", "a registry is shown by itself"),
        ("models.py(dim=3) registry", "a registry is a module, not a call"),
        ("models.py registry fixed a=1", "nothing of the blueprints of a registry can be fixed"),
        ("f.json#a fixed a=1", "nothing of a stored formula can be fixed"),
        ("f.json#a", "cannot read f.json"),
        ("models.py:mpl", "models.py has no 'mpl'; did you mean 'mlp'?"),
        ("nothere.py:f", "no file nothere.py"),
        ("models", "names no factory"),
        ("/models.py:mlp", "a path is relative to the document"),
        (f"models.py:mlp at dim={'(' * 300}1{')' * 300}", "write name=value"),
        (f"models.py:mlp at dim={'-' * 3000}1", "write name=value"),
        (f"models.py:mlp at dim={'9' * 5000}", "write name=value"),
        (
            "models.py:mlp table at dim=" + f"({'1, ' * 200}), expansion=({'1, ' * 200})",
            "40,000 combinations of sizes; 10,000 are the most",
        ),
    ],
)
def test_what_cannot_be_understood(marker: str, message: str) -> None:
    finding = error_of(marker)
    assert (finding.state, finding.line) == ("malformed", 1)
    assert message in finding.reason
    assert str(finding).startswith(f"page.md:1: {marker}: ")


@pytest.mark.parametrize(
    ("marker", "message"),
    [
        ("models.py:broken", "RuntimeError: not today"),
        ("models.py:halves(dim=3)", "outside the domain"),
        ("models.py:doubles(n=20000)", "is an integer of 20,001 bits, which is not written out"),
        ("models.py:doubles(n=1000000000000)", "33,554,432 bits is not computed"),
    ],
)
def test_what_the_code_has_not(marker: str, message: str) -> None:
    finding = error_of(marker)
    assert finding.state == "broken"
    assert message in finding.reason


# --- what is filled in ------------------------------------------------------------------------


def test_within_a_line() -> None:
    formula = "2*dim**2*expansion + dim*expansion + dim"
    assert markdown_of("models.py:mlp") == f"`{formula}`"
    assert markdown_of("models.py:mlp(bias=False)") == "`2*dim**2*expansion`"
    assert markdown_of("models.py:mlp fixed expansion=1, bias=False") == "`2*dim**2`"
    assert markdown_of("models.py:mlp at dim=512") == "2,099,712"
    assert markdown_of("models.py:mlp symbols dim fixed bias=True at dim=512") == "2,099,712"
    assert markdown_of("models.py:halves domain") == "`Eq(Mod(dim, 2), 0)`"
    assert markdown_of("models.py:mlp domain") == "all positive integers"
    count = symcount.derive(factory("models.py:halves"))
    assert markdown_of("models.py:halves domain as math") == f"${markdown.to_math(count.domain)}$"
    assert markdown_of("models.py:mlp certificate").startswith("complete: 1 path followed")


def factory(target: str) -> object:
    from symcount.catalogue import targets

    return targets.resolve(target).factory


def test_what_each_layer_has_in_brackets() -> None:
    assert markdown_of("models.py:deep") == "`dim**2*n + dim*n`"
    assert markdown_of("models.py:deep as layers") == "`n*(dim**2 + dim)`"
    assert not filling.check_document("page.md")
    assert markdown_of("models.py:mlp as layers") == markdown_of("models.py:mlp")
    latex = markdown.to_math(symcount.derive(factory("models.py:deep")).formula.in_layers)
    assert markdown_of("models.py:deep as layers, math") == f"${latex}$"
    assert "`n*(dim**2 + dim)`" in block_of("models.py:deep table as layers")
    shown = block_of("models.py:deep formula as math, layers").split("\n\n")
    assert shown == ["\n".join(("$$", latex, "$$"))]
    Path("models.py").write_text(Path("models.py").read_text().replace("dim, dim)", "dim, 1)"))
    Path("page.md").write_text(
        "It is <!-- symcount: models.py:deep as layers -->`n*(dim**2 + dim)`<!-- /symcount -->."
    )
    (finding,) = filling.check_document("page.md")
    assert finding.first is not None and (finding.first.left, finding.first.right) == (6, 3)


def test_blocks() -> None:
    count = symcount.derive(factory("models.py:halves"))
    shown = block_of("models.py:halves formula domain as math")
    assert shown.split("\n\n") == [
        "\n".join(markdown.display(count.expr)),
        f"${markdown.to_math(count.domain)}$",
    ]
    shown = block_of("models.py:halves formula domain as math", "page.rst")
    assert shown == "\n".join([*rst.display(count.expr), "", rst.MARKUP.math(count.domain)])
    assert block_of("models.py:halves count at dim=(2, 3)").splitlines()[2:] == [
        "| 2 | 2 |",
        "| 3 | outside the domain |",
    ]
    assert block_of("models.py:halves at dim=4 |n|", "page.rst") == ".. |n| replace:: 8"


def test_a_table_has_the_counts_of_its_modules() -> None:
    lines = block_of("models.py:mlp table at dim=64 levels 1").splitlines()
    assert lines[0] == "| module | parameters | at dim=64, expansion=4 | share |"
    counts = [int(line.split("|")[3].replace(",", "")) for line in lines[2:]]
    assert counts[0] == sum(counts[1:]) == 64 * 256 * 2 + 256 + 64
    assert len(block_of("models.py:mlp table levels all").splitlines()) > len(lines)


def test_a_registry() -> None:
    lines = block_of("symcount.blueprints.cnn registry at 64, 512").splitlines()
    rows = {line.split("|")[1].strip(): line for line in lines[2:]}
    assert rows["`cnn:attention`"].endswith("| 2,112 | 131,584 |")
    own = """
        from symcount import BlueprintRegistry
        import models
        registry = BlueprintRegistry()
        registry.register("halves", "own")(models.halves)
        registry.register("broken", "own", on_error="defer")(models.broken)
    """
    Path("own.py").write_text(dedent(own))
    lines = block_of("own.py registry at 3, 4").splitlines()
    assert lines[0].endswith("| domain | certificate | at 3 | at 4 |")
    assert lines[2].endswith("| outside the domain | 8 |")
    assert lines[3] == "| `own:broken` | no formula |  |  |  |  |"


def test_a_stored_formula_needs_no_factory() -> None:
    count = symcount.derive(factory("models.py:mlp"))
    symcount.save("formulas.json", {"own:mlp": count})
    Path("models.py").unlink()
    assert markdown_of("formulas.json#own:mlp at dim=512") == "2,099,712"
    assert markdown_of("formulas.json#own:mlp") == f"`{count}`"
    assert "has no formula 'mlp'" in error_of("formulas.json#mlp").reason


def test_of_a_stored_formula_no_lines_are_named() -> None:
    """The code may have moved on since it was stored."""
    symcount.save("formulas.json", {"mlp": symcount.derive(factory("models.py:mlp"))})
    Path("page.md").write_text(
        "It is <!-- symcount: formulas.json#mlp -->`2*dim`<!-- /symcount -->."
    )
    (finding,) = check_document("page.md")
    assert finding.state == "differs" and finding.first is not None
    assert (finding.source, finding.lines) == ("", ())


def test_paths_are_relative_to_the_document() -> None:
    Path("docs").mkdir()
    assert markdown_of("../models.py:halves", "docs/page.md").startswith("`")
    finding = error_of("models.py:halves", "docs/page.md")
    assert "no file docs/models.py" in finding.reason


def test_a_bar_ends_no_cell() -> None:
    either = """
        from torch import nn

        def either(a: int, b: int):
            if a % 2 and b % 2:
                raise ValueError
            return nn.Linear(a, b)
    """
    Path("models.py").write_text(dedent(either))
    assert " | " in markdown_of("models.py:either domain")
    Path("page.md").write_text(
        "| a |\n|---|\n| <!-- symcount: models.py:either domain --><!-- /symcount --> |\n"
    )
    assert filled("page.md").write()
    row = Path("page.md").read_text().splitlines()[2]
    assert len(re.findall(r"(?<!\\)\|", row)) == 2
    assert filled("page.md").content is None


# --- nothing else changes ---------------------------------------------------------------------

MARKERS = [
    "models.py:mlp",
    "models.py:mlp at dim=512",
    "models.py:halves domain",
    "models.py:mlp table at dim=64",
    "models.py:mlp count at dim=(8, 16)",
    "models.py:halves formula domain as math",
    "models.py:mpl",
]
TEXT = st.text(st.sampled_from("ab *_|<>`~\\#\t\u2028\u00a0é-:."), max_size=12)
LINE_ENDS = st.sampled_from(["\n", "\r\n", "\r"])


@st.composite
def documents_with_markers(draw: st.DrawFn) -> tuple[str, str]:
    """A document and the kind of it."""
    suffix = draw(st.sampled_from([".md", ".rst"]))
    end = draw(LINE_ENDS)
    lines = []
    for _ in range(draw(st.integers(1, 4))):
        marker = f"<!-- symcount: {draw(st.sampled_from(MARKERS))} -->"
        old = draw(TEXT.filter(lambda text: "<" not in text))
        kinds = ["text", "block", "inline", "bare", *(["cell"] if suffix == ".md" else [])]
        kind = draw(st.sampled_from(kinds))
        margin = draw(st.sampled_from(["", "  ", "> ", "- "])) if suffix == ".md" else ""
        dots = ".. " if suffix == ".rst" else ""
        behind = re.sub("[^>]", " ", margin)
        if kind == "text":
            lines += [draw(TEXT), draw(TEXT)]
        elif kind == "inline":
            lines += [f"{draw(TEXT)}{marker}{old}<!-- /symcount -->{draw(TEXT)}"]
        elif kind == "cell":
            lines += ["", "| a |", "|---|", f"| {marker}{old}<!-- /symcount --> |", ""]
        elif kind == "bare":
            lines += ["", f"{margin}{marker}{old}<!-- /symcount -->", ""]
        else:
            spaces = " " * draw(st.integers(0, 2))
            lines += ["", f"{margin}{dots}{marker}{spaces}", f"{behind}{old}"]
            lines += [behind, f"{behind}{dots}<!-- /symcount -->{spaces}", ""]
    bom = draw(st.sampled_from(["", "\ufeff"]))
    return f"{bom}{end.join(lines)}{draw(st.sampled_from(['', end, end + end]))}", suffix


def outside(content: bytes, suffix: str) -> list[str]:
    """What is not between the comments of markers."""
    from symcount.drift import markers

    text, behind, parts = content.decode(), 0, []
    for marker in markers.find(text, markers.SYNTAXES[suffix])[0]:
        parts.append(text[behind : marker.start])
        behind = marker.end
    found = [*parts, text[behind:]]
    # A block that closes on its line gets a line for it, whose margin is new.
    return [re.sub(r"^[> ]*(?=(\.\. )?<!-- /symcount)", "", part) for part in found]


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(document=documents_with_markers())
def test_all_else_stays_and_a_second_run_changes_nothing(
    here: Path, document: tuple[str, str]
) -> None:
    text, suffix = document
    before = text.encode()
    path = here / f"page{suffix}"
    path.write_bytes(before)
    first = filled(path, ANSWERS)
    is_written = first.write()
    after = path.read_bytes()
    assert is_written == (after != before)
    if first.errors:
        assert after == before
        return
    assert outside(after, suffix) == outside(before, suffix)
    again = filled(path, ANSWERS)
    assert (again.findings, again.content) == ((), None)


ANSWERS = Answers()


def test_the_property_is_not_empty() -> None:
    """Most documents of the strategy are written."""
    written = 0
    path = Path("page.md")

    @settings(max_examples=100, deadline=None, database=None, derandomize=True)
    @given(documents_with_markers())
    def count(document: tuple[str, str]) -> None:
        nonlocal written
        path.with_suffix(document[1]).write_bytes(document[0].encode())
        written += filled(path.with_suffix(document[1]), ANSWERS).content is not None

    count()
    assert written >= 10


def test_line_ends_are_those_of_the_document() -> None:
    text = b"\xef\xbb\xbfone  \r\n\r\n<!-- symcount: models.py:halves -->  \r\n<!-- /symcount -->"
    Path("page.md").write_bytes(text)
    assert filled("page.md").write()
    assert Path("page.md").read_bytes() == (
        b"\xef\xbb\xbfone  \r\n\r\n<!-- symcount: models.py:halves -->  \r\n\r\n`dim**2/2`\r\n\r\n"
        b"<!-- /symcount -->"
    )


@pytest.mark.parametrize("margin", ["", "  ", "> ", "- ", "1. > "])
def test_a_block_stands_where_its_marker_does(margin: str) -> None:
    """In a list or quotation too, and if it was opened and closed on one line."""
    opening = "<!-- symcount: models.py:halves -->"
    Path("page.md").write_text(f"{margin}{opening}old<!-- /symcount -->\n")
    assert filled("page.md").write()
    more = re.sub("[^>]", " ", margin)
    blank = more.rstrip()
    assert Path("page.md").read_text().splitlines() == [
        *(f"{margin}{opening}", blank, f"{more}`dim**2/2`", blank, f"{more}<!-- /symcount -->"),
    ]
    assert filled("page.md").content is None


def test_a_file_keeps_its_mode_and_a_link_stays_one() -> None:
    real, link = Path("real.md"), Path("link.md")
    real.write_text("a <!-- symcount: models.py:halves at dim=4 -->9<!-- /symcount -->")
    real.chmod(0o640)
    link.symlink_to(real)
    assert filled(link).write()
    assert link.is_symlink()
    assert "-->8<!--" in real.read_text()
    assert stat.S_IMODE(os.stat(real).st_mode) == 0o640


def test_what_is_no_text_is_left_alone() -> None:
    Path("page.md").write_bytes(b"\xff symcount")
    (finding,) = check_document("page.md")
    assert (finding.state, finding.reason) == (
        "malformed",
        "this is not UTF-8: invalid start byte at byte 0",
    )


def test_what_would_be_read_as_a_marker_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("page.md").write_text("a <!-- symcount: models.py:halves -->9<!-- /symcount -->")
    monkeypatch.setattr(markdown, "code", lambda text: "<!-- symcount: a:b -->")
    document = filled("page.md")
    assert document.content is None
    assert "would itself be read as a marker" in document.errors[0].reason


# --- which documents --------------------------------------------------------------------------


def test_documents_in_folders() -> None:
    wanted = ["a/one.md", "a/two.rst", "a/_posts/three.markdown", "b.md"]
    others = ["a/.hidden/x.md", "a/_build/x.md", "a/env/x.md", "a/node_modules/x.md", "a/x.txt"]
    for name in [*wanted, *others, "a/env/pyvenv.cfg"]:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text("")
    found = documents(["b.md", "a", "a/one.md"])
    assert sorted(map(str, found)) == sorted(wanted)
    with pytest.raises(ArgumentError, match=r"a/x\.txt is no document; symcount fills documents"):
        documents(["a/x.txt"])
    with pytest.raises(ArgumentError, match="there is no file or folder c"):
        documents(["c"])


# --- the command line -------------------------------------------------------------------------

TWO = """\
It has <!-- symcount: models.py:mlp -->`2*dim**2*expansion`<!-- /symcount --> parameters,
and with a width of 512 <!-- symcount: models.py:mlp(dim=512) -->1,000<!-- /symcount -->.
"""


def test_export_write_and_check() -> None:
    Path("README.md").write_text(TWO)
    Path("plain.md").write_text("nothing\n")
    result = run("check", "README.md")
    assert result.exit_code == 1
    assert result.stdout.startswith(
        dedent("""\
        README.md:1: models.py:mlp: the code gives something else now
          -`2*dim**2*expansion`
          +`2*dim**2*expansion + dim*expansion + dim`
          first size: dim=1, expansion=1: 2 there, 4 now
          models.py:4: def mlp(dim: int, expansion: int = 4, bias: bool = True):
            models.py:5: hidden = expansion * dim
            models.py:6: return nn.Sequential(nn.Linear(dim, hidden, bias=bias), \
nn.Linear(hidden, dim, bias=bias))

        README.md:2: models.py:mlp(dim=512): the code gives something else now
          -1,000
          +2,099,712
          first size: dim=512, expansion=4: 1,000 there, 2,099,712 now
        """)
    )
    result = run("export", "--write", ".")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == (
        "README.md: 2 formulas written\n1 of 2 documents changed; 2 formulas looked at\n"
    )
    assert run("check", "README.md", "plain.md").exit_code == 0
    before = os.stat("README.md").st_ino
    assert run("export", "--write", "README.md").stdout.startswith("0 of 1 document changed")
    assert os.stat("README.md").st_ino == before  # not even written


def test_a_change_of_one_line_is_found() -> None:
    Path("README.md").write_text(TWO)
    assert run("export", "--write", "README.md").exit_code == 0
    code = Path("models.py").read_text()
    Path("models.py").write_text(code.replace("expansion * dim", "(expansion + 1) * dim"))
    result = run("check", "README.md", "--json")
    assert result.exit_code == 1
    first, second = json.loads(result.stdout)
    assert (first["file"], first["line"], first["state"]) == ("README.md", 1, "differs")
    assert first["first"] == {
        "at": {"dim": 1, "expansion": 1},
        "then": 4,
        "now": 7,
        "is_first": True,
    }
    assert first["source"].startswith("models.py:4: def mlp(")
    number = 1 + code[: code.index("expansion * dim")].count("\n")
    assert first["lines"][0] == f"models.py:{number}: hidden = (expansion + 1) * dim"
    assert f"    {first['lines'][0]}\n" in run("check", "README.md").stdout
    assert second["lines"] == []  # a number does not tell which of its terms is another
    assert (second["then"], second["now"]) == ("2,099,712", "2,624,512")


def test_every_error_is_told_and_only_sound_documents_are_written() -> None:
    bad = TWO + "And <!-- symcount: models.py:mpl -->1<!-- /symcount -->,\n<!-- /symcount -->\n"
    Path("bad.md").write_text(bad)
    Path("good.md").write_text(TWO)
    result = run("export", "--write", ".")
    assert result.exit_code == 2
    assert Path("bad.md").read_text() == bad
    assert "2,099,712" in Path("good.md").read_text()
    assert re.findall(r"^error: bad\.md:(\d+): ", result.stderr, re.MULTILINE) == ["3", "4"]
    assert run("check", "bad.md").exit_code == 2
    assert run("check", "good.md").exit_code == 0


def test_a_factory_that_breaks_is_no_misuse() -> None:
    Path("a.md").write_text("a <!-- symcount: models.py:broken -->`dim`<!-- /symcount -->")
    result = run("check", "a.md")
    assert result.exit_code == 1
    assert result.stdout.startswith("a.md:1: models.py:broken: ")
    assert "not today" in result.stdout


def test_check_takes_stored_formulas_and_documents_of_a_folder() -> None:
    Path("docs").mkdir()
    symcount.save("docs/f.json", {"mlp": symcount.derive(factory("models.py:mlp"))})
    Path("docs/page.md").write_text("a <!-- symcount: f.json#mlp at dim=512 -->1<!-- /symcount -->")
    Path("docs/other.md").write_text("no formula here, of symcount or else")
    result = run("check", "docs")
    assert result.exit_code == 1
    assert "2 formulas checked: 1 not known" in result.stdout
    assert run("export", "--write", "docs").exit_code == 0
    assert run("check", "docs").exit_code == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--write"], "say which documents to write"),
        (["--write", "README.md", "--format", "rst"], "--format is not for --write"),
        (["--write", "README.md", "--set", "a=1"], "--set is not for --write"),
        (["--write", "README.md", "-o", "x"], "--output is not for --write"),
        (["--write", "nothing.md"], "there is no file or folder nothing.md"),
        (["a.py:f", "b.py:g"], "give one TARGET, not 2; --write takes several files"),
    ],
)
def test_misuse(arguments: list[str], message: str) -> None:
    result = run("export", *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


def test_a_formula_written_otherwise_is_said_to_be_the_same() -> None:
    Path("a.md").write_text("a <!-- symcount: models.py:halves -->`dim*dim/2`<!-- /symcount -->")
    (finding,) = check_document("a.md")
    assert (finding.state, finding.first) == ("differs", None)
    assert finding.reason == "the two are the same formula, written otherwise"


def test_a_symbol_that_is_gone_is_named() -> None:
    Path("a.md").write_text("a <!-- symcount: models.py:halves -->`dim*n`<!-- /symcount -->")
    (finding,) = check_document("a.md")
    assert finding.reason == "what stands there is of n, which is no symbol any more"


# --- this project's own -----------------------------------------------------------------------


def test_our_own_documents_are_as_in_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for name, least in (("README.md", 1), ("docs/markers.md", 2)):
        document = filled(name)
        assert document.formulas >= least
        assert not document.findings, str(document.findings[0])


# --- named sizes, and counts as people write them ---------------------------------------------


def test_sizes_with_names_are_a_table() -> None:
    marker = "models.py:mlp at small(dim=8), 'mlp-large|x'(dim=64, expansion=2)"
    assert block_of(marker).splitlines() == [
        "| size | dim | expansion | parameters |",
        "|---|---|---|---|",
        "| small | 8 | 4 | 552 |",
        r"| mlp-large\|x | 64 | 2 | 16,576 |",
    ]
    shared = block_of("models.py:mlp at small(dim=8), large(dim=64), expansion=2")
    assert shared.splitlines()[2:] == ["| small | 8 | 2 | 280 |", "| large | 64 | 2 | 16,576 |"]
    rst_table = block_of("models.py:halves at a(dim=8), b(dim=7)", "page.rst")
    assert re.search(r"\* - size\s+- dim\s+- parameters", rst_table)
    assert re.search(r"\* - b\s+- 7\s+- outside the domain", rst_table)
    assert markdown_of("models.py:mlp at small(dim=8)") == "552"
    assert "at dim=64" in block_of("models.py:mlp table at large(dim=64)")


@pytest.mark.parametrize(
    ("unit", "dim", "count"),
    [
        ("billions", 29_000, "6.7B"),
        ("millions", 512, "2.1M"),
        ("thousands", 512, "2,099.7K"),
        ("billions", 2_800_000, "62,720.0B"),
        ("trillions", 2_800_000, "62.7T"),
    ],
)
def test_counts_are_written_as_people_write_them(unit: str, dim: int, count: str) -> None:
    assert markdown_of(f"models.py:mlp at dim={dim} as {unit}") == count
    assert check_document("page.md") == []
    assert f" {count} |" in block_of(f"models.py:mlp count at dim={dim} as {unit}")
    text = block_of(f"models.py:mlp count formula at dim={dim} as math, {unit}")
    assert f" {count} |" in text and "$$" in text


def test_a_rounded_count_that_changes_is_found() -> None:
    Path("page.md").write_text(
        "It has <!-- symcount: models.py:mlp at dim=512 as millions -->2.0M<!-- /symcount -->."
    )
    (finding,) = check_document("page.md")
    assert (finding.state, finding.old, finding.new) == ("differs", "2.0M", "2.1M")
