"""SIGINT and SIGTERM as something to look at rather than an exception in the middle of things."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType

#: A terminal's Ctrl-C reaches every process of its group, and parents pass it on: signals that
#: follow within this many seconds are echoes of the first.
ECHO_S = 1.0


class Interrupt:
    """Counts the signals that ask this process to end; install it as a context manager.

    The handler only sets attributes, so that it can never meet a lock that the
    interrupted code holds.

    Parameters
    ----------
    on_force : callable, optional
        Called from the handler at the second request; may raise.
    """

    def __init__(self, on_force: Callable[[], None] | None = None) -> None:
        self.asked_at: float | None = None  #: monotonic time of the first request
        self.is_forced = False  #: whether a second request came
        self.signum = signal.SIGINT  #: the last signal
        self._on_force = on_force
        self._previous: dict[int, object] = {}

    @property
    def is_asked(self) -> bool:
        """Whether the process was asked to end."""
        return self.asked_at is not None

    @property
    def exit_code(self) -> int:
        """The exit code of a process that was forced to end."""
        return 128 + self.signum

    def __enter__(self) -> Interrupt:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            previous = signal.getsignal(signum)
            if not (signum == signal.SIGHUP and previous == signal.SIG_IGN):  # nohup
                self._previous[signum] = previous
                signal.signal(signum, self._handle)
        # What is forked off would otherwise hear no signal at all, and could not be ended by one.
        os.register_at_fork(after_in_child=self._restore)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def _restore(self) -> None:
        while self._previous:
            signum, previous = self._previous.popitem()
            signal.signal(signum, previous)  # type: ignore[arg-type]

    def _handle(self, signum: int, frame: FrameType | None) -> None:
        now = time.monotonic()
        self.signum = signal.Signals(signum)
        if self.asked_at is None:
            self.asked_at = now
        elif now - self.asked_at >= ECHO_S:
            self.is_forced = True
            if self._on_force is not None:
                self._on_force()
