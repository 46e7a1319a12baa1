"""The process that evaluates: ``python -m hpsearch_worker.child FD PARENT``.

It stays warm: an objective's module is imported once, then called for trial after
trial. It dies with its parent, and speaks to nobody else.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from hpsearch.errors import HpsearchError
from hpsearch.evaluate import CurrentTrial, evaluate
from hpsearch.trial import Result
from hpsearch_worker.lifeline import die_with_parent
from hpsearch_worker.messages import Evaluate, Load, Loaded, Ready


def main() -> None:
    """Serve the parent until it hangs up."""
    fd, parent = int(sys.argv[1]), int(sys.argv[2])
    # The user's own subprocesses must not inherit the line to the parent.
    os.set_inheritable(fd, False)
    die_with_parent(parent)
    _volunteer_for_oom_killer()
    faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    # The objective sees a plain script's arguments, not ours.
    sys.argv = [sys.argv[0]]
    serve(Connection(fd))


def serve(line: Connection) -> None:
    """Answer requests until the line is closed."""
    loaded: dict[str, Loaded] = {}
    while True:
        try:
            request = line.recv()
        except (EOFError, ConnectionResetError):
            return
        answer = _answer(request, loaded, line)
        sys.stdout.flush()
        sys.stderr.flush()
        line.send(answer)


def _answer(request: Any, loaded: dict[str, Loaded], line: Connection) -> Ready | Result:
    match request:
        case Load():
            try:
                loaded[request.exp_key] = request.carry_out()
            except HpsearchError as error:
                return Ready(problem=str(error))
            return Ready()
        case Evaluate():
            trial = CurrentTrial(
                exp_key=request.exp_key, tid=request.tid, attempt=request.attempt, on_report=line.send
            )
            found = loaded[request.exp_key]
            return evaluate(found.objective, found.space.config(request.values), trial)
    raise TypeError(f"unknown request {request!r}")


def _volunteer_for_oom_killer() -> None:
    """When memory runs out, this process should go, not the worker that reports it."""
    try:
        Path("/proc/self/oom_score_adj").write_text("500")
    except OSError:
        return  # not Linux, or not allowed: the kernel chooses by itself


if __name__ == "__main__":
    main()
