"""What an evaluation prints: its end is kept for the trial, all of it is passed on."""

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

#: Bytes of output that are kept with a failed trial.
TAIL_BYTES = 64 * 1024

#: Chunks of that size that are taken in at a time; more than a pipe holds.
_MAX_CHUNKS = 16

#: Characters after which a line is passed on though it has not ended, as a progress bar's never does.
_MAX_LINE = 8 * 1024

#: States of a line that was written over again and again that are passed on, each as a line.
_MAX_STATES = 3


class Output:
    """A pipe that takes the output of a child process.

    Parameters
    ----------
    echo : bool
        Whether to write each line to stderr, marked with the trial it belongs to, and without
        what a terminal would obey (see ``printable``).
    """

    def __init__(self, *, echo: bool) -> None:
        self.read_fd, self.write_fd = os.pipe()
        os.set_blocking(self.read_fd, False)
        self.is_open = True  #: whether a process can still write
        self._echo = echo
        self._label = ""
        self._tail = bytearray()
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._line = ""

    def begin(self, label: str) -> None:
        """Start anew, for another trial."""
        self.read()
        self._flush_line()
        self._label = label
        self._tail.clear()

    def read(self) -> None:
        """Take in what there is, without waiting, and without end if more keeps coming."""
        for _ in range(_MAX_CHUNKS):
            chunk = self._chunk()
            if not chunk:
                return
            self._tail += chunk
            del self._tail[:-TAIL_BYTES]
            if self._echo:
                self._pass_on(chunk)

    def tail(self) -> str | None:
        """Return the last output, or None when there was none."""
        return self._tail.decode("utf-8", "replace") or None

    def attached_to(self, result: Result) -> Result:
        """Return the result, with the output added to its error if it has one."""
        self.read()
        if result.error is None:
            return result
        return replace(result, error=replace(result.error, log_tail=self.tail()))

    def close_write_end(self) -> None:
        """Let go of the end that the child has now."""
        os.close(self.write_fd)

    def close(self) -> None:
        """Let go of the other end."""
        self._flush_line()
        os.close(self.read_fd)

    def _chunk(self) -> bytes:
        try:
            chunk = os.read(self.read_fd, TAIL_BYTES)
        except BlockingIOError:
            return b""
        self.is_open = bool(chunk)
        return chunk

    def _pass_on(self, chunk: bytes) -> None:
        """Write whole lines, so that those of several trials do not mix."""
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
        """Write lines, of which the last may lack its end."""
        if not text:
            return
        lines = text.removesuffix("\n")
        if "\r" in lines:
            lines = "\n".join(map(_last_states, lines.split("\n")))
        if is_json():
            log_lines(lines.split("\n"), extra=Event.OUTPUT.of(source=self._label))
            return
        mark = f"[{self._label}] "
        marked = printable(lines).replace("\n", f"\n{mark}")
        with suppress(OSError):  # nobody reads it any more, which is no reason to end an evaluation
            sys.stderr.write(f"{mark}{marked}\n")


def _last_states(line: str) -> str:
    """Return what a line showed that was written over with carriage returns, each state on a line.

    A progress bar has hundreds, of which the first and the last say enough.
    """
    states = [state for state in line.split("\r") if state]
    return "\n".join(states if len(states) <= _MAX_STATES else [states[0], states[-1]])
