"""A private MongoDB server for searches, demos and tests on one Linux machine.

A folder, by default under ``home()``, identifies a server. Each process that uses the
server holds a shared lock on the file ``users`` in that folder; the kernel releases the
lock when a process ends, even by ``kill -9``. A keeper process waits for the exclusive
lock, which it gets when the last user has left, and stops the server. Joining, starting
and stopping require the lock ``lock``, so that no process joins a server that is stopping
and only one process starts it. ``hpsearch db start`` pins the server: the keeper then
leaves it running.

The server listens only on the loopback address, requires a password, and is a replica set
of one member, because retryable writes, ``majority`` and change streams need one.
"""

from hpsearch.mongod.binary import find_mongod, find_mongosh
from hpsearch.mongod.sharing import (
    MongodStatus,
    PrivateMongod,
    ephemeral_mongod,
    private_mongod,
    start_pinned,
    status,
    stop,
)
from hpsearch.runtime.user_data import home

__all__ = [
    "MongodStatus",
    "PrivateMongod",
    "ephemeral_mongod",
    "find_mongod",
    "find_mongosh",
    "home",
    "private_mongod",
    "start_pinned",
    "status",
    "stop",
]
