"""What the seed factories share about their arguments."""

import inspect
from collections.abc import Callable, Mapping


def reject_unexpected(
    blueprint: str, factory: Callable[..., object], unexpected: Mapping[str, object]
) -> None:
    """Raise a ``ValueError`` that names ``blueprint`` and every keyword in ``unexpected``.

    An empty mapping passes. The message also lists what ``factory`` takes.
    """
    if not unexpected:
        return
    parameters = inspect.signature(factory).parameters.values()
    accepted = ", ".join(p.name for p in parameters if p.kind is not p.VAR_KEYWORD)
    rejected = ", ".join(unexpected)
    raise ValueError(f"{blueprint} got unexpected keyword arguments: {rejected} (takes {accepted})")
