"""Find the statements of source code that a factory is made of, and which of them have changed.

They are found by name, from the factory on: the functions, classes and constants at the top level
of files that it mentions, that these mention, and so on. Files of installed packages, of Python and
of symcount itself are left out. Of each line there is a digest and not its text, so what is stored
with a formula is no source code.
"""

from __future__ import annotations

import ast
import hashlib
import io
import linecache
import sys
import sysconfig
import tokenize
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from difflib import SequenceMatcher
from functools import cache, lru_cache
from importlib.util import resolve_name
from itertools import count
from pathlib import Path
from types import ModuleType
from typing import Literal

from symcount.factory.origin import DIGITS, NO_CODE, Statement, portable

MOST_LINES = 5_000
_OUR_BLUEPRINTS = "symcount.blueprints."


@dataclass(frozen=True)
class ChangedLine:
    """A line of a factory's code that is not what it was.

    Attributes:
        file: the file's name.
        line: its number as the file is now; of a line that is gone, as the file was.
        text: the line as it is now, without what it is indented by; empty if it is gone.
        change: what happened to it.
        within: the function, class or constant that it is in.
    """

    file: str
    line: int
    text: str
    change: Literal["changed", "new", "gone"]
    within: str

    def __str__(self) -> str:
        what = {"changed": "", "new": "  (new)", "gone": f"(a line of {self.within} is gone)"}
        return f"{self.file}:{self.line}: {self.text}{what[self.change]}"


def is_loaded(target: str) -> bool:
    """Return whether the module of a target has been imported."""
    return _loaded(target.rpartition(":")[0]) is not None


def statements_of(*targets: str | None) -> tuple[Statement, ...]:
    """Find the statements that targets are made of, nearest first; none of one not loaded."""
    modules: dict[str, _Bindings | None] = {}
    found: dict[tuple[str, int], Statement] = {}
    waiting: dict[tuple[str, str], None] = {}
    for target in targets:
        place, _, name = (target or "").rpartition(":")
        module = _loaded(place)
        if module is not None:
            waiting[module.__name__, name.partition(".")[0]] = None
    order, lines = list(waiting), 0
    for place, here in order:
        if place not in modules:
            modules[place] = _bindings(place)
        bindings = modules[place]
        if bindings is None or lines > MOST_LINES:
            continue
        further = list(bindings.imported(here))
        for node in bindings.statements.get(here, ()):
            statement = bindings.statement(node)
            if found.setdefault((statement.file, statement.line), statement) is statement:
                lines += len(statement.digests)
                further += bindings.mentioned(node)
        order += [each for each in dict.fromkeys(further) if each not in waiting]
        waiting |= dict.fromkeys(further)
    return tuple(found.values())


def changes(before: Sequence[Statement], now: Sequence[Statement]) -> list[ChangedLine]:
    """List the lines that differ, in the order of the files.

    Where a statement was not reached before, or is not any more, the line that leads to it has
    changed too, so it is not named by itself unless nothing else is.
    """
    old, new = _by_name(_as_named_now(before, now)), _by_name(now)
    both = [key for key in new if key in old]
    found = [line for key in both for line in _differing(old[key], new[key])]
    if not found:
        found = [_whole(new[key], "new") for key in new if key not in old]
        found += [_whole(old[key], "gone") for key in old if key not in new]
    return sorted(found, key=lambda line: (line.file, line.line))


def is_installed(path: Path) -> bool:
    """Return whether a file is Python's own, or that of an installed package."""
    return _is_installed(path.resolve())


@cache
def _is_installed(path: Path) -> bool:
    library = [Path(sysconfig.get_path(name)).resolve() for name in ("stdlib", "platstdlib")]
    installed = {"site-packages", "dist-packages"} & set(path.parts)
    return bool(installed) or any(place in path.parents for place in library)


# --- what a file has --------------------------------------------------------------------------


def _loaded(place: str) -> ModuleType | None:
    """Return the module that the place of a target names, if it is loaded."""
    if not place.endswith(".py"):
        return sys.modules.get(place)
    files: dict[str, ModuleType] = {}
    for module in list(sys.modules.values()):
        file = getattr(module, "__dict__", {}).get("__file__")
        if isinstance(file, str):
            files.setdefault(file, module)
    # A place is below the current directory, or below a folder that modules are imported from.
    below = (module for file, module in files.items() if portable(file) == place)
    return files.get(str(Path(place).resolve())) or next(below, None)


@dataclass
class _Bindings:
    """The names that the top level of a module's file binds, and to what."""

    module: str
    package: str
    file: str
    lines: list[str]
    statements: dict[str, list[ast.stmt]] = field(default_factory=dict)
    # The modules that names are imported from, and their names there; None for a whole module.
    imports: dict[str, tuple[str, str | None]] = field(default_factory=dict)

    def statement(self, node: ast.stmt) -> Statement:
        """Record a statement by the first name that it binds, by whichever it was reached."""
        first = _first_line(node)
        lines = self.lines[first - 1 : node.end_lineno]
        name = next(_bound(node))
        digests = tuple(map(_digest, lines))
        return Statement(portable(self.file), name, first, digests, self.file)

    def mentioned(self, node: ast.stmt) -> Iterator[tuple[str, str]]:
        """List the modules and names of what a statement mentions."""
        for part in ast.walk(node):
            if isinstance(part, ast.Name):
                if part.id in self.statements:
                    yield self.module, part.id
                yield from self.imported(part.id)
            elif isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name):
                module, name = self.imports.get(part.value.id, ("", None))
                yield (module if name is None else f"{module}.{name}"), part.attr

    def imported(self, name: str) -> Iterator[tuple[str, str]]:
        module, original = self.imports.get(name, ("", None))
        if original is not None:
            yield module, original


def _bindings(module: str) -> _Bindings | None:
    """Parse the file of a loaded module; None if it is installed, or cannot be read."""
    loaded = sys.modules.get(module)
    file = getattr(loaded, "__file__", None)
    if not isinstance(file, str) or not file.endswith(".py") or is_installed(Path(file)):
        return None
    if module.partition(".")[0] == "symcount" and not module.startswith(_OUR_BLUEPRINTS):
        return None
    package = getattr(loaded, "__package__", None) or ""
    try:
        return _read(module, package, file, Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, tokenize.TokenError):
        return None


@lru_cache(maxsize=64)
def _read(module: str, package: str, file: str, text: str) -> _Bindings:
    """Parse a text, once for all formulas of a file that are saved or checked."""
    tree = ast.parse(text)
    bindings = _Bindings(module, package, file, _code_alone(text, tree))
    for node in _top_level(tree.body):
        for name in _bound(node):
            bindings.statements.setdefault(name, []).append(node)
        for part in ast.walk(node):  # functions import too
            bindings.imports |= _imports(part, package)
    return bindings


def _top_level(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """List the statements of a file, those within `if`, `try` and the like for themselves."""
    for node in body:
        inner = [getattr(node, part, []) for part in ("body", "orelse", "finalbody")]
        inner += [handler.body for handler in getattr(node, "handlers", [])]
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) or not any(
            inner
        ):
            yield node
        else:
            for part in inner:
                yield from _top_level(part)


def _bound(node: ast.stmt) -> Iterator[str]:
    """List the names that a statement binds, and those of what it changes."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    targets: list[ast.expr] = []
    if isinstance(node, ast.Assign):
        targets = node.targets
    elif isinstance(node, ast.AnnAssign | ast.AugAssign):
        targets = [node.target]
    elif isinstance(node, ast.Import | ast.ImportFrom):
        yield from (alias.asname or alias.name.partition(".")[0] for alias in node.names)
    elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
        targets = [node.value.func]  # TABLE.update(...)
    for target in targets:
        named = (part for part in ast.walk(target) if isinstance(part, ast.Name))
        yield from dict.fromkeys(part.id for part in named)


def _imports(node: ast.AST, package: str) -> dict[str, tuple[str, str | None]]:
    if isinstance(node, ast.Import):
        return {
            alias.asname or alias.name: (alias.name, None)
            for alias in node.names
            if alias.asname or "." not in alias.name
        }
    if isinstance(node, ast.ImportFrom):
        module = node.module or ""
        if node.level:
            try:
                module = resolve_name("." * node.level + module, package)
            except ImportError:
                return {}
        return {alias.asname or alias.name: (module, alias.name) for alias in node.names}
    return {}


def _code_alone(text: str, tree: ast.Module) -> list[str]:
    """Return the lines of a file without their comments, and nothing for those of docstrings."""
    lines = text.split("\n")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            line, column = token.start
            lines[line - 1] = lines[line - 1][:column]
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            first, last = _docstring(node, lines)
            lines[first:last] = [""] * (last - first)
    return lines


def _docstring(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, lines: Sequence[str]
) -> tuple[int, int]:
    """Return from and to which line the docstring goes, if it has lines of its own."""
    text, *others = node.body
    last = text.end_lineno or 0
    is_alone = not lines[text.lineno - 1][: text.col_offset].strip() and not (
        others and _first_line(others[0]) <= last
    )
    if ast.get_docstring(node, clean=False) is None or not is_alone:
        return 0, 0
    return text.lineno - 1, last


def _first_line(node: ast.stmt) -> int:
    marks: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(mark.lineno for mark in marks)])


def _digest(line: str) -> str:
    words = " ".join(line.split())
    return hashlib.sha256(words.encode()).hexdigest()[:DIGITS] if words else NO_CODE


# --- what differs -----------------------------------------------------------------------------


def _as_named_now(before: Sequence[Statement], now: Sequence[Statement]) -> list[Statement]:
    """Return the statements with their files as they are called now.

    A file is called by its place below the nearest folder that modules are imported from, so it
    may have had folders before its name, or none, where it was stored.
    """
    files = {statement.file for statement in now}

    def named(file: str) -> str:
        if file in files:
            return file
        ends = [f for f in files if f.endswith(f"/{file}") or file.endswith(f"/{f}")]
        return ends[0] if len(ends) == 1 else file

    return [replace(statement, file=named(statement.file)) for statement in before]


_Key = tuple[str, str, int]


def _by_name(statements: Iterable[Statement]) -> dict[_Key, Statement]:
    """Index statements by file and name; several of one name, by their order too."""
    found: dict[_Key, Statement] = {}
    for statement in statements:
        place = next(n for n in count() if (statement.file, statement.name, n) not in found)
        found[statement.file, statement.name, place] = statement
    return found


def _differing(old: Statement, new: Statement) -> Iterator[ChangedLine]:
    before, now = _numbered(old), _numbered(new)
    matcher = SequenceMatcher(
        None, [digest for _, digest in before], [digest for _, digest in now], autojunk=False
    )
    for change, a, b, c, d in matcher.get_opcodes():
        if change in ("replace", "insert"):
            kind: Literal["changed", "new"] = "changed" if change == "replace" else "new"
            for number, _ in now[c:d]:
                yield ChangedLine(new.file, number, _text(new, number), kind, new.name)
        elif change == "delete":
            for number, _ in before[a:b]:
                yield ChangedLine(old.file, number, "", "gone", old.name)


def _whole(statement: Statement, change: Literal["new", "gone"]) -> ChangedLine:
    text = _text(statement, statement.line) if change == "new" else ""
    return ChangedLine(statement.file, statement.line, text, change, statement.name)


def _numbered(statement: Statement) -> list[tuple[int, str]]:
    lines = enumerate(statement.digests, statement.line)
    return [(number, digest) for number, digest in lines if digest != NO_CODE]


def _text(statement: Statement, number: int) -> str:
    linecache.checkcache(statement.path)
    return linecache.getline(statement.path, number).strip()
