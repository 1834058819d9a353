"""Check the arguments of the seed factories."""

from collections.abc import Mapping


def reject_unexpected(blueprint: str, unexpected: Mapping[str, object]) -> None:
    """Raise a ``ValueError`` that names ``blueprint`` and every keyword in ``unexpected``.

    An empty mapping passes.
    """
    if unexpected:
        raise ValueError(f"{blueprint} got unexpected keyword arguments: {', '.join(unexpected)}")
