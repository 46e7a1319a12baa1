"""A process that must not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def die_with_parent(parent: int, signum: signal.Signals = signal.SIGKILL) -> None:
    """Have the kernel send ``signum`` to this process when its parent dies, however that happens.

    Only Linux can. Elsewhere a child ends when it next reads from its closed line.

    Parameters
    ----------
    parent : int
        Process number of the parent, to notice that it died before this call.
    signum : Signals
        What to send.
    """
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(signum), 0, 0, 0)
    if os.getppid() != parent:
        os.kill(os.getpid(), signum)
