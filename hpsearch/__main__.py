"""``python -m hpsearch`` is the ``hpsearch`` command."""

import sys

if not sys.flags.safe_path:
    # Python puts the current folder first on the path; its modules must not shadow those of a library.
    sys.path.append(sys.path.pop(0))

from hpsearch.cli import main_of_process

main_of_process()
