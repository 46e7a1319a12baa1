"""The process that stops a private server after its last user has left or died.

``python -m hpsearch.mongod.auto_stop FOLDER LOCK [--remove]``: FOLDER is the server's folder,
LOCK the descriptor of the inherited file with the keeper's lock; ``--remove`` removes the
folder at the end.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from hpsearch.mongod.directory import Directory
from hpsearch.mongod.server import terminate


def keep(directory: Directory, lock: int, *, remove: bool) -> None:
    """Wait until the server has no users, then stop it unless it is pinned.

    Parameters
    ----------
    directory : Directory
        The server's folder.
    lock : int
        Descriptor of the file with the keeper's lock; closed at the end.
    remove : bool
        Whether to remove the folder.
    """
    while True:
        directory.wait_for_no_users()
        with directory.locked():
            if directory.has_users():  # one joined before we had the lock
                continue
            if not directory.pin.exists():
                terminate(directory)
                if remove:
                    shutil.rmtree(directory.root)
            # Before the other lock is released, so that the next user starts another keeper.
            os.close(lock)
            return


if __name__ == "__main__":
    if os.fork():  # the starter waits only for this parent process
        os._exit(0)
    keep(Directory(Path(sys.argv[1])), int(sys.argv[2]), remove="--remove" in sys.argv[3:])
