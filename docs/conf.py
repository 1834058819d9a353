"""Sphinx configuration."""

import shutil
import sys
from importlib.metadata import metadata
from pathlib import Path

from sphinx.ext import napoleon

import symcount

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS))  # for what writes pages

project = "symcount"
author = "The symcount developers"
copyright = author
version = release = symcount.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "symcount.ext.sphinx"]
exclude_patterns = ["_build", "_atlas", "**.ipynb_checkpoints"]
default_role = "code"

html_theme = "furo"
html_title = f"symcount {version}"
urls = dict(url.split(", ", 1) for url in metadata("symcount").get_all("Project-URL") or ())
if "OWNER" not in urls.get("Source", "OWNER"):  # as in pyproject.toml until it is filled in
    html_theme_options = {"source_repository": urls["Source"], "source_branch": "main"}
html_static_path = ["_static"]
html_css_files = ["atlas.css", "site.css"]
html_extra_path = ["_atlas"]

# README.md and these pages are doctests, whose blocks end in an empty line.
highlight_options = {"pycon": {"stripnl": True}}

myst_enable_extensions = ["deflist", "dollarmath"]
myst_heading_anchors = 3

nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 300

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
python_use_unqualified_type_names = True

# `make linkcheck` asks for each address once, and twice more if there is no answer.
linkcheck_timeout = 20
linkcheck_retries = 3
linkcheck_anchors = False  # GitHub and others write theirs with scripts
if tags.has("outside"):  # type: ignore[name-defined]  # noqa: F821
    suppress_warnings = ["myst.xref_missing"]  # links within the repository are checked offline

# Other projects' pages are not consulted, so that the build needs no network.
nitpick_ignore_regex = [
    ("py:.*", r"(sympy|torch|collections|concurrent|fractions|os|pathlib)\..*"),
    ("py:.*", r"(sympy|Against|Axes|Boolean|Executor|Expression|Formula|Path|Values|nn\.Module)"),
    ("py:class", r"(HasFormula|NDArray|Number|Sizes|SymbolLike|Target|np\.\w+)"),  # aliases
    ("py:class", r"symcount\.catalogue\.registry\.Factory"),  # type variables
    ("py:class", r"symcount\.formula\.(formula\.(FormulaT?|CountT)|expressions\.Expression)"),
]


napoleon_process_docstring = napoleon._process_docstring


def process_docstring(app: object, what: str, *rest: object) -> None:
    """Read a property's docstring as prose; napoleon would take "Words: more" for a type."""
    napoleon_process_docstring(app, "method" if what == "property" else what, *rest)


napoleon._process_docstring = process_docstring


def copy_notebooks(app: object, config: object) -> None:
    """Bring the notebooks below the documentation's own folder, where Sphinx looks for pages."""
    target = DOCS / "notebooks"
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    for notebook in sorted((DOCS.parent / "notebooks").glob("*.ipynb")):
        shutil.copy2(notebook, target)


def copy_outside(app: object, config: object) -> None:
    """For the tag `outside`, bring the Markdown beside the documentation in, for its links."""
    target = DOCS / "outside"
    shutil.rmtree(target, ignore_errors=True)
    if not tags.has("outside"):  # type: ignore[name-defined]  # noqa: F821
        return
    target.mkdir()
    for page in ("README", "CONTRIBUTING", "CHANGELOG"):
        text = (DOCS.parent / f"{page}.md").read_text()
        (target / f"{page}.md").write_text("---\norphan: true\n---\n" + text)


def write_atlas(app: object, config: object) -> None:
    """Write the pages of model families, from their stored formulas."""
    from write_atlas import write

    write()


def write_layers(app: object, config: object) -> None:
    """Write the table of the layers of torch."""
    from write_layers import write

    write()


def setup(app: object) -> None:
    app.connect("config-inited", copy_notebooks)  # type: ignore[attr-defined]
    app.connect("config-inited", copy_outside)  # type: ignore[attr-defined]
    app.connect("config-inited", write_atlas)  # type: ignore[attr-defined]
    app.connect("config-inited", write_layers)  # type: ignore[attr-defined]
