"""Signals, and duplicates of a Ctrl-C."""

from __future__ import annotations

import os
import signal
import time

from hpsearch.runtime.signals import ECHO_S, Interrupt


def test_a_duplicate_of_the_first_signal_does_not_force_the_end() -> None:
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.is_asked
        assert not interrupt.is_forced


def test_a_second_signal_forces_the_end_with_its_number_as_exit_code() -> None:
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.asked_at is not None
        interrupt.asked_at -= ECHO_S
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.is_forced
        assert interrupt.exit_code == 143


def test_signal_handlers_are_restored() -> None:
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before


def test_a_signal_ends_a_forked_child() -> None:
    """With --no-isolate an objective may start and end processes."""
    begun, begin = os.pipe()
    with Interrupt():
        child = os.fork()
        if child == 0:
            os.write(begin, b"x")
            time.sleep(5)
            os._exit(3)
        os.read(begun, 1)
        os.kill(child, signal.SIGTERM)
        _, status = os.waitpid(child, 0)
    os.close(begun)
    os.close(begin)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGTERM
