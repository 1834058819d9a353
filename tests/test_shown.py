"""Every registered view exists, and shows values of its class."""

from __future__ import annotations

import pickle
import subprocess
import sys
from importlib import import_module

import pytest
from torch import nn

from symcount import derive, shown


@pytest.mark.parametrize(("kind", "name"), shown.VIEWS)
def test_views_are_functions(kind: str, name: str) -> None:
    module, _, function = shown.VIEWS[kind, name].partition(":")
    assert callable(getattr(import_module(module), function))


def test_what_is_unpickled_alone_is_shown(tmp_path) -> None:
    """Nothing but its class is loaded before somebody looks at it."""
    certificate = derive(nn.Linear).certificate
    (tmp_path / "certificate").write_bytes(pickle.dumps(certificate))
    code = "import pickle, sys; print(pickle.load(open(sys.argv[1], 'rb'))._repr_html_())"
    command = [sys.executable, "-c", code, tmp_path / "certificate"]
    shown_text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown_text == certificate._repr_html_() + "\n"
