"""Who may take the place of the worker that processes of an objective speak to."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from hpsearch.objective.process_reports import Caller, UnheardError

_OTHER = 65534  # nobody

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
    said = b"".join(iter(lambda: connection.recv(4096), b""))
except OSError:
    said = b""
print(len(said), flush=True)
"""


@pytest.mark.skipif(sys.platform != "linux" or os.geteuid() != 0, reason="needs to be another user")
def test_nothing_is_said_to_another_user_who_took_the_address_of_a_worker_that_ended():
    command = [sys.executable, "-c", _LISTEN, str(_OTHER)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        caller = Caller("@" + other.stdout.readline().strip(), 1)
        with pytest.raises(UnheardError):
            caller("what an objective attaches")
        assert other.stdout.readline() == "0\n"
