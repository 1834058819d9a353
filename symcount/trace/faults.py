"""Tell faults of symcount's own code, which runs within a factory's, from what a factory raises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from symcount.errors import InternalError, SymcountError
from symcount.libraries import is_own


def fault(error: Exception, doing: str) -> InternalError | None:
    """Return the error to raise if it was symcount's own code that failed while it was `doing` it.

    None if it is code of others that raised, such as a method of a value that was looked at.
    """
    step = error.__traceback__
    if step is None:
        return None
    while step.tb_next is not None:
        step = step.tb_next
    code = step.tb_frame.f_code
    if not is_own(code.co_filename):
        return None
    place = f"{code.co_filename}:{step.tb_lineno}"
    return InternalError(
        f"{type(error).__name__} at {place} while symcount was {doing}: {error}. This is a defect "
        "of symcount, not of the factory; please report it"
    )


@contextmanager
def own_code(doing: str) -> Iterator[None]:
    """Run code of symcount's own, whose faults are no exceptions of the factory.

    Raises:
        InternalError: it failed.
    """
    try:
        yield
    except SymcountError:
        raise
    except Exception as error:
        found = fault(error, doing)
        if found is None:
            raise
        raise found from error
