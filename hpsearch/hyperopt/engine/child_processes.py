"""Child processes of a script: they find our package under Hyperopt's name, and its worker as a command.

A folder below ``HPSEARCH_HOME`` holds both, in front of the variables ``PATH`` and ``PYTHONPATH``. Nothing
that is installed changes, and the folder goes with the process that made it. Processes that outlive it
still look there, so it is not where another user of the machine could make one of the same name.
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

from hpsearch.mongod.directory import home

#: The command by which libraries and job scripts start Hyperopt's worker.
WORKER_COMMAND = "hyperopt-mongo-worker"

#: Signals of job scripts that are meant for the command.
_HANDED_ON = (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2)

_WORKER = """#!/bin/sh
exec {python} -P -m hpsearch.cli.mongo_worker "$@"
"""

#: What ``import hyperopt`` runs in a child. A Python that does not have hpsearch looks further.
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
    """Let the processes that this one starts import our package as ``hyperopt``, and run its worker."""
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
    # A process that multiprocessing spawns gets this list instead of the variable. The first entry
    # stays: it is where Python looks for the script's own modules.
    sys.path.insert(1, str(modules))


def run_command(command: Sequence[str]) -> int:
    """Run a command to its end, hand on the signals that this process gets, and return its exit code."""
    child: subprocess.Popen[bytes] | None = None
    early: list[int] = []  # signals that came while the command was being started

    def hand_on(signum: int, frame: object) -> None:
        if child is None:
            early.append(signum)
        else:
            child.send_signal(signum)

    # The terminal sends SIGINT to both: only the command decides what it means.
    for signum, handler in ((signal.SIGINT, _wait_on), *((signum, hand_on) for signum in _HANDED_ON)):
        if signal.getsignal(signum) is not signal.SIG_IGN:  # as nohup wants it, for the command, too
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


def _wait_on(signum: int, frame: object) -> None:
    """Do nothing at a signal."""


def _remove(folder: Path, pid: int) -> None:
    """Remove the folder, unless this is a fork of the process that made it."""
    if os.getpid() == pid:
        shutil.rmtree(folder, ignore_errors=True)
