"""Runs the command of a trial in the evaluating process."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from hpsearch.core.experiment import ObjectiveRef
from hpsearch.core.trial import Failure, FailureKind
from hpsearch.errors import LoadError
from hpsearch.objective.command.outcome import failure_of, report_in, result_in
from hpsearch.objective.command.template import Template, fill
from hpsearch.objective.current_trial import CurrentTrial, current_trial
from hpsearch.objective.evaluation import EvaluationFailedError
from hpsearch.runtime.parent_death import die_with_parent
from hpsearch.space.tree import Space

#: The longest part of a line that is read at once, in bytes.
_MAX_LINE = 1 << 20

#: Folder, below the one in which evaluations begin, of the folders ``{workdir}``.
_WORKDIRS = "hpsearch-trials"


@dataclass(frozen=True, slots=True)
class CommandObjective:
    """An objective that runs a command and returns the result that it prints or writes.

    Parameters
    ----------
    template : Template
        The command.
    config_template : str or None
        Text of the configuration file, with holes; by default the file is the configuration in JSON.
    space : Space
        The search space.
    """

    template: Template
    config_template: str | None
    space: Space

    @classmethod
    def of(cls, ref: ObjectiveRef, space: Space) -> CommandObjective:
        """Return the objective of an experiment.

        Parameters
        ----------
        ref : ObjectiveRef
            An objective of the kind ``COMMAND``.
        space : Space
            The search space.

        Raises
        ------
        LoadError
            If there is no such program on this machine.
        """
        check_program(ref.command[0])
        return cls(Template(ref.command, space.labels), ref.config_template, space)

    def __call__(self, config: Any) -> Any:
        """Run the command for a configuration.

        Raises
        ------
        EvaluationFailedError
            If it does not end with exit code 0, or gives no result.
        """
        trial = current_trial()
        with TemporaryDirectory(prefix="hpsearch-") as folder:
            files = Path(folder)
            values, environment = self._values(trial, files)
            self._write_config(files, config, values)
            returncode, last_line = _run(self.template.render(values), environment, trial)
            result = files / "result.json"
            content = result.read_bytes() if result.exists() else None
        returned = failure_of(returncode) or result_in(content, last_line)
        if isinstance(returned, Failure):
            raise EvaluationFailedError(returned)
        return _with_files(returned)

    def _values(self, trial: CurrentTrial, files: Path) -> tuple[dict[str, Any], dict[str, str]]:
        """Return the values of all holes, and the environment variables of a trial."""
        seed = hashlib.sha256(f"{trial.exp_key}/{trial.tid}".encode()).digest()
        reserved: dict[str, Any] = {
            "config": str(files / "config"),
            "tid": trial.tid,
            "attempt": trial.attempt,
            "seed": int.from_bytes(seed[:4], "big") >> 1,
        }
        if self.template.uses("workdir"):
            folder = Path.cwd() / _WORKDIRS / trial.exp_key / f"{trial.tid:06d}"
            folder.mkdir(parents=True, exist_ok=True)
            reserved["workdir"] = str(folder)
        environment = {f"HPSEARCH_{name.upper()}": str(value) for name, value in reserved.items()}
        environment["HPSEARCH_RESULT"] = str(files / "result.json")
        return {**self.space.params(trial.values), **reserved}, environment

    def _write_config(self, files: Path, config: Any, values: Mapping[str, Any]) -> None:
        if self.config_template is None:
            text = json.dumps(config, default=str)
        else:
            text = fill(self.config_template, self.space.labels, values)
        (files / "config").write_text(text, encoding="utf-8")


def check_program(program: str) -> None:
    """Check that a program can be run on this machine.

    Raises
    ------
    LoadError
        If it is not found.
    """
    if shutil.which(program) is None:
        raise LoadError(
            f"There is no program {program!r} on this machine; a command begins with its program."
        )


def _run(words: list[str], environment: Mapping[str, str], trial: CurrentTrial) -> tuple[int, bytes]:
    """Run a command; return its exit code and its last line, and pass on what it prints and reports."""
    last_line = b""
    with _deferred_sigterm():
        try:
            process = subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                env={**os.environ, **environment},
                # The worker ends this process and its group; a kill of this process alone ends the command.
                preexec_fn=partial(die_with_parent, os.getpid()),  # noqa: PLW1509 - this process has one thread
            )
        except OSError as error:
            message = f"{words[0]} cannot be started: {error.strerror}."
            raise EvaluationFailedError(Failure(kind=FailureKind.EXIT, message=message)) from error
        with process:
            assert process.stdout is not None
            for line in iter(partial(process.stdout.readline, _MAX_LINE), b""):
                _print(line)
                report = report_in(line)
                if report is not None:
                    trial.report(report.step, report.value)
                elif line.strip():
                    last_line = line
        return process.returncode, last_line


def _print(line: bytes) -> None:
    sys.stdout.flush()
    sys.stdout.buffer.write(line)
    sys.stdout.buffer.flush()


@contextmanager
def _deferred_sigterm() -> Iterator[None]:
    """Let SIGTERM end this process only after the block.

    The worker sends it to the whole group, and kills the group as soon as this process has ended; until then
    the command may save its work.
    """
    received: deque[int] = deque()

    def note(signum: int, frame: FrameType | None) -> None:
        received.append(signum)

    before = signal.signal(signal.SIGTERM, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if received:
            os.kill(os.getpid(), signal.SIGTERM)


def _with_files(returned: Any) -> Any:
    """Return a result whose attachments are the contents of the files that it names."""
    if not isinstance(returned, Mapping) or not isinstance(returned.get("attachments"), Mapping):
        return returned
    contents = {name: _content(file) for name, file in returned["attachments"].items()}
    return {**returned, "attachments": contents}


def _content(file: Any) -> Any:
    """Return the content of a file; if it cannot be read, what was given, which is reported as no bytes."""
    try:
        return Path(file).read_bytes()
    except (OSError, TypeError, ValueError):
        return file
