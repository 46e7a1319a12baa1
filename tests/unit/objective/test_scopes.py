"""Which value is active for a thread."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from multiprocessing.pool import ThreadPool
from typing import Any, TypeVar

import pytest

from hpsearch.objective.scopes import Scopes, UnknownScopeError

T = TypeVar("T")

UNKNOWN = "unknown"


@pytest.fixture
def scopes() -> Scopes[str]:
    return Scopes("test")


def found(scopes: Scopes[str]) -> str | None:
    try:
        return scopes.find()
    except UnknownScopeError:
        return UNKNOWN


def in_thread(work: Callable[[], T]) -> T:
    """Return the result of a function in a new thread."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(work()))
    thread.start()
    thread.join()
    return results[0]


@contextmanager
def busy_thread(scopes: Scopes[str]) -> Iterator[Callable[[], str | None]]:
    """Start a thread that waits, and then returns the value that is active for it."""
    go_on, results, is_there = threading.Event(), [], threading.Event()

    def work() -> None:
        is_there.set()
        go_on.wait()
        results.append(found(scopes))

    thread = threading.Thread(target=work)
    thread.start()
    is_there.wait()

    def ended() -> str | None:
        go_on.set()
        thread.join()
        return results[0]

    yield ended
    ended()


def test_without_a_value_none_is_found(scopes: Scopes[str]) -> None:
    with scopes.opened("a"):
        pass
    assert found(scopes) is None
    assert in_thread(lambda: found(scopes)) is None


def test_a_value_is_active_in_its_thread_and_in_threads_that_start_meanwhile(scopes: Scopes[str]) -> None:
    with scopes.opened("a"):
        assert found(scopes) == "a"
        assert in_thread(lambda: found(scopes)) == "a"
        assert in_thread(lambda: in_thread(lambda: found(scopes))) == "a"
        with ThreadPoolExecutor(2) as pool:
            assert list(pool.map(lambda _: found(scopes), range(4))) == ["a"] * 4
        with ThreadPool(2) as threads:
            assert threads.map(lambda _: found(scopes), range(4)) == ["a"] * 4


def test_a_leftover_thread_of_one_value_does_not_get_the_next(scopes: Scopes[str]) -> None:
    with ExitStack() as stack:
        with scopes.opened("a"):
            ended = stack.enter_context(busy_thread(scopes))
        with scopes.opened("b"):
            assert ended() == UNKNOWN


@pytest.mark.parametrize("make", [ThreadPoolExecutor, ThreadPool])
def test_an_idle_pool_thread_gets_the_value_that_is_active_when_it_gets_work(
    scopes: Scopes[str], make: Any
) -> None:
    with make(1) as pool:
        for value in ("a", "b"):
            with scopes.opened(value):
                submit = pool.submit if make is ThreadPoolExecutor else pool.apply_async
                future = submit(lambda: found(scopes))
                assert (future.result() if make is ThreadPoolExecutor else future.get()) == value


def test_an_inherited_context_takes_precedence(scopes: Scopes[str]) -> None:
    """As with asyncio.to_thread, and with all threads from Python 3.14 on."""
    with scopes.opened("a"):
        context = contextvars.copy_context()
    with scopes.opened("b"):
        assert in_thread(lambda: context.run(lambda: found(scopes))) == "a"


def test_an_inner_value_is_active_until_its_block_ends(scopes: Scopes[str]) -> None:
    with scopes.opened("outer"), busy_thread(scopes) as ended:
        with scopes.opened("inner"):
            assert found(scopes) == "inner"
            assert in_thread(lambda: found(scopes)) == "inner"
            assert ended() == "outer"
        assert in_thread(lambda: found(scopes)) == "outer"


def test_with_two_values_in_two_threads_the_value_of_a_third_is_unknown(scopes: Scopes[str]) -> None:
    with scopes.opened("a"):
        other_is_open, go_on = threading.Event(), threading.Event()

        def work() -> None:
            with scopes.opened("b"):
                other_is_open.set()
                go_on.wait()

        # An empty context, not one that this thread passes on.
        thread = threading.Thread(target=lambda: contextvars.Context().run(work))
        thread.start()
        other_is_open.wait()
        assert found(scopes) == "a"
        assert in_thread(lambda: found(scopes)) == UNKNOWN
        go_on.set()
        thread.join()
        assert in_thread(lambda: found(scopes)) == "a"
