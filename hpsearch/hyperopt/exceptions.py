"""Hyperopt's exceptions; each message says what is wrong, where, and what to do."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import HpsearchError, SpaceError

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "DuplicateLabel",
    "InvalidAnnotatedParameter",
    "InvalidLoss",
    "InvalidOutcome",
    "InvalidResultStatus",
    "InvalidTrial",
]


class BadSearchSpace(SpaceError):
    """The search space is invalid."""


class DuplicateLabel(BadSearchSpace):
    """Two different parameters share a label."""


class InvalidTrial(ValueError):
    """A document is not a valid trial.

    Parameters
    ----------
    msg : str
        What is wrong.
    obj : any
        The document.
    """

    def __init__(self, msg: str, obj: Any) -> None:
        super().__init__(msg)
        self.obj = obj


class InvalidResultStatus(ValueError):
    """The objective returned an unknown status; ``result`` is the returned dict."""

    def __init__(self, result: Any) -> None:
        super().__init__(
            f"The objective returned the status {result.get('status')!r}; "
            f"it must be 'ok' with a loss, or 'fail' (or 'new', 'running', 'suspended')."
        )
        self.result = result


class InvalidLoss(ValueError):
    """The objective returned status "ok" without a numeric loss; ``result`` is the returned dict."""

    def __init__(self, result: Any) -> None:
        loss = result.get("loss")
        what = "no loss" if "loss" not in result else f"the loss {loss!r} ({type(loss).__name__})"
        super().__init__(f"The objective returned the status 'ok' with {what}; that must be a number.")
        self.result = result


class InvalidOutcome(ValueError):
    """The objective returned no number for an objective or a limit of the search.

    Parameters
    ----------
    msg : str
        What is wrong.
    result : any
        What it returned.
    """

    def __init__(self, msg: str, result: Any) -> None:
        super().__init__(msg)
        self.result = result


class AllTrialsFailed(HpsearchError):
    """No trial has a loss, so there is no best trial."""


class InvalidAnnotatedParameter(ValueError):
    """With ``space="annotated"``, an annotation of the objective is not an ``hp`` object."""
