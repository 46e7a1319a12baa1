"""The channel between a worker and its evaluating process."""

from __future__ import annotations

import socket
import threading
import tracemalloc
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.objective.current_trial import Attachment
from hpsearch.runtime.message_framing import HEADER, MARK
from hpsearch_worker.channel import Channel, StrayBytesError


@pytest.fixture
def ends() -> Iterator[tuple[Channel, socket.socket]]:
    """A channel, and a socket that can send any bytes to it."""
    mine, theirs = socket.socketpair()
    channel = Channel(mine)
    yield channel, theirs
    channel.close()
    theirs.close()


@given(st.lists(st.none() | st.binary(max_size=100) | st.tuples(st.integers(), st.text()), max_size=5))
def test_messages_arrive_whole_and_in_order(messages: list[Any]) -> None:
    one, other = Channel.pair()
    for message in messages:
        one.send([message])
    assert [other.receive(waiting=True) for _ in messages] == [[message] for message in messages]
    assert other.receive(waiting=False) is None
    one.close()
    other.close()


def test_a_message_larger_than_one_read_arrives() -> None:
    one, other = Channel.pair()
    data = bytes(range(256)) * 2**19  # 128 MB
    sender = threading.Thread(target=one.send, args=(data,))
    sender.start()
    received = None
    while received is None:
        received = other.receive(waiting=False)
    sender.join()
    assert received == data
    one.close()
    other.close()


def test_receiving_without_waiting_returns_a_message_after_its_last_byte(
    ends: tuple[Channel, socket.socket],
) -> None:
    channel, theirs = ends
    frame = HEADER.pack(MARK, 5) + b"\x80\x04K\x07."  # the pickle of 7
    for i in range(len(frame)):
        assert channel.receive(waiting=False) is None
        theirs.send(frame[i : i + 1])
    assert channel.receive(waiting=False) == 7


@pytest.mark.parametrize("stray", [b"o", b"oops" * 100, b"\0\0\0\x04", MARK[:3] + b"?"])
def test_bytes_that_begin_no_message_are_detected_at_once(
    ends: tuple[Channel, socket.socket], stray: Any
) -> None:
    channel, theirs = ends
    theirs.send(stray)
    with pytest.raises(StrayBytesError):
        channel.receive(waiting=False)


def test_a_closed_end_is_detected_within_a_message_too(ends: tuple[Channel, socket.socket]) -> None:
    channel, theirs = ends
    theirs.send(HEADER.pack(MARK, 100) + b"half")
    assert channel.receive(waiting=False) is None
    theirs.close()
    with pytest.raises(EOFError):
        channel.receive(waiting=False)


@given(st.lists(st.binary(max_size=2000), max_size=4), st.booleans())
def test_large_parts_of_messages_arrive_with_their_message(parts: list[bytes], is_mutable: bool) -> None:
    one, other = Channel.pair()
    for i, part in enumerate(parts):
        one.send((i, [Attachment("a", bytearray(part) if is_mutable else part), Attachment("b", part[:1])]))
        one.send("next")
    for i, part in enumerate(parts):
        number, [first, second] = other.receive(waiting=True)
        assert (number, first.name, bytes(first.data), bytes(second.data)) == (i, "a", part, part[:1])
        assert other.receive(waiting=True) == "next"
    one.close()
    other.close()


def test_each_end_holds_a_large_attachment_only_once() -> None:
    one, other = Channel.pair()
    data = bytes(50 * 2**20)
    sender = threading.Thread(target=one.send, args=(Attachment("a", data),))
    tracemalloc.start()
    sender.start()
    received = other.receive(waiting=True)
    sender.join()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert bytes(received.data) == data
    assert peak < 1.3 * len(data)
    one.close()
    other.close()
