"""What it looks like when something is too large to be built here.

That a machine has no room for a tensor, or torch no number for its bytes, says nothing of the
factory: on a larger machine it builds a module there. So it is never taken for a factory that
raises, neither by the runs on symbols nor by the plain builds.
"""

from __future__ import annotations

# What torch and numpy say of a size that they cannot describe, or have no memory for.
_SAID = (
    "Storage size calculation overflowed",
    "numel: integer multiplication overflow",
    "Overflow when unpacking long",
    "DefaultCPUAllocator: ",
    "array is too big",
    "Maximum allowed dimension exceeded",
)
_KINDS = (RuntimeError, ValueError, TypeError)


def is_too_large(error: BaseException | None) -> bool:
    """Whether a factory raised for want of memory, or because of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError):
            return True
        if isinstance(error, _KINDS) and any(said in str(error) for said in _SAID):
            return True
        error = error.__cause__ or error.__context__
    return False
