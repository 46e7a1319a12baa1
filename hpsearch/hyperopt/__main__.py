"""``python -m hpsearch.hyperopt script.py args...``: run an unchanged Hyperopt script."""

from __future__ import annotations

import os
import runpy
import sys
import traceback
from collections.abc import Callable
from pathlib import Path

from hpsearch.errors import HpsearchError
from hpsearch.hyperopt.engine.alias import install
from hpsearch.hyperopt.engine.child_processes import offer_to_children, run_command

_USAGE = """usage: python -m hpsearch.hyperopt SCRIPT [ARGUMENT...]
       python -m hpsearch.hyperopt -m MODULE [ARGUMENT...]
       python -m hpsearch.hyperopt --as-hyperopt COMMAND [ARGUMENT...]

Runs a Python script or module that imports hyperopt with hpsearch in its place. --as-hyperopt runs any
command; Python processes that it starts import hpsearch as hyperopt, and hyperopt-mongo-worker is the
worker of hpsearch.
"""


def main() -> None:
    """Run the script, module or command of the command line."""
    match sys.argv[1:]:
        case [] | ["-h" | "--help", *_]:
            stream, code = (sys.stdout, 0) if len(sys.argv) > 1 else (sys.stderr, 2)
            stream.write(_USAGE)
            sys.exit(code)
        case ["--as-hyperopt", command, *arguments]:
            try:
                offer_to_children()
            except HpsearchError as error:
                sys.stderr.write(f"hpsearch: {error}\n")
                sys.exit(error.exit_code)
            sys.exit(run_command([command, *arguments]))
        case ["--as-hyperopt"]:
            sys.stderr.write(_USAGE)
            sys.exit(2)
        case ["-m", module, *arguments]:
            install()
            sys.argv = [module, *arguments]
            _run(lambda: runpy.run_module(module, run_name="__main__", alter_sys=True))
        case [script, *arguments]:
            if not Path(script).exists():
                sys.stderr.write(f"No such script: {script!r}.\n")
                sys.exit(2)
            install()
            sys.argv = [script, *arguments]
            # Python looks for the script's own modules in the first entry.
            sys.path[0] = str(Path(script).resolve().parent)
            _run(lambda: runpy.run_path(script, run_name="__main__"))


def _run(script: Callable[[], object]) -> None:
    """Run a script; print an uncaught error of hpsearch in one line with the place in the script."""
    try:
        script()
    except HpsearchError as error:
        if os.environ.get("HPSEARCH_DEBUG"):
            raise
        frames = traceback.extract_tb(error.__traceback__)
        own = next(f for f in frames if f.filename != __file__ and "runpy" not in f.filename)
        sys.stderr.write(f"hpsearch: {error} ({Path(own.filename).name}, line {own.lineno})\n")
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
