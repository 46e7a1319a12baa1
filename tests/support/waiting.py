"""Waiting for a condition, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds to try in turn as a limit that ends a process which must have begun something before: the first is
#: long enough unless the machine is busy.
GROWING_LIMITS_S = (3, 15, 75)


def wait_until(condition: Callable[[], object], what: str = "the condition", timeout_s: float = 240) -> None:
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
