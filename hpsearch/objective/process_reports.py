"""The way back to an evaluation from other processes that its objective started.

The worker listens at an address of this machine, which travels in the environment together with
what such a process should know of the trial. Each process has a connection of its own, so that
neither two that speak at once nor one that is killed in the middle harm the others.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import Enum
from typing import Any, NoReturn

from hpsearch.errors import HpsearchError
from hpsearch.runtime.frames import framed

#: The variable that describes the evaluation to the processes that it starts.
VARIABLE = "HPSEARCH_EVALUATION"

#: Characters of the variable: no process can be started with one of 128 KiB.
_MAX_TEXT = 32 * 1024

#: Seconds that the worker has to answer a process that calls. Between two trials it answers nobody.
_ANSWER_S = 10.0

#: What the kernel says of the other end: its process, user and group.
_CREDENTIALS = struct.Struct("3i")

#: What the worker answers to one that it listens to.
WELCOME = b"1"


class UnheardError(HpsearchError):
    """What an objective says reaches its trial no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """An evaluation, as the processes that it starts know it."""

    address: str | None = None  #: where the worker listens; None where nobody does
    number: int | None = None  #: of the request, which tells it from later ones; None between two
    exp_key: str = ""  #: the experiment
    tid: int = -1  #: the trial
    attempt: int = 1  #: of the trial
    values: Mapping[str, Any] = field(default_factory=dict)  #: raw values by label

    def to_text(self) -> str:
        """Return it as the value of the variable; the values of the trial only if they have room there."""
        text = json.dumps(asdict(self))
        return text if len(text) <= _MAX_TEXT else json.dumps(asdict(replace(self, values={})))


def evaluation_of(text: str) -> Evaluation:
    """Return the evaluation that a value of the variable describes."""
    try:
        return Evaluation(**json.loads(text))
    except (ValueError, TypeError):
        return Evaluation()  # cut short or altered on the way: there is one, and no more is known


def socket_address(text: str) -> str:
    """Return what a socket takes; an address begins with a zero byte, which no variable can hold."""
    return "\0" + text.removeprefix("@")


def user_of(connection: socket.socket) -> int:
    """Return the user at the other end of a connection on this machine; -1 where that is not known."""
    with suppress(OSError):
        option = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
        return int(_CREDENTIALS.unpack(option)[1])
    return -1


def unheard(word: Any) -> NoReturn:
    """Take a word that nobody hears.

    Raises
    ------
    UnheardError
        Always.
    """
    raise UnheardError


class Caller:
    """Sends words about a trial to the worker, from whichever process it is called in.

    Parameters
    ----------
    address : str
        Where the worker listens.
    number : int
        Of the request that the words belong to.
    """

    def __init__(self, address: str, number: int) -> None:
        self._address, self._number = address, number
        #: By process: a fork must share neither a connection nor a lock.
        self._conversations: dict[int, _Conversation] = {}

    def __call__(self, word: Any) -> None:
        """Send a word.

        Raises
        ------
        UnheardError
            If the worker does not listen, or not any more.
        """
        conversation = self._conversations.setdefault(os.getpid(), _Conversation())
        with conversation.lock:
            try:
                if conversation.connection is None:
                    conversation.connection = self._connected()
                self._send(conversation.connection, word)
            except UnheardError:
                raise
            except OSError as error:
                conversation.connection = _OVER
                raise UnheardError from error

    def _connected(self) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.settimeout(_ANSWER_S)
        connection.connect(socket_address(self._address))
        # Once the worker has hung up, any user of the machine may take the address.
        if user_of(connection) != os.geteuid():
            raise ConnectionError
        self._send(connection, None)
        if connection.recv(len(WELCOME)) != WELCOME:
            raise ConnectionError
        connection.settimeout(None)
        return connection

    def _send(self, connection: socket.socket | _Over, word: Any) -> None:
        if isinstance(connection, _Over):
            raise UnheardError
        for piece in framed((self._number, word)):
            connection.sendall(piece, socket.MSG_NOSIGNAL)


class _Over(Enum):
    OVER = "over"


_OVER = _Over.OVER


@dataclass(slots=True)
class _Conversation:
    """The connection of one process."""

    connection: socket.socket | _Over | None = None  #: None before the first word
    lock: threading.Lock = field(default_factory=threading.Lock)  #: held by the thread that speaks
