"""When a worker stops, with a fake clock."""

from __future__ import annotations

from hpsearch.runtime.signals import Interrupt
from hpsearch_worker.shutdown import Shutdown


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_worker_without_a_reason_to_stop_continues() -> None:
    shutdown = Shutdown(Interrupt(), drain_timeout_s=5, clock=Clock())
    assert not shutdown.is_draining()
    assert not shutdown.is_time_up()


def test_a_signal_begins_draining_and_time_is_up_after_the_drain_timeout() -> None:
    clock, interrupt = Clock(), Interrupt()
    shutdown = Shutdown(interrupt, drain_timeout_s=5, clock=clock)
    interrupt.asked_at = clock.now
    assert shutdown.is_draining()
    assert not shutdown.is_time_up()
    clock.now += 5
    assert shutdown.is_time_up()


def test_a_second_signal_leaves_no_time() -> None:
    clock, interrupt = Clock(), Interrupt()
    shutdown = Shutdown(interrupt, drain_timeout_s=3600, clock=clock)
    interrupt.asked_at, interrupt.is_forced = clock.now, True
    assert shutdown.is_time_up()


def test_the_longest_runtime_begins_draining() -> None:
    clock = Clock()
    shutdown = Shutdown(Interrupt(), drain_timeout_s=5, max_runtime_s=60, clock=clock)
    clock.now += 59
    assert not shutdown.is_draining()
    clock.now += 1
    assert shutdown.is_draining()
    assert not shutdown.is_time_up()
    clock.now += 5
    assert shutdown.is_time_up()


def test_the_first_error_is_kept() -> None:
    shutdown = Shutdown(Interrupt(), drain_timeout_s=5, clock=Clock())
    first = RuntimeError("first")
    shutdown.drain(first)
    shutdown.drain(RuntimeError("second"))
    assert shutdown.error is first
