"""Make child processes import this package as ``hyperopt``, and find its worker under Hyperopt's command.

A temporary folder below ``HPSEARCH_HOME``, at the front of ``PATH`` and ``PYTHONPATH``, contains both. No
installed file changes, and the process removes its folder at exit. Child processes may outlive the folder and
still search there, so other users must not be able to create a folder of the same name.
"""

from __future__ import annotations

import atexit
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from hpsearch.runtime.user_data import home

#: Hyperopt's command for a worker, which libraries and job scripts start.
WORKER_COMMAND = "hyperopt-mongo-worker"

#: Signals that are passed on to the command.
_FORWARDED = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

_WORKER = """#!/bin/sh
exec {python} -P -m hpsearch.cli.mongo_worker "$@"
"""

#: The module ``hyperopt`` of child processes; without hpsearch, it imports the next one on the path.
_PACKAGE = """import importlib, pathlib, sys

del sys.modules["hyperopt"]
try:
    from hpsearch.hyperopt.engine.alias import alias_modules
except ImportError:
    here = pathlib.Path(__file__).resolve().parents[1]
    sys.path[:] = [entry for entry in sys.path if pathlib.Path(entry).resolve() != here]
    importlib.import_module("hyperopt")
else:
    alias_modules()
"""


def offer_to_children() -> None:
    """Make child processes import this package as ``hyperopt``, and find its worker."""
    folder = Path(tempfile.mkdtemp(prefix="hyperopt-", dir=home()))
    atexit.register(_remove, folder, os.getpid())
    modules, commands = folder / "modules", folder / "commands"
    (modules / "hyperopt").mkdir(parents=True)
    (modules / "hyperopt" / "__init__.py").write_text(_PACKAGE)
    commands.mkdir()
    command = commands / WORKER_COMMAND
    command.write_text(_WORKER.format(python=shlex.quote(sys.executable)))
    command.chmod(0o700)
    for variable, first in (("PATH", commands), ("PYTHONPATH", modules)):
        rest = os.environ.get(variable)
        os.environ[variable] = f"{first}{os.pathsep}{rest}" if rest else str(first)
    # Processes spawned by multiprocessing get sys.path instead of the variable. Its first entry stays: the
    # folder of the script's modules.
    sys.path.insert(1, str(modules))


def run_command(command: Sequence[str]) -> int:
    """Run a command, forward signals to it, and return its exit code."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []  # signals received before the command was started

    def forward(signum: int, frame: object) -> None:
        if child is None:
            early.append(signum)
        else:
            child.send_signal(signum)

    # The terminal sends SIGINT to both processes; the command handles it.
    for signum, handler in ((signal.SIGINT, _ignore), *((signum, forward) for signum in _FORWARDED)):
        if signal.getsignal(signum) is not signal.SIG_IGN:  # nohup ignores it for the command, too
            signal.signal(signum, handler)
    try:
        child = subprocess.Popen(command)
    except OSError as error:
        sys.stderr.write(f"{command[0]} cannot be run: {error.strerror}.\n")
        return 127 if isinstance(error, FileNotFoundError) else 126
    for missed in early:
        child.send_signal(missed)
    code = child.wait()
    return 128 - code if code < 0 else code


def _ignore(signum: int, frame: object) -> None:
    """Do nothing at a signal."""


def _remove(folder: Path, pid: int) -> None:
    """Remove the folder, unless this is a fork of the process that made it."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
