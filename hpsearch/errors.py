"""The errors that hpsearch raises on purpose, with the exit code of a command that fails with each.

::

    HpsearchError                    1
    ├── SpaceError                  65  invalid search space or parameter values
    │   ├── DuplicateLabelError     65  two different parameters have the same label
    │   └── PredicateError          65  a condition on parameters cannot be read
    ├── SpaceExhaustedError          0  a search without repeats has tried every point
    ├── ResultError                 65  `tell` got no result, or another one than before
    ├── NoTrialError                75  no trial can be asked for at the moment
    ├── LoadError                   65  an objective or a space cannot be loaded here, or cannot be sent
    ├── BackupError                 65  a backup is damaged, or cannot be written or restored
    ├── ConfigurationError          78  this machine or this command is not set up for the request
    │   ├── MissingExtraError       78  an optional package is not installed
    │   └── NoMongodError           78  no MongoDB server program was found
    ├── ExperimentMismatchError     78  the experiment exists with another space or objective
    ├── NotFoundError                4  no such experiment or trial
    ├── ExperimentActiveError        2  the experiment has a coordinator or running trials
    ├── TargetUnavailableError      69  the tool to which a search is mirrored cannot be reached
    ├── TooManyFailuresError        70  a worker leaves after too many failed trials in a row
    └── StoreError                   1  the database refused or failed
        ├── StoreUnavailableError   69  the database cannot be reached, or does not answer in time
        ├── StorePermissionError    77  the database refuses this user
        ├── UnreadableError         65  a document was edited by hand, or written by a newer hpsearch
        ├── TrialExistsError         1  another coordinator wrote this trial
        ├── LeaseLostError           4  another worker holds the trial; a normal outcome for a worker
        └── TooLargeError            1  a document exceeds MongoDB's limit

Other exit codes: 0 success, 1 no trial succeeded, 2 wrong usage, 130 and 143 for an interrupted command.
``HpsearchWarning`` is the category of every warning.
"""

from __future__ import annotations

from typing import ClassVar


class HpsearchError(Exception):
    """The root of all errors; its text is one sentence that a user can act on."""

    exit_code: ClassVar[int] = 1  #: of a command that fails with this error


class SpaceError(HpsearchError, ValueError):
    """Invalid search space or parameter values."""

    exit_code = 65


class DuplicateLabelError(SpaceError):
    """Two different parameters have the same label."""


class PredicateError(SpaceError):
    """A condition on parameters cannot be read."""


class SpaceExhaustedError(HpsearchError):
    """A search without repeats has tried every point of a finite space, or is trying the last ones."""

    exit_code = 0

    def __init__(self, n_points: int) -> None:
        super().__init__(f"All {n_points} points of the space have been tried or are running.")


class ResultError(HpsearchError, ValueError):
    """``tell`` got no result, or another one than before."""

    exit_code = 65


class NoTrialError(HpsearchError):
    """No trial can be asked for at the moment: the search is paused, or all open trials are running."""

    exit_code = 75


class LoadError(HpsearchError):
    """An objective or a space cannot be loaded on this machine, or cannot be sent to others."""

    exit_code = 65


class BackupError(HpsearchError):
    """A backup is damaged, or cannot be written or restored."""

    exit_code = 65


class ConfigurationError(HpsearchError):
    """The machine or the command is not set up for the request."""

    exit_code = 78


class MissingExtraError(ConfigurationError):
    """An optional package is not installed.

    Parameters
    ----------
    purpose : str
        What needs the package; begins the sentence.
    extra : str
        The extra of hpsearch that installs it.
    """

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional package: install hpsearch[{extra}].")


class NoMongodError(ConfigurationError):
    """No MongoDB server program was found on this machine."""


class ExperimentMismatchError(HpsearchError):
    """The experiment exists with another space or objective.

    Parameters
    ----------
    difference : str
        What differs.
    advice : str
        What to do about it.
    """

    exit_code = 78

    def __init__(self, difference: str, advice: str = "") -> None:
        super().__init__(f"{difference}; {advice}" if advice else difference)
        self.difference = difference


class NotFoundError(HpsearchError):
    """There is no such experiment or trial."""

    exit_code = 4


class TargetUnavailableError(HpsearchError):
    """The tool to which ``hpsearch mirror`` copies a search cannot be reached, or does not accept it."""

    exit_code = 69


class ExperimentActiveError(HpsearchError):
    """The experiment cannot be deleted while it has a coordinator or running trials.

    Parameters
    ----------
    exp_key : str
        Name of the experiment.
    work : str
        Who works on it.
    """

    exit_code = 2

    def __init__(
        self, exp_key: str, work: str = "a coordinator leads it, or workers evaluate trials of it"
    ) -> None:
        super().__init__(
            f"{exp_key} is at work: {work}. End it with `hpsearch stop {exp_key}` first, "
            "or delete it anyway with --force."
        )


class TooManyFailuresError(HpsearchError):
    """A worker leaves after too many failed trials in a row."""

    exit_code = 70


class StoreError(HpsearchError):
    """The database refused or failed."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached, or does not answer in time."""

    exit_code = 69


class StorePermissionError(StoreError):
    """The database refuses this user."""

    exit_code = 77


class UnreadableError(StoreError):
    """A document of the database was edited by hand, or written by a newer hpsearch."""

    exit_code = 65


class TrialExistsError(StoreError):
    """Another coordinator already wrote a trial with this number."""

    def __init__(self, trial_id: str) -> None:
        super().__init__(f"Trial {trial_id} was already written by another coordinator.")


class LeaseLostError(StoreError):
    """Another worker holds the trial now; a normal outcome for a worker."""

    exit_code = 4

    def __init__(self, trial_id: str) -> None:
        super().__init__(f"The lease on trial {trial_id} was lost; its result belongs to another worker now.")


class TooLargeError(StoreError):
    """A document exceeds the size that MongoDB can hold."""


class HpsearchWarning(UserWarning):
    """Something legal that is probably a mistake."""
