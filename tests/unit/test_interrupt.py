"""Signals are counted, and echoes of a Ctrl-C are not."""

from __future__ import annotations

import os
import signal

from hpsearch.interrupt import ECHO_S, Interrupt


def test_the_first_signal_asks_and_its_echo_does_not_force():
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.is_asked
        assert not interrupt.is_forced


def test_a_second_signal_after_a_while_forces_and_its_number_is_the_exit_code():
    with Interrupt() as interrupt:
        os.kill(os.getpid(), signal.SIGINT)
        assert interrupt.asked_at is not None
        interrupt.asked_at -= ECHO_S
        os.kill(os.getpid(), signal.SIGTERM)
        assert interrupt.is_forced
        assert interrupt.exit_code == 143


def test_the_handlers_of_before_are_back_afterwards():
    before = [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Interrupt():
        assert signal.getsignal(signal.SIGTERM) != before[1]
    assert [signal.getsignal(s) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == before
