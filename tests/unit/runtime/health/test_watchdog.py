"""Stalled loops."""

from __future__ import annotations

import threading

from hpsearch.runtime.health.watchdog import STALL_S, Watchdog


def test_a_loop_without_a_step_for_too_long_is_stalled() -> None:
    now = [0.0]
    watchdog = Watchdog(lambda: now[0])
    with watchdog.loop("slot-0"):
        now[0] = STALL_S
        assert watchdog.stalled() == {}
        now[0] = STALL_S + 1
        assert watchdog.stalled() == {"slot-0": STALL_S + 1}
        watchdog.beat()
        assert watchdog.stalled() == {}


def test_a_loop_that_has_ended_is_not_stalled() -> None:
    now = [0.0]
    watchdog = Watchdog(lambda: now[0])
    with watchdog.loop("slot-0"):
        pass
    now[0] = 10 * STALL_S
    assert watchdog.stalled() == {}


def test_the_steps_of_one_thread_do_not_count_for_another() -> None:
    """A heartbeat must not hide a hanging slot; threads that are not watched do not count."""
    now = [0.0]
    watchdog = Watchdog(lambda: now[0])
    begun, over = threading.Event(), threading.Event()

    def hang() -> None:
        with watchdog.loop("hangs"):
            begun.set()
            over.wait(30)

    thread = threading.Thread(target=hang)
    thread.start()
    assert begun.wait(30)
    now[0] = STALL_S + 5
    watchdog.beat()  # of a thread that is not watched
    with watchdog.loop("goes round"):
        watchdog.beat()
        assert set(watchdog.stalled()) == {"hangs"}
    over.set()
    thread.join()
