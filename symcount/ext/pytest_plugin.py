"""Plug into pytest: a fixture `symcount`, and stored formulas as tests.

It is loaded by every run of pytest where symcount is installed. So it imports nothing of symcount
before a test asks for it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from symcount.catalogue.trust import Trust
    from symcount.drift.checks import AnyFinding

_INI, _ALLOW = "symcount_check", "symcount_allow"


def pytest_addoption(parser: pytest.Parser) -> None:
    help = "check the formulas of this file, stored or in a document, or of those in this folder"
    group = parser.getgroup("symcount")
    group.addoption("--symcount-check", metavar="PATH", action="append", default=[], help=help)
    parser.addini(_INI, help, type="paths", default=[])
    help = "also call the functions and classes of this package for these files"
    group.addoption("--symcount-allow", metavar="PACKAGE", action="append", default=[], help=help)
    parser.addini(_ALLOW, help, type="args", default=[])


@pytest.fixture(scope="session", name="symcount")
def symcount_fixture() -> Any:
    """Return the assertions about formulas, `symcount.assert_param_count(factory, "4*d**2")`."""
    from symcount import testing

    return testing


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each stored formula; before others select from them by `-k` and the like."""
    asked = [config.invocation_params.dir / path for path in config.getoption("symcount_check")]
    paths = [*asked, *config.getini(_INI)]
    if not paths:
        return
    from symcount.catalogue.trust import Trust, anchored
    from symcount.drift.files import files_at
    from symcount.errors import ArgumentError

    listed = anchored(config.getini(_ALLOW), config.rootpath)
    allowed = (*config.getoption("symcount_allow"), *listed)
    try:
        files = files_at(paths)
        trust = Trust(allowed, option="--symcount-allow {}").beside(config.rootpath)
    except ArgumentError as error:
        raise pytest.UsageError(f"--symcount-check: {error}") from error
    for file in files:
        items.extend(_File.from_parent(session, path=file, trust=trust).collect())


class _File(pytest.File):
    """A file of formulas."""

    def __init__(self, *, trust: Trust, **given: Any) -> None:
        super().__init__(**given)
        self._trust = trust

    def collect(self) -> Iterator[pytest.Item]:
        from symcount.drift import checks

        for name, run in checks.checks_of(self.path, self._trust).items():
            yield _Formula.from_parent(self, name=name or self.path.name, check=run)


class _Drift(Exception):
    """A formula is not known to be that of the code."""


class _Formula(pytest.Item):
    """A stored formula: it passes if it is proved to be that of the code."""

    def __init__(self, *, check: Callable[[], AnyFinding], **given: Any) -> None:
        super().__init__(**given)
        self._check = check

    def runtest(self) -> None:
        finding = self._check()
        if not finding.is_current:
            raise _Drift(str(finding))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        if isinstance(excinfo.value, _Drift):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, None, str]:
        return self.path, None, f"stored formula {self.name}"
