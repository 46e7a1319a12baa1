"""The process that evaluates: ``python -m hpsearch_worker.child FD PARENT``.

It stays warm: an objective's module is imported once, then called for trial after
trial. It dies with its parent, and speaks to nobody else.
"""

from __future__ import annotations

import os
import socket
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.core.trial import Result
from hpsearch.errors import HpsearchError
from hpsearch.objective.process_reports import VARIABLE, Caller, Evaluation, evaluation_of, unheard
from hpsearch_worker.channel import Channel
from hpsearch_worker.messages import Evaluate, Load, Loaded, ObjectiveEvent, OnEvent, Ready
from hpsearch_worker.parent_death import die_with_parent
from hpsearch_worker.process_env import Streams, described, go_to, working_folder


def main() -> None:
    """Serve the parent until it hangs up."""
    fd, parent = int(sys.argv[1]), int(sys.argv[2])
    # The user's own subprocesses must not inherit the line to the parent.
    os.set_inheritable(fd, False)
    die_with_parent(parent)
    _volunteer_for_oom_killer()
    # The objective sees a plain script's arguments, not ours.
    sys.argv = [sys.argv[0]]
    serve(Channel(socket.socket(fileno=fd)), Streams())


def serve(line: Channel, streams: Streams) -> None:
    """Answer requests until the line is closed.

    A request comes with a number, and whatever is said in answer to it carries that
    number, so that nothing which an objective left running is taken for a later answer.
    """
    process, home = os.getpid(), working_folder()
    surroundings = evaluation_of(os.environ.get(VARIABLE, ""))
    loaded: dict[str, Loaded] = {}
    while True:
        try:
            number, request = line.receive(waiting=True)
        except (EOFError, OSError):
            return
        streams.restore()
        go_to(home)
        with described(_evaluation(request, number, surroundings.address)):
            answer = _answer(request, loaded, _Mouth(line, number, _caller(surroundings.address, number)))
        if os.getpid() != process:
            os._exit(0)  # a fork that the objective made, and that came back from it as well
        streams.flush()
        line.send((number, answer))


@dataclass(frozen=True, slots=True)
class _Mouth:
    """Passes on what an objective says in answer to one request."""

    line: Channel
    number: int
    elsewhere: OnEvent  #: takes it in a fork of this process
    process: int = field(default_factory=os.getpid)  #: whose line it is

    def __call__(self, word: ObjectiveEvent) -> None:
        if os.getpid() != self.process:
            self.elsewhere(word)  # two processes on one line would mix their messages
        else:
            self.line.send((self.number, word))


def _caller(address: str | None, number: int) -> OnEvent:
    return unheard if address is None else Caller(address, number)


def _evaluation(request: Any, number: int, address: str | None) -> Evaluation:
    """Return what the processes that a request starts know of it."""
    if isinstance(request, Evaluate):
        return request.evaluation(address, number)
    return Evaluation(address=address)


def _answer(request: Any, loaded: dict[str, Loaded], on_event: OnEvent) -> Ready | Result:
    match request:
        case Load():
            try:
                loaded[request.exp_key] = request.carry_out()
            except HpsearchError as error:
                return Ready(problem=str(error))
            return Ready()
        case Evaluate():
            return loaded[request.exp_key].evaluate(request.values, request.current_trial(on_event))
    raise TypeError(f"unknown request {request!r}")


def _volunteer_for_oom_killer() -> None:
    """When memory runs out, this process should go, not the worker that reports it."""
    try:
        Path("/proc/self/oom_score_adj").write_text("500")
    except OSError:
        return  # not Linux, or not allowed: the kernel chooses by itself


if __name__ == "__main__":
    main()
