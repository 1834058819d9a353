"""Whose code it is, by the names of files."""

from __future__ import annotations

import inspect
import json.decoder

import torch.nn

import symcount.blueprints.cnn
import symcount.trace.run
from symcount.libraries import NUMPY, TORCH, is_of_python, is_own


def test_a_library_whose_name_begins_like_another_is_not_of_it() -> None:
    assert torch.nn.__file__.startswith(TORCH)
    for folder in (TORCH, NUMPY):
        assert not f"{folder[:-1]}vision/models/resnet.py".startswith(folder)
    own = inspect.getfile(symcount)
    assert is_own(symcount.trace.run.__file__)
    assert not is_own(symcount.blueprints.cnn.__file__)
    assert not is_own(own.replace("/symcount/__init__.py", "/symcount_models/resnet.py"))


def test_what_is_installed_is_not_of_python() -> None:
    assert is_of_python(json.decoder.__file__)
    assert not is_of_python(torch.nn.__file__)
    root = json.decoder.__file__.partition("/json/")[0]
    assert is_of_python(f"{root}/re/_parser.py")
    assert not is_of_python(f"{root}/site-packages/timm/layers/mlp.py")
    assert not is_of_python(f"{root}/dist-packages/timm/layers/mlp.py")
