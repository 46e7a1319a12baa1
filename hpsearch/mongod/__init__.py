"""A private MongoDB server for searches, demos and tests on one Linux machine.

A folder, by default under ``home()``, identifies a server. Everybody who uses the
server holds a shared lock on the file ``users`` in that folder; the kernel drops the
lock when a process ends, even by ``kill -9``. A keeper process waits for the exclusive
lock, which it gets when the last user is gone, and ends the server. Joining, starting
and ending happen under the lock ``lock``, so that nobody joins a server that is ending
and only one of several starters starts. ``hpsearch db start`` pins the server: the
keeper then leaves it running.

The server listens on the loopback address only, wants a password, and is a replica set
of one member, because retried writes, ``majority`` and change streams need one.
"""

from hpsearch.mongod.binary import find_mongod
from hpsearch.mongod.directory import home
from hpsearch.mongod.sharing import (
    MongodStatus,
    PrivateMongod,
    ephemeral_mongod,
    private_mongod,
    start_pinned,
    status,
    stop,
)

__all__ = [
    "MongodStatus",
    "PrivateMongod",
    "ephemeral_mongod",
    "find_mongod",
    "home",
    "private_mongod",
    "start_pinned",
    "status",
    "stop",
]
