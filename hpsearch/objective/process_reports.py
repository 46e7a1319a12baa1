"""Sends events from processes that an objective started to the worker.

The worker listens at an address of this machine, which is passed in the environment with a description of the
trial. Each process has its own connection, so that neither concurrent messages nor a process that is
killed while sending harms the others.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from itertools import count
from typing import Any, TypeVar

from hpsearch.errors import HpsearchError
from hpsearch.runtime.message_framing import framed, read_message

T = TypeVar("T")
#: The environment variable that describes the evaluation to the processes that it starts.
EVALUATION_VARIABLE = "HPSEARCH_EVALUATION"

#: The longest value of the variable, in characters: no process can be started with one of 128 KiB.
_MAX_TEXT = 32 * 1024

#: Seconds that the worker has to accept a connection. Between two trials it accepts none.
_ANSWER_S = 10.0

#: The kernel's answer about a peer: its process, user and group.
_CREDENTIALS = struct.Struct("3i")

#: Numbers of the questions of this process.
_numbers = count(1)

#: The worker's reply to an accepted connection.
ACCEPTED = b"1"


class UndeliveredError(HpsearchError):
    """An event of an objective cannot reach its trial."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question to the worker, which it answers with its number."""

    number: int
    question: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An evaluation, as described to the processes that it starts."""

    address: str | None = None  #: where the worker listens, if it does
    number: int | None = None  #: of the request; distinguishes it from later ones; None between two
    exp_key: str = ""  #: the experiment
    tid: int = -1  #: the trial
    attempt: int = 1  #: of the trial
    values: Mapping[str, Any] = field(default_factory=dict)  #: raw values by label
    has_pruner: bool = False  #: whether the trial may be stopped early
    max_resource: float | None = None  #: last step of a full trial, if the search has one

    def to_text(self) -> str:
        """Return the value of the variable; without the values of the trial if they are too long."""
        text = json.dumps(asdict(self))
        return text if len(text) <= _MAX_TEXT else json.dumps(asdict(replace(self, values={})))


def evaluation_of(text: str) -> Evaluation:
    """Return the evaluation that a value of the variable describes."""
    try:
        return Evaluation(**json.loads(text))
    except (ValueError, TypeError):
        return Evaluation()  # truncated or altered: an evaluation runs, but nothing is known about it


def peer_uid(connection: socket.socket) -> int:
    """Return the user at the other end of a connection on this machine; -1 if unknown."""
    with suppress(OSError):
        option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(option)[1])
    return -1


def ask_worker(
    answers: socket.socket, send: Callable[[Asked], None], question: Any, timeout_s: float | None
) -> Any:
    """Ask the worker, and return its answer; None if there is none in time. One thread at a time may ask.

    Parameters
    ----------
    answers : socket
        Where the answer arrives.
    send : callable
        Sends the question.
    question : object
        What to ask.
    timeout_s : float or None
        Seconds to wait; None to wait for as long as the worker lives.

    Raises
    ------
    OSError, EOFError
        If the worker is gone.
    """
    asked = Asked(next(_numbers), question)
    send(asked)
    answers.settimeout(timeout_s)
    try:
        while True:
            number, answer = read_message(answers)
            if number == asked.number:  # not to one that was given up
                return answer
    except TimeoutError:
        return None
    finally:
        answers.settimeout(None)


class SocketSender:
    """Sends events of a trial to the worker, from the process in which it is called.

    Parameters
    ----------
    address : str, optional
        Where the worker listens: ``@`` and the name of an abstract socket; None if it does not.
    number : int
        Number of the request to which the events belong.
    """

    def __init__(self, address: str | None, number: int) -> None:
        self._address, self._number = address, number
        #: By process: a fork must share neither a connection nor a lock.
        self._connections: dict[int, _Connection] = {}

    def __call__(self, event: Any) -> None:
        """Send an event.

        Raises
        ------
        UndeliveredError
            If the worker does not listen, or no longer.
        """
        self._exchange(lambda connected: self._send(connected, event))

    def ask(self, question: Any, timeout_s: float | None) -> Any:
        """Return the answer of the worker to a question; None if there is none in time.

        Parameters
        ----------
        question : object
            What to ask.
        timeout_s : float or None
            Seconds to wait; None to wait for as long as the worker lives.

        Raises
        ------
        UndeliveredError
            As for an event.
        """

        def ask(connected: socket.socket) -> Any:
            return ask_worker(connected, lambda asked: self._send(connected, asked), question, timeout_s)

        return self._exchange(ask)

    def _exchange(self, act: Callable[[socket.socket], T]) -> T:
        """Return what an action on the connection of this process does; raises ``UndeliveredError``."""
        connection = self._connections.setdefault(os.getpid(), _Connection())
        with connection.lock:
            if self._address is None or connection.is_over:
                raise UndeliveredError
            try:
                if connection.socket is None:
                    connection.socket = self._connect(self._address)
                return act(connection.socket)
            except (OSError, EOFError) as error:
                connection.socket, connection.is_over = None, True
                raise UndeliveredError from error

    def _connect(self, address: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_ANSWER_S)
        # The name of an abstract socket begins with a zero byte, which no variable can hold.
        connection.connect("\0" + address.removeprefix("@"))
        # Once the worker has stopped listening, any user of the machine may take the address.
        if peer_uid(connection) != os.geteuid():
            raise ConnectionError
        self._send(connection, None)
        if connection.recv(len(ACCEPTED)) != ACCEPTED:
            raise ConnectionError
        connection.settimeout(None)
        return connection

    def _send(self, connection: socket.socket, event: Any) -> None:
        for piece in framed((self._number, event)):
            connection.sendall(piece, socket.MSG_NOSIGNAL)


@dataclass(slots=True)
class _Connection:
    """The connection of one process."""

    socket: socket.socket | None = None  #: None before the first event
    is_over: bool = False  #: whether it failed; it is not opened again
    lock: threading.Lock = field(default_factory=threading.Lock)  #: held while sending
