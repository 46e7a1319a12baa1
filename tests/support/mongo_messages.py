"""What passes between a driver and MongoDB: whole messages, and what each command is for; pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import bson

_HEADER = struct.Struct("<iiii")  # length, request, answer to, kind
_OP_MSG = 2013

#: What an update of a trial writes, by what it is for.
_LEASE_ONLY = {"state", "heartbeat_at", "lease_until"}


@dataclass(slots=True)
class Messages:
    """Collects bytes, and gives them back in whole messages."""

    rest: bytes = b""  #: the beginning of the next message

    def feed(self, data: bytes) -> list[bytes]:
        """Take in what arrived; return the messages that are whole by now."""
        self.rest += data
        whole: list[bytes] = []
        while len(self.rest) >= _HEADER.size:
            (length, *_) = _HEADER.unpack_from(self.rest)
            if len(self.rest) < length:
                break
            whole.append(self.rest[:length])
            self.rest = self.rest[length:]
        return whole


def names(message: bytes) -> set[str]:
    """Return the name of a command, and what it is for, if that is known: ``claim``, ``finish`` or ``renew``.

    Parameters
    ----------
    message : bytes
        A whole message of a client; nothing is returned for one that is no command.
    """
    length, _, _, kind = _HEADER.unpack_from(message)
    if kind != _OP_MSG:
        return set()
    command: dict[str, Any] = {}
    position = _HEADER.size + 4  # after the flags
    while position < length:
        section, position = message[position], position + 1
        (size,) = struct.unpack_from("<i", message, position)
        part = message[position : position + size]
        if section == 0:
            command |= bson.decode(part)
        else:  # the documents of a bulk, which belong into the command under a name
            name, _, documents = part[4:].partition(b"\0")
            command[name.decode()] = bson.decode_all(documents)
        position += size
    return {next(iter(command), ""), *_purposes(command)}


def _purposes(command: Mapping[str, Any]) -> Iterator[str]:
    if command.get("findAndModify") == "trials":
        yield "claim"
    if command.get("update") == "trials":
        for each in command["updates"]:
            yield from _purposes_of_update(each["u"])


def _purposes_of_update(update: Any) -> Iterator[str]:
    stage = update[0] if isinstance(update, list) and update else {}
    if set(stage.get("$set", ())) == _LEASE_ONLY:
        yield "renew"
    condition = stage.get("$replaceWith", {}).get("$cond", [{}])[0]
    if "$in" in condition:
        yield "finish"
