"""Every error that hpsearch raises on purpose, and what each one means.

::

    HpsearchError
    ├── SpaceError                  the search space, or a set of values for it, cannot be
    │   └── DuplicateLabelError     two different parameters share a label
    ├── SpaceExhaustedError         every point of a finite space was tried: the end of a search
    ├── LoadError                   an objective or a space cannot be loaded on this machine, or not be sent
    ├── ConfigurationError          this machine or this command is not set up for that
    │   ├── MissingExtraError       an optional package is not installed
    │   └── NoMongodError           no MongoDB server binary was found
    ├── BackupError                 a backup is damaged, or cannot be written, or be restored here
    ├── NotFoundError               no such experiment or trial
    ├── TooManyFailuresError        a worker failed so many trials in a row that it leaves
    ├── ExperimentMismatchError     the experiment exists with another space or objective
    ├── ExperimentAtWorkError       the experiment is not deleted while somebody is at work on it
    └── StoreError                  what the database says
        ├── StoreUnavailableError   it cannot be reached, or does not answer in time
        ├── StorePermissionError    it refuses this user
        ├── TrialExistsError        another coordinator wrote this trial
        ├── LeaseLostError          somebody else holds the trial now: a normal outcome
        ├── UnreadableError         a document was altered by hand, or written by a newer hpsearch
        └── TooLargeError           a document over MongoDB's limit

``HpsearchWarning`` is the category of every warning.
"""

from __future__ import annotations


class HpsearchError(Exception):
    """The root of the tree: its text is one sentence that a user can act on."""


class SpaceError(HpsearchError, ValueError):
    """The search space, or a set of values for it, cannot be."""


class DuplicateLabelError(SpaceError):
    """Two different parameters share a label."""


class SpaceExhaustedError(HpsearchError):
    """Every point of a finite space was tried or is being tried; the end of a search without repeats."""

    def __init__(self, n_points: int) -> None:
        super().__init__(f"All {n_points} points of the space were tried already, or are being tried.")


class LoadError(HpsearchError):
    """An objective or a space cannot be loaded on this machine, or not be sent to others."""


class ConfigurationError(HpsearchError):
    """The machine, or the command, is not set up for what was asked."""


class MissingExtraError(ConfigurationError):
    """An optional package is not installed."""

    def __init__(self, purpose: str, extra: str) -> None:
        super().__init__(f"{purpose} needs an optional package: install hpsearch[{extra}].")


class NoMongodError(ConfigurationError):
    """No MongoDB server binary was found on this machine."""


class BackupError(HpsearchError):
    """A backup is damaged, or cannot be written, or be restored here."""


class NotFoundError(HpsearchError):
    """There is no such experiment or trial."""


class TooManyFailuresError(HpsearchError):
    """A worker failed so many trials in a row that it had better not go on."""


class ExperimentMismatchError(HpsearchError):
    """The experiment exists already, with another space or objective; ``difference`` says which."""

    def __init__(self, difference: str, advice: str = "") -> None:
        super().__init__(f"{difference}; {advice}" if advice else difference)
        self.difference = difference


class ExperimentAtWorkError(HpsearchError):
    """The experiment is not deleted while a coordinator leads it or workers evaluate trials of it."""

    def __init__(
        self, exp_key: str, work: str = "a coordinator leads it, or workers evaluate trials of it"
    ) -> None:
        super().__init__(
            f"{exp_key} is at work: {work}. End it with `hpsearch stop {exp_key}` first, "
            "or delete it all the same with --force."
        )


class StoreError(HpsearchError):
    """The database refused or failed."""


class StoreUnavailableError(StoreError):
    """The database cannot be reached, or does not answer in time."""


class StorePermissionError(StoreError):
    """The database refuses this user."""


class TrialExistsError(StoreError):
    """Another coordinator already wrote a trial with this number."""

    def __init__(self, trial_id: str) -> None:
        super().__init__(f"Trial {trial_id} was already written by another coordinator.")


class LeaseLostError(StoreError):
    """Somebody else holds the trial now; a normal outcome for a worker."""

    def __init__(self, trial_id: str) -> None:
        super().__init__(f"The lease on trial {trial_id} was lost; its result belongs to another worker now.")


class UnreadableError(StoreError):
    """A document of the database was altered by hand, or written by a newer hpsearch."""


class TooLargeError(StoreError):
    """A document is over the size that MongoDB can hold."""


class HpsearchWarning(UserWarning):
    """Something legal that is probably not what was meant."""
