"""Collects the output of an evaluation: its end is stored with the trial, all of it can be echoed."""

from __future__ import annotations

import codecs
import logging
import os
import sys
from contextlib import suppress
from dataclasses import replace

from hpsearch.core.trial import Result
from hpsearch.runtime.escaping import printable
from hpsearch.runtime.events import Event
from hpsearch.runtime.logs import is_json, log_lines

log = logging.getLogger(__name__)

#: Bytes of output that are stored with a failed trial.
TAIL_BYTES = 64 * 1024

#: Bytes of output that are stored with any other trial.
KEPT_BYTES = 16 * 1024

#: Chunks of that size to read at a time; more than a pipe holds.
_MAX_CHUNKS = 16

#: Characters after which an unfinished line is echoed, since a progress bar may never end its line.
_MAX_LINE = 8 * 1024

#: States to echo, each on a line, of a line that was overwritten with carriage returns.
_MAX_STATES = 3


class Output:
    """The pipe that receives the output of a child process.

    Parameters
    ----------
    echo : bool
        Whether to write each line to stderr, prefixed with its trial and without terminal control
        characters (see ``printable``).
    """

    def __init__(self, *, echo: bool) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        self.is_open = True  #: whether a process can still write
        self.n_bytes = 0  #: printed since ``begin``
        self._echo = echo
        self._label = ""
        self._tail = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""

    def begin(self, label: str) -> None:
        """Forget the output so far, and prefix what follows with ``label``."""
        self.read()
        self._flush_line()
        self._label = label
        self._tail.clear()
        self.n_bytes = 0

    def read(self) -> None:
        """Read the available output without waiting; limited, so that endless output does not block."""
        for _ in range(_MAX_CHUNKS):
            chunk = self._chunk()
            if not chunk:
                return
            self._tail += chunk
            self.n_bytes += len(chunk)
            del self._tail[:-TAIL_BYTES]
            if self._echo:
                self._echo_lines(chunk)

    def tail(self) -> str | None:
        """Return the end of the output, or None if there is none."""
        return self._tail.decode("utf-8", "replace") or None

    def end(self) -> bytes:
        """Return what is stored of the output of a trial that did not fail; if cut, it begins with a line."""
        end = bytes(self._tail[-KEPT_BYTES:])
        return end if self.n_bytes <= KEPT_BYTES else end[end.find(b"\n") + 1 :]

    def attached_to(self, result: Result) -> Result:
        """Return the result, with the output added to its error if it has one."""
        self.read()
        if result.error is None:
            return result
        return replace(result, error=replace(result.error, log_tail=self.tail()))

    def close_write_end(self) -> None:
        """Close this process's copy of the child's end."""
        os.close(self.write_fd)

    def close(self) -> None:
        """Echo an unfinished line, and close the pipe."""
        self._flush_line()
        os.close(self.read_fd)

    def _chunk(self) -> bytes:
        try:
            chunk = os.read(self.read_fd, TAIL_BYTES)
        except BlockingIOError:
            return b""
        self.is_open = bool(chunk)
        return chunk

    def _echo_lines(self, chunk: bytes) -> None:
        """Echo whole lines, so that those of several trials do not mix."""
        self._line += self._decoder.decode(chunk)
        end = self._line.rfind("\n") + 1
        self._write(self._line[:end])
        self._line = self._line[end:]
        if len(self._line) > _MAX_LINE:
            self._write(self._line)
            self._line = ""

    def _flush_line(self) -> None:
        self._write(self._line + self._decoder.decode(b"", final=True))
        self._decoder.reset()
        self._line = ""

    def _write(self, text: str) -> None:
        if not text:
            return
        lines = text.removesuffix("\n")
        if "\r" in lines:
            lines = "\n".join(map(_shown_states, lines.split("\n")))
        if is_json():
            log_lines(lines.split("\n"), extra=Event.OUTPUT.of(source=self._label))
            return
        prefix = f"[{self._label}] "
        prefixed = printable(lines).replace("\n", f"\n{prefix}")
        with suppress(OSError):  # a closed stderr must not end an evaluation
            sys.stderr.write(f"{prefix}{prefixed}\n")


def _shown_states(line: str) -> str:
    """Return the states of a line that was overwritten with carriage returns, one on each line.

    A progress bar has hundreds of states; then the first and the last are enough.
    """
    states = [state for state in line.split("\r") if state]
    return "\n".join(states if len(states) <= _MAX_STATES else [states[0], states[-1]])
