"""Write a file as a whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def draft(path: Path) -> Iterator[Path]:
    """Give a new file beside another, which takes its place if the context ends without an error.

    Who may read and write it stays as it was. Of several that write at once, each has a draft of
    its own, so the file is what one of them wrote.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    # `mkstemp` would give a new file no permissions but its owner's. The mode of others can be
    # had from the umask, which cannot be read without changing it for all threads.
    made = path.with_name(f".{path.name[:50]}.{secrets.token_hex(8)}.tmp")
    try:
        made.touch(exist_ok=False)
        yield made
        with suppress(FileNotFoundError):  # it is new
            shutil.copymode(path, made)
        made.replace(path)
    except OSError as error:  # about the draft, whose name would tell a user nothing
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            made.unlink()


def replace(path: Path, text: str | bytes) -> None:
    """Write a file so that whoever reads it sees the old text or the new, never a part.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    with draft(path) as made:
        made.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
