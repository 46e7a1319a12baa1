"""Ends a process when its parent dies."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send a signal to this process when its parent dies for any reason.

    Works on Linux only. Elsewhere a child ends when it next reads from its closed channel.

    Parameters
    ----------
    parent : int
        Process id of the parent, to detect that it died before this call.
    signum : Signals
        The signal.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)
