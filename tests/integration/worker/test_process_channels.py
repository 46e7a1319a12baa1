"""Processes of an objective send events to their own user's worker only."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpsearch.objective.process_reports import SocketSender, UndeliveredError

_OTHER = 65534  # an unprivileged user

_LISTEN = """
import os, socket, sys
os.setuid(int(sys.argv[1]))
listener = socket.socket(socket.AF_UNIX)
listener.bind("")
listener.listen()
print(listener.getsockname()[1:].decode(), flush=True)
connection, _ = listener.accept()
connection.settimeout(20)
try:
    connection.send(b"1")
    received = b"".join(iter(lambda: connection.recv(4096), b""))
except OSError:
    received = b""
print(len(received), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs to be another user")
def test_nothing_is_sent_to_another_user_who_took_the_address_of_a_worker_that_ended() -> None:
    command = [sys.executable, "-c", _LISTEN, str(_OTHER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        send = SocketSender("@" + other.stdout.readline().strip(), 1)
        with pytest.raises(UndeliveredError):
            send("what an objective attaches")
        assert other.stdout.readline() == "0\n"
