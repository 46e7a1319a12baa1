"""``python -m hpsearch``: the same as the ``hpsearch`` command."""

import sys

if not sys.flags.safe_path:
    # Python put the current folder in front: no module in it may take the place of one of the library's.
    sys.path.append(sys.path.pop(0))

from hpsearch.cli import main_of_process

main_of_process()
