"""Writing a file as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path


def replace(path: Path, text: str | bytes) -> None:
    """Write a file so that whoever reads it sees the old text or the new, never a part.

    Who may read and write it stays as it was.

    Raises:
        OSError: it cannot be written; what was there is there still.
    """
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        draft.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8"))
        with suppress(FileNotFoundError):  # it is new
            shutil.copymode(path, draft)
        draft.replace(path)
    except OSError as error:  # about the draft, whose name would tell a user nothing
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        with suppress(OSError):
            draft.unlink()
