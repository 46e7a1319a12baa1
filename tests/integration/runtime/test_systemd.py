"""Notifications to the service manager, on real datagram sockets."""

from __future__ import annotations

import os
import socket
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.runtime.systemd import Notifier, take_notifier


class Manager:
    """The service manager's socket."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.setblocking(False)

    def heard(self) -> list[str]:
        """Return the messages since the last call; a sent datagram is available at once."""
        messages = []
        while True:
            try:
                messages.append(self._socket.recv(4096).decode())
            except BlockingIOError:
                return messages

    def close(self) -> None:
        self._socket.close()


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Manager]:
    """A manager with each kind of systemd's addresses."""
    abstract = f"@hpsearch/{uuid.uuid4().hex}"
    opened = Manager(str(tmp_path / "notify") if request.param == "path" else abstract)
    yield opened
    opened.close()


def test_ready_and_stopping_are_each_sent_once(manager: Manager) -> None:
    notifier = take_notifier({"NOTIFY_SOCKET": manager.address})
    for _ in range(3):
        notifier.ready()
    for _ in range(3):
        notifier.stopping()

    assert manager.heard() == ["READY=1", "STOPPING=1"]


def test_a_changed_status_is_sent_as_one_line_at_most_once_a_second(manager: Manager) -> None:
    """A line break would start another assignment."""
    now = [0.0]
    notifier = Notifier(manager.address, clock=lambda: now[0])
    for now[0], text in [
        (0, "one\nMAINPID=1"),
        (2, "one\nMAINPID=1"),
        (4, "two"),
        (4.5, "three"),
        (5, "four"),
    ]:
        notifier.status(text)

    assert manager.heard() == ["STATUS=one MAINPID=1", "STATUS=two", "STATUS=four"]


def test_four_keep_alives_are_sent_per_watchdog_interval(manager: Manager) -> None:
    now = [0.0]
    notifier = Notifier(manager.address, watch_s=8.0, clock=lambda: now[0])
    for tenth in range(80):
        now[0] = tenth / 10
        notifier.alive()

    assert manager.heard() == ["WATCHDOG=1"] * 4


@pytest.mark.parametrize(
    ("variables", "n_signs"),
    [
        ({"WATCHDOG_USEC": "1000000"}, 1),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": str(os.getpid())}, 1),
        ({"WATCHDOG_USEC": "1000000", "WATCHDOG_PID": "1"}, 0),
        ({"WATCHDOG_USEC": "0"}, 0),
        ({"WATCHDOG_USEC": "soon"}, 0),
        ({"WATCHDOG_USEC": "9" * 400}, 0),
        ({"WATCHDOG_USEC": "9" * 5000}, 0),
        ({}, 0),
    ],
)
def test_keep_alives_are_sent_only_for_a_watched_process(
    manager: Manager, variables: dict[str, str], n_signs: int
) -> None:
    take_notifier({"NOTIFY_SOCKET": manager.address, **variables}).alive()

    assert manager.heard() == ["WATCHDOG=1"] * n_signs


def test_the_variables_of_the_manager_are_removed_from_the_environment(manager: Manager) -> None:
    environment = {"NOTIFY_SOCKET": manager.address, "WATCHDOG_USEC": "1", "WATCHDOG_PID": "1", "HOME": "/"}
    take_notifier(environment)

    assert environment == {"HOME": "/"}


@pytest.mark.parametrize("address", [None, "", "/nowhere/at/all", "@no-listener", "vsock:2:1234", "x" * 200])
def test_a_missing_manager_is_no_error(address: str | None) -> None:
    notifier = take_notifier({} if address is None else {"NOTIFY_SOCKET": address, "WATCHDOG_USEC": "1"})
    notifier.ready()
    notifier.status("at work")
    notifier.alive()
    notifier.stopping()
