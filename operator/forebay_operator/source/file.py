"""Reads one file within bounds: what stands in a watched directory need not be a manifest at all."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Final

MAX_FILE_BYTES: Final = 1 << 20
"""About as much as an API server takes in one object."""


class Unreadable(Exception):
    """The file is there, and its content cannot be had. The message follows the file's name, and says what to do."""


def read_bounded(path: Path, limit: int = MAX_FILE_BYTES) -> bytes:
    """The content of a regular file of at most `limit` bytes.

    Raises FileNotFoundError where there is no such file, Unreadable for anything else that is wrong with it.
    """
    try:
        # O_NONBLOCK: opening a named pipe must not wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise Unreadable("is not a regular file")
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from error
    if len(data) > limit:
        raise Unreadable(f"is longer than {limit} bytes: make it smaller, or split it")
    return data
