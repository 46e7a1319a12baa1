"""Small disks in memory, which can be filled; they go with the process that made them."""

from __future__ import annotations

import ctypes
import os
from contextlib import suppress
from pathlib import Path

_CLONE_NEWNS = 0x20000
_MS_REC_PRIVATE = 0x4000 | 0x40000
_FILLER = "filler"


def can_mount() -> bool:
    """Move this process into a mount table of its own, where it may mount disks; return whether it may.

    To be called before any other thread runs. No other process sees the mounts, and the kernel
    removes them with the last process that does.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(_CLONE_NEWNS) != 0:
        return False
    return bool(libc.mount(b"none", b"/", None, _MS_REC_PRIVATE, None) == 0)


def mount(folder: Path, megabytes: int) -> None:
    """Mount an empty disk on a folder; raises ``OSError``."""
    folder.mkdir(exist_ok=True)
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(b"tmpfs", os.fsencode(folder), b"tmpfs", 0, f"size={megabytes}m".encode()) != 0:
        raise OSError(ctypes.get_errno(), f"no disk could be mounted on {folder}")


def unmount(folder: Path) -> None:
    """Remove a disk; nothing happens if there is none."""
    ctypes.CDLL(None).umount2(os.fsencode(folder), 2)  # also while a file is open


def fill(folder: Path) -> None:
    """Take all space that is left."""
    with (folder / _FILLER).open("ab") as file:
        for size in (1 << 20, 1 << 12):
            with suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), os.fstat(file.fileno()).st_size, size)


def free(folder: Path) -> None:
    """Give the space back."""
    (folder / _FILLER).unlink(missing_ok=True)
