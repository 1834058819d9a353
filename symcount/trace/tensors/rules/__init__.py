"""Rules of symbolic shapes, one module for each kind of torch operation."""

from symcount.trace.tensors.registering import Rules
from symcount.trace.tensors.rules import (
    broadcasting,
    convolutions,
    creation,
    indexing,
    joining,
    layers,
    products,
    reading,
    reductions,
    reshaping,
    sparse,
)

_PARTS = (
    broadcasting, convolutions, creation, indexing, joining, layers, products, reading, reductions,
    reshaping, sparse,
)  # fmt: skip
RULES = Rules(*(part.RULES for part in _PARTS))
