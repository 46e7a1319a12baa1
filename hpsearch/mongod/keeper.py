"""The process that ends a private server after its last user, however that one ended.

``python -m hpsearch.mongod.keeper FOLDER LOCK [--remove]``: FOLDER is the server's,
LOCK the number of the inherited file that holds the keeper's lock, and ``--remove``
asks for the folder to be removed in the end.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hpsearch.mongod.directory import Directory
from hpsearch.mongod.server import terminate


def keep(directory: Directory, lock: int, *, remove: bool) -> None:
    """Wait until nobody uses the server, then end it unless it is pinned.

    Parameters
    ----------
    directory : Directory
        The server's folder.
    lock : int
        Descriptor of the keeper's lock, closed at the end.
    remove : bool
        Whether the folder goes too.
    """
    while True:
        directory.wait_for_no_users()
        with directory.locked():
            if directory.has_users():  # one came before we had the lock
                continue
            if not directory.pin.exists():
                terminate(directory)
                if remove:
                    shutil.rmtree(directory.root)
            # Before the other lock is released: the next user must find either a keeper or none.
            os.close(lock)
            return


if __name__ == "__main__":
    if os.fork():  # the starter waits for this process, not for the keeper, which the system adopts
        os._exit(0)
    keep(Directory(Path(sys.argv[1])), int(sys.argv[2]), remove="--remove" in sys.argv[3:])
