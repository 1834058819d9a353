"""Objects of configuration that hold plain numbers: what is said of them, and what they may do."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import symcount
from symcount import derive

CONFIG = """
import array

class Config:
    def __init__(self, d):
        self.d = array.array("q", [d])[0]
"""


def config_of(package: Path) -> Any:
    package.mkdir()
    file = package / "main.py"
    file.write_text(CONFIG)
    spec = importlib.util.spec_from_file_location(f"config_of_{package.name}", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.Config


@pytest.mark.parametrize(
    ("package", "said"),
    [("pydantic", r"a pydantic model.*model_construct"), ("omegaconf", r"an OmegaConf.*dataclass")],
)
def test_a_config_that_holds_plain_numbers_is_named(
    package: str, said: str, tmp_path: Path
) -> None:
    config = config_of(tmp_path / package)
    with pytest.raises(symcount.VerificationError, match=said):
        derive(lambda d=8: nn.Linear(config(d).d, 3))


class Refuses:
    """As a validator of pydantic that has not been made yet: it raises whatever it is asked."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        raise ValueError(f"asked for {name}")


REFUSES = Refuses()


def test_an_object_that_refuses_to_be_asked_is_left_alone() -> None:
    def factory(d: int = 8, n: int = 2) -> nn.Module:
        return nn.ModuleList([nn.Linear(d, 3) for _ in range(n)])

    assert str(derive(factory)) == "3*d*n + 3*n"


def test_a_sharded_parameter_is_said_to_be_one() -> None:
    class Sharded(nn.Parameter):
        """As `DTensor`: of a class of `torch.distributed`."""

    Sharded.__module__ = "torch.distributed.tensor"

    def factory(d: int = 8) -> nn.Module:
        layer = nn.Linear(d, 3)
        layer.weight = Sharded(torch.kron(torch.ones(3, d), torch.ones(1, 1)))  # of no known shape
        return layer

    with pytest.raises(symcount.UnknownShapeError, match=r"sharded over .* memory\(zero=3"):
        derive(factory)
