"""Finds the active value, such as the current trial, for the calling thread.

A context variable holds it for the thread that activated the value, and for threads that inherit contexts.
A thread without a context belongs to the value that was active when it started, if there was only one. A
thread that was busy before a value was activated may be left over from an earlier value, so its value is
unknown; but a pool's thread that was waiting for work then does work that it got later.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from itertools import pairwise
from types import CodeType, FrameType, FunctionType
from typing import Generic, TypeVar
from weakref import WeakSet

T = TypeVar("T")

#: Functions in which pool threads wait for work, by module.
_WAITING = {"concurrent.futures.thread": "_worker", "multiprocessing.pool": "worker"}


class UnknownScopeError(LookupError):
    """A value is active, but perhaps not for this thread."""


@dataclass(slots=True, eq=False)
class _Scope(Generic[T]):
    """An active value."""

    value: T
    outer: _Scope[T] | None  #: the scope around it in the same thread
    busy_before: WeakSet[threading.Thread]  #: threads that were busy before
    busy_ids_before: frozenset[int]  #: likewise, those that Python did not start

    def may_hold_here(self) -> bool:
        """Whether the calling thread was not busy before."""
        thread = threading.current_thread()
        if isinstance(thread, threading._DummyThread):  # noqa: SLF001 - one that Python did not start
            return thread.ident not in self.busy_ids_before
        return thread not in self.busy_before


class Scopes(Generic[T]):
    """The active values of this process.

    Parameters
    ----------
    name : str
        Name of the context variable.
    """

    def __init__(self, name: str) -> None:
        self._own: ContextVar[_Scope[T] | None] = ContextVar(name, default=None)
        self._open: list[_Scope[T]] = []  # outer before inner; read and changed in atomic steps

    @contextmanager
    def opened(self, value: T) -> Iterator[None]:
        """Activate a value in this thread, and in those that it starts meanwhile."""
        scope = _Scope(value, self._outer(), *_busy_threads())
        self._open.append(scope)
        token = self._own.set(scope)
        try:
            yield
        finally:
            self._own.reset(token)
            self._open.remove(scope)

    def find(self) -> T | None:
        """Return the value of this thread; None if no value is active.

        A thread that outlives its scope still gets the value of that scope.

        Raises
        ------
        UnknownScopeError
            If a value is active, but perhaps not for this thread.
        """
        scope = self._own.get()
        if scope is not None:
            return scope.value
        present = list(self._open)
        candidates = [scope for scope in present if scope.may_hold_here()]
        if not present:
            return None
        if not candidates or not _are_nested(candidates):
            raise UnknownScopeError
        return candidates[-1].value

    def _outer(self) -> _Scope[T] | None:
        own = self._own.get()
        return own if own in self._open else None


def _are_nested(scopes: list[_Scope[T]]) -> bool:
    """Whether each was opened within the one before, so that the last one applies."""
    return all(inner.outer is outer for outer, inner in pairwise(scopes))


def _busy_threads() -> tuple[WeakSet[threading.Thread], frozenset[int]]:
    """Return the other threads that are busy: those of Python, and the identifiers of the rest."""
    frames = sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
    busy: WeakSet[threading.Thread] = WeakSet()
    if len(frames) == 1:
        return busy, frozenset()
    waiting = _waiting_code()
    others = set(frames) - {threading.get_ident()}
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        others.discard(thread.ident or 0)
        if thread is not threading.current_thread() and not _is_waiting(frame, waiting):
            busy.add(thread)
    return busy, frozenset(others)


def _waiting_code() -> set[CodeType]:
    functions = [getattr(sys.modules.get(name), function, None) for name, function in _WAITING.items()]
    return {function.__code__ for function in functions if isinstance(function, FunctionType)}


def _is_waiting(frame: FrameType | None, waiting: set[CodeType]) -> bool:
    return frame is not None and frame.f_code in waiting
