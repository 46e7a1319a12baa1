"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(condition: Callable[[], object], what: str = "the condition", timeout_s: float = 60) -> None:
    """Check a condition until it is true; fail after a timeout.

    Parameters
    ----------
    condition : callable
        Returns something truthy once the wait is over.
    what : str
        What the test waits for, for the message of the failure.
    timeout_s : float
        Seconds; generous, since it passes only when the test fails.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout_s} s for {what}"
        time.sleep(0.02)
