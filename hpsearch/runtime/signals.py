"""SIGINT, SIGTERM and SIGHUP as a flag to poll, instead of an exception at any point."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable
from types import FrameType, TracebackType

#: Seconds within which further signals are duplicates: Ctrl-C reaches every process of the terminal's group,
#: and parents forward it.
ECHO_S = 1.0


class Interrupt:
    """Records signals that ask this process to end; install it as a context manager.

    The handler only sets attributes, so it cannot deadlock on a lock of the interrupted code.

    Parameters
    ----------
    on_force : callable, optional
        Called from the handler at the second signal; may raise.
    """

    def __init__(self, on_force: Callable[[], None] | None = None) -> None:
        self.asked_at: float | None = None  #: monotonic time of the first signal
        self.is_forced = False  #: whether a second signal came
        self.signum = signal.SIGINT  #: the last signal
        self._on_force = on_force
        self._previous: dict[int, object] = {}

    @property
    def is_asked(self) -> bool:
        """Whether the process was asked to end."""
        return self.asked_at is not None

    @property
    def exit_code(self) -> int:
        """Exit code of a process that was forced to end."""
        return 128 + self.signum

    def __enter__(self) -> Interrupt:
        for signum in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            previous = signal.getsignal(signum)
            if not (signum == signal.SIGHUP and previous == signal.SIG_IGN):  # nohup
                self._previous[signum] = previous
                signal.signal(signum, self._handle)
        # Otherwise signals could not end a forked child.
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
