"""Clocks that the campaign can move for some processes, by a library that is compiled on the fly."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("movable_clock.c")


def compiled(folder: Path) -> Path | None:
    """Compile the library into a folder; return None where there is no compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        return None
    library = folder / "movable_clock.so"
    options = ["-shared", "-fPIC", "-O1", "-pthread"]
    subprocess.run([compiler, *options, "-o", library, _SOURCE, "-ldl"], check=True)
    return library


class MovableClock:
    """The time of day of the processes that are started with ``environment``.

    Parameters
    ----------
    library : Path, optional
        What ``compiled`` returned; without it the clock cannot be moved.
    offset : Path
        The file that says how far the clock is from the true time.
    """

    def __init__(self, library: Path | None, offset: Path) -> None:
        self.is_possible = library is not None  #: whether it can be moved
        self.offset_s = 0  #: how far it is from the true time
        self._offset = offset
        self.environment: dict[str, str] = {}  #: what makes a process go by this clock
        self.move(0)
        if library is not None:
            self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(offset)}

    def move(self, seconds: int) -> None:
        """Set how far the clock is from the true time, at once and for all of the processes."""
        self.offset_s = seconds
        data = struct.pack("l", seconds)
        if not self._offset.exists():
            self._offset.write_bytes(data)
            return
        with self._offset.open("r+b") as file:  # in place: they have it mapped
            file.write(data)
