"""A clock that the campaign can move for some processes, by a library that is compiled on the fly."""

from __future__ import annotations

import shutil
import struct
import subprocess
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class MovableClock:
    """The time of day of the processes that are started with ``environment``.

    Parameters
    ----------
    folder : Path
        Where the library and the offset lie.
    """

    def __init__(self, folder: Path) -> None:
        compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
        self.is_possible = compiler is not None  #: whether there is a compiler
        self._offset = folder / "clock-offset"
        self.environment: dict[str, str] = {}  #: what makes a process go by this clock
        self.move(0)
        if compiler is None:
            return
        library = folder / "clock.so"
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", library, _SOURCE, "-ldl"], check=True)
        self.environment = {"LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self._offset)}

    def move(self, seconds: int) -> None:
        """Set how far the clock is from the true time, at once and for all of the processes."""
        data = struct.pack("l", seconds)
        if not self._offset.exists():
            self._offset.write_bytes(data)
            return
        with self._offset.open("r+b") as file:  # in place: they have it mapped
            file.write(data)
