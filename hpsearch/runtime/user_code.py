"""Restores the state of the process after importing a user's code.

A search file is a program: it may change the folder, configure logging, redirect its output or handle
signals. All that happens again where the objective is evaluated; the process that only imports the file
continues as before.
"""

from __future__ import annotations

import locale
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from typing import TextIO

from hpsearch.runtime.logs import preserve_logging

#: Prefix of hpsearch's environment variables.
_OUR_PREFIX = "HPSEARCH_"

#: The standard streams, by their descriptors.
_STREAMS = {0: "stdin", 1: "stdout", 2: "stderr"}

#: The signals, as plain numbers, which are looked up faster than enumerations.
_SIGNALS = tuple(map(int, signal.valid_signals()))


@contextmanager
def preserve_signal_handlers() -> Iterator[None]:
    """Restore signal handlers and the signal mask after a block; only in the main thread."""
    restore = _signals()
    try:
        yield
    finally:
        restore()


@contextmanager
def preserve_process_state() -> Iterator[None]:
    """Restore the state of the process after a block.

    This covers the current folder, ``sys.path``, standard streams, logging, warning filters, signal handlers,
    the locale, the umask, and hpsearch's environment variables. Other variables keep their new values, for
    local workers to inherit.
    """
    with ExitStack() as stack:
        for kept in (_folder, _path, _streams, _signals, _locale, _umask, _variables):
            stack.callback(kept())
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(preserve_logging())
        yield


#: A function that restores a part of the state.
_Restore = Callable[[], object]


def _folder() -> _Restore:
    try:
        folder = os.getcwd()  # noqa: PTH109 - as text, for chdir
    except FileNotFoundError:  # the folder was deleted
        return lambda: None

    def restore() -> None:
        with suppress(OSError):
            os.chdir(folder)

    return restore


def _path() -> _Restore:
    path = list(sys.path)

    def restore() -> None:
        # Entries that the code has added come last.
        sys.path[:] = [*path, *(place for place in sys.path if place not in path)]

    return restore


def _streams() -> _Restore:
    streams = {name: getattr(sys, name) for name in _STREAMS.values()}
    copies = {}
    for fd in _STREAMS:
        with suppress(OSError):  # closed by the parent process
            copies[fd] = os.dup(fd)

    def restore() -> None:
        for name in ("stdout", "stderr"):
            with suppress(Exception):  # the code may have replaced the stream by any object
                getattr(sys, name).flush()
        for fd, copy in copies.items():
            os.dup2(copy, fd)
            os.close(copy)
        for fd, name in _STREAMS.items():
            setattr(sys, name, _usable(streams[name], fd))

    return restore


def _usable(stream: TextIO | None, fd: int) -> TextIO | None:
    if stream is None or not stream.closed:
        return stream
    return open(fd, "w" if fd else "r", buffering=1, errors="backslashreplace", closefd=False)


def _signals() -> _Restore:
    handlers = {signum: signal.getsignal(signum) for signum in _SIGNALS}
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    has_timer = any(signal.getitimer(signal.ITIMER_REAL))

    def restore() -> None:
        if not has_timer:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for signum, handler in handlers.items():
            if handler is not None and signal.getsignal(signum) != handler:
                signal.signal(signum, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)

    return restore


def _locale() -> _Restore:
    return partial(locale.setlocale, locale.LC_ALL, locale.setlocale(locale.LC_ALL))


def _umask() -> _Restore:
    present = os.umask(0o077)
    os.umask(present)
    return partial(os.umask, present)


def _variables() -> _Restore:
    present = _ours()

    def restore() -> None:
        for name in _ours():
            del os.environ[name]
        os.environ.update(present)

    return restore


def _ours() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(_OUR_PREFIX)}
