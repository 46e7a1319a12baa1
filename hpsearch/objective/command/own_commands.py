"""The searches of commands that a user began on this machine.

A stored command is code that comes out of the database. A worker without ``--allow`` runs only those that its
own user began here: ``run`` and ``coordinator`` leave a mark in the folder for the user's data.
"""

from __future__ import annotations

import hashlib
import json

from hpsearch.core.experiment import COMMAND, Experiment
from hpsearch.errors import LoadError
from hpsearch.runtime.private_files import write_private
from hpsearch.runtime.private_folders import private_folder
from hpsearch.runtime.user_data import home, home_path

#: The folder of the marks, below that for the user's data.
_FOLDER = "commands"


def note_own_command(experiment: Experiment) -> None:
    """Note that this user began, or joined, a search on this machine, if its objective is a command.

    Raises
    ------
    ConfigurationError
        If the folder for the user's data cannot be used.
    """
    if experiment.objective.kind != COMMAND:
        return
    folder = private_folder(home() / _FOLDER)
    write_private(folder / _mark(experiment), experiment.objective.ref + "\n")


def check_own_command(experiment: Experiment) -> None:
    """Check that this user began a search of a command on this machine.

    Raises
    ------
    LoadError
        If not.
    """
    if not (home_path() / _FOLDER / _mark(experiment)).exists():
        raise LoadError(
            f"{experiment.exp_key} runs a command that was not begun by this user on this machine: "
            f"{experiment.objective.ref}. Allow it with --allow 'command:...', where * is any text."
        )


def _mark(experiment: Experiment) -> str:
    """Return the name of the mark of an experiment; another command, or a re-created search, has another."""
    objective = experiment.objective
    identity = [experiment.exp_key, str(experiment.created_at), objective.command, objective.config_template]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()
