"""The evaluating process: ``python -m hpsearch_worker.child FD ANSWERS PARENT``.

It imports an objective's module once and then calls the objective for trial after trial. It ends with its
parent and communicates with no other process.
"""

from __future__ import annotations

import os
import socket
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.core.trial import Result
from hpsearch.errors import HpsearchError
from hpsearch.objective.checkpoint import Question
from hpsearch.objective.process_reports import (
    EVALUATION_VARIABLE,
    Evaluation,
    SocketSender,
    ask_worker,
    evaluation_of,
)
from hpsearch.runtime.parent_death import die_with_parent
from hpsearch_worker.channel import Channel
from hpsearch_worker.messages import Evaluate, Load, Loaded, ObjectiveEvent, Ready
from hpsearch_worker.process_env import Streams, change_folder, evaluation_in_environ, working_folder


def main() -> None:
    """Serve the parent until it closes the channel."""
    fd, answers, parent = map(int, sys.argv[1:])
    # Subprocesses of the objective must not inherit the channel.
    os.set_inheritable(fd, False)
    os.set_inheritable(answers, False)
    die_with_parent(parent)
    _prefer_for_oom_killer()
    # The objective sees the arguments of a plain script.
    sys.argv = [sys.argv[0]]
    serve(Channel(socket.socket(fileno=fd)), socket.socket(fileno=answers), Streams())


def serve(channel: Channel, answers: socket.socket, streams: Streams) -> None:
    """Answer requests until the channel is closed.

    Each request has a number, and every message that belongs to it repeats the number, so the worker can
    ignore what an objective left running sends later.

    Parameters
    ----------
    channel : Channel
        The child's end.
    answers : socket
        Where the worker answers the questions of an objective.
    streams : Streams
        Standard output and error of this process.
    """
    process, home = os.getpid(), working_folder()
    address = evaluation_of(os.environ.get(EVALUATION_VARIABLE, "")).address
    loaded: dict[str, Loaded] = {}
    while True:
        try:
            number, request = channel.receive(waiting=True)
        except (EOFError, OSError):
            return
        streams.restore()
        change_folder(home)
        evaluation = Evaluation(address=address)
        if isinstance(request, Evaluate):
            evaluation = request.evaluation(address, number)
        with evaluation_in_environ(evaluation):
            sender = _EventSender(channel, answers, number, SocketSender(address, number))
            answer = _answer(request, loaded, sender)
        if os.getpid() != process:
            os._exit(0)  # the objective forked, and the fork returned from it, too
        streams.flush()
        channel.send((number, answer))


#: Held while a question waits for its answer.
_asking = threading.Lock()


@dataclass(frozen=True, slots=True)
class _EventSender:
    """Sends the events of an objective that belong to one request."""

    channel: Channel
    answers: socket.socket
    number: int
    in_fork: SocketSender  #: sends events from a fork of this process
    process: int = field(default_factory=os.getpid)  #: owner of the channel

    def __call__(self, event: ObjectiveEvent) -> None:
        if os.getpid() != self.process:
            self.in_fork(event)  # two processes on one channel would mix their messages
        else:
            self._send(event)

    def ask(self, question: Question, timeout_s: float | None) -> Any:
        """Return the worker's answer, None if there is none in time.

        Parameters
        ----------
        question : Question
            What the objective asks.
        timeout_s : float or None
            Seconds to wait; None for no limit.
        """
        if os.getpid() != self.process:
            return self.in_fork.ask(question, timeout_s)
        with _asking:  # also one thread of an earlier trial at a time
            return ask_worker(self.answers, self._send, question, timeout_s)

    def _send(self, message: Any) -> None:
        self.channel.send((self.number, message))


def _answer(request: Any, loaded: dict[str, Loaded], sender: _EventSender) -> Ready | Result:
    match request:
        case Load():
            try:
                loaded[request.exp_key] = request.load_here()
            except HpsearchError as error:
                return Ready(problem=str(error))
            return Ready()
        case Evaluate():
            return loaded[request.exp_key].evaluate(request.values, request.current_trial(sender, sender.ask))
    raise TypeError(f"unknown request {request!r}")


def _prefer_for_oom_killer() -> None:
    """Let the kernel end this process before the worker when memory runs out."""
    try:
        Path("/proc/self/oom_score_adj").write_text("500")
    except OSError:
        return  # not Linux, or not allowed


if __name__ == "__main__":
    main()
