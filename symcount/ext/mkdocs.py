"""Show formulas in documentation made with MkDocs, by macros of its plugin `macros`.

    plugins:
      - macros:
          modules: [symcount.ext.mkdocs]

Then `{{ symcount("models.py:mlp") }}` shows a formula with its domain, certificate and breakdown,
`{{ symcount_count("models.py:mlp", dim=512) }}` a count within a line, and
`{{ symcount_registry("package.blueprints") }}` a table of blueprints. Paths to files are relative
to `mkdocs.yml`. Formulas are characters, so that neither MathJax nor network is needed,
and what prints pages need not know MathML.

A page may have called classes of `nn.Module`, and functions and classes of the code below the
folder of `mkdocs.yml` or the current one; of a package only if `symcount_allow` in the `extra` of
`mkdocs.yml` names it.

What cannot be derived is logged as a warning, with which `mkdocs build --strict` fails, and stands
on the page in the place of the formula.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from functools import wraps
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from symcount.catalogue.trust import Trust, anchored
from symcount.drift import notation, requests
from symcount.drift.requests import Request
from symcount.symbols import Symbol

if TYPE_CHECKING:
    from symcount.param_count import ParamCount

_LOG = logging.getLogger("mkdocs.plugins.symcount")


class Environment(Protocol):
    """The argument of `define_env`, as far as it is used here."""

    project_dir: str
    variables: Mapping[str, Any]

    def macro(self, function: Callable[..., str], name: str = "") -> Any:
        """Make a function a macro."""


def define_env(env: Environment) -> None:
    """Define the macros; the plugin calls this."""
    home = Path(env.project_dir)
    allowed = anchored(env.variables.get("symcount_allow", ()), home)

    def request(target: str, fixed: dict[str, Any]) -> Request:
        return _request(home, target, fixed, _trust(home, allowed))

    def symcount(target: str, at: Mapping[str, Any] | None = None, **fixed: Any) -> str:
        """Write the formula of a target as HTML; `at` are sizes for the counts of its breakdown."""
        from symcount.display import notebook

        count = request(target, fixed).answer()[0]
        return f"\n\n{notebook.count_html(count.formula)}\n\n{_breakdown(count, at)}\n\n"

    def symcount_count(target: str, **values: Any) -> str:
        """Write the count at whole numbers; any other value fixes a parameter of the factory."""
        sizes, fixed = notation.split(values)
        count = request(target, fixed).answer()[0]
        return f"{count(**sizes):,}"

    def symcount_registry(module: str) -> str:
        """Write a table of the blueprints that a module registers, as HTML."""
        from symcount.catalogue import targets
        from symcount.catalogue.registry import known_entry
        from symcount.display import notebook

        place, trust = _found(home, module), _trust(home, allowed)
        for blueprint in requests.blueprints(place, trust)[0]:
            if blueprint.count is None:
                _LOG.warning("symcount: %s has no formula: %s", blueprint.key, blueprint.reason)
        entries = map(known_entry, targets.load_blueprints(place, trust))
        return f"\n\n{notebook.entries_html(entries)}\n\n"

    for macro in (symcount, symcount_count, symcount_registry):
        env.macro(_never_raising(macro), macro.__name__)


def _breakdown(count: ParamCount, at: Mapping[str, Any] | None) -> str:
    """Write a table in the style of the theme, which would put what unfolds into a frame."""
    from symcount.display import plain

    titles, walked = requests.breakdown_table(count, at, None)
    lines, number = [], ' style="text-align: right"'
    for depth, row in walked:
        indent = f' style="padding-left: {1.2 * depth:.1f}em; white-space: nowrap"'
        cells = [
            f"<td{indent}><code>{escape(row.name)}</code></td>",
            f"<td>{escape(plain.text(row.part.count.in_layers))}</td>",
            *(f"<td{number}>{escape(text)}</td>" for text in (row.size_text, row.share_text)),
        ]
        lines.append(f"<tr>{''.join(cells[: len(titles)])}</tr>")
    head = "".join(f"<th>{escape(title)}</th>" for title in titles)
    body = "".join(lines)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _found(home: Path, place: str) -> str:
    return str(home / place) if place.endswith(".py") else place


def _trust(home: Path, allowed: tuple[str, ...]) -> Trust:
    option = "symcount_allow: [{}] under extra in mkdocs.yml"
    return Trust(allowed, option=option).beside(home)


def _request(home: Path, target: str, fixed: dict[str, Any], trust: Trust) -> Request:
    place, colon, name = target.rpartition(":")
    symbols = {k: v for k, v in fixed.items() if isinstance(v, Symbol)}
    rest = {k: v for k, v in fixed.items() if k not in symbols}
    return Request(f"{_found(home, place)}{colon}{name}", rest, symbols, trust)


def _never_raising(macro: Callable[..., str]) -> Callable[..., str]:
    @wraps(macro)
    def shown(*args: Any, **kwargs: Any) -> str:
        try:
            return macro(*args, **kwargs)
        except Exception as error:  # whatever it is, the rest of the pages can be built
            message = requests.explained(error)
            _LOG.warning("symcount: %s", message)
            return f"<code>{escape(' '.join(message.split()))}</code>"

    return shown
