"""Which of the values that are in force in a process holds for the thread that asks.

A context variable says so for the thread that a value was put in force in, and for what hands
contexts on. Threads that start without a context belong to the value that was in force when they
began, if it was the only one. A thread that was at work before a value came into force may be
left over from the one before, so nothing is known of it; but a thread of a pool that waited
for work then does the work that it was given since.
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

#: Functions in which the threads of pools wait for work, by module.
_WAITING = {"concurrent.futures.thread": "_worker", "multiprocessing.pool": "worker"}


class UnknownScopeError(LookupError):
    """Some value is in force, but not known to be so for this thread."""


@dataclass(slots=True, eq=False)
class _Scope(Generic[T]):
    """A value that is in force."""

    value: T
    outer: _Scope[T] | None  #: what was in force in the same thread before
    elders: WeakSet[threading.Thread]  #: threads that were at work before
    elder_ids: frozenset[int]  #: those that Python did not start

    def may_hold_here(self) -> bool:
        """Whether the calling thread is none of the elders."""
        thread = threading.current_thread()
        if isinstance(thread, threading._DummyThread):  # noqa: SLF001 - one that Python did not start
            return thread.ident not in self.elder_ids
        return thread not in self.elders


class Scopes(Generic[T]):
    """The values that are in force in this process.

    Parameters
    ----------
    name : str
        Of the context variable.
    """

    def __init__(self, name: str) -> None:
        self._own: ContextVar[_Scope[T] | None] = ContextVar(name, default=None)
        self._open: list[_Scope[T]] = []  # outer ones before inner ones; read and changed in single steps

    @contextmanager
    def opened(self, value: T) -> Iterator[None]:
        """Put a value in force in this thread, and in those that it starts meanwhile."""
        elders, elder_ids = _threads_at_work()
        scope = _Scope(value, self._outer(), elders, elder_ids)
        self._open.append(scope)
        token = self._own.set(scope)
        try:
            yield
        finally:
            self._own.reset(token)
            self._open.remove(scope)

    def find(self) -> T | None:
        """Return the value for this thread, which may be in force no more where that is a late one.

        None if none is in force.

        Raises
        ------
        UnknownScopeError
            If one is, but nobody can know whether for this thread.
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
    """Whether each was opened within the one before, so that the last holds."""
    return all(inner.outer is outer for outer, inner in pairwise(scopes))


def _threads_at_work() -> tuple[WeakSet[threading.Thread], frozenset[int]]:
    """Return the other threads that do something just now: those of Python, and the numbers of the rest."""
    frames = sys._current_frames()  # noqa: SLF001 - documented, in spite of its name
    elders: WeakSet[threading.Thread] = WeakSet()
    if len(frames) == 1:
        return elders, frozenset()
    waiting = _waiting_code()
    others = set(frames) - {threading.get_ident()}
    for thread in threading.enumerate():
        frame = frames.get(thread.ident or 0)
        others.discard(thread.ident or 0)
        if thread is not threading.current_thread() and not _is_waiting(frame, waiting):
            elders.add(thread)
    return elders, frozenset(others)


def _waiting_code() -> set[CodeType]:
    functions = [getattr(sys.modules.get(name), function, None) for name, function in _WAITING.items()]
    return {function.__code__ for function in functions if isinstance(function, FunctionType)}


def _is_waiting(frame: FrameType | None, waiting: set[CodeType]) -> bool:
    return frame is not None and frame.f_code in waiting
