"""Hyperopt's exceptions, each with a sentence that says what is wrong, where, and what to do."""

from __future__ import annotations

from typing import Any

from hpsearch.errors import HpsearchError, SpaceError

__all__ = [
    "AllTrialsFailed",
    "BadSearchSpace",
    "DuplicateLabel",
    "InvalidAnnotatedParameter",
    "InvalidLoss",
    "InvalidResultStatus",
    "InvalidTrial",
]


class BadSearchSpace(SpaceError):
    """The search space cannot be."""


class DuplicateLabel(BadSearchSpace):
    """Two different parameters share a label."""


class InvalidTrial(ValueError):
    """A document is no trial; ``obj`` is the document."""

    def __init__(self, msg: str, obj: Any) -> None:
        super().__init__(msg)
        self.obj = obj


class InvalidResultStatus(ValueError):
    """The objective returned a status that there is not; ``result`` is what it returned."""

    def __init__(self, result: Any) -> None:
        super().__init__(
            f"The objective returned the status {result.get('status')!r}; "
            f"it must be 'ok' with a loss, or 'fail' (or 'new', 'running', 'suspended')."
        )
        self.result = result


class InvalidLoss(ValueError):
    """The objective returned the status "ok" without a number as its loss; ``result`` is what it returned."""

    def __init__(self, result: Any) -> None:
        loss = result.get("loss")
        what = "no loss" if "loss" not in result else f"the loss {loss!r} ({type(loss).__name__})"
        super().__init__(f"The objective returned the status 'ok' with {what}; that must be a number.")
        self.result = result


class AllTrialsFailed(HpsearchError):
    """No trial has a loss: there is no best one."""


class InvalidAnnotatedParameter(ValueError):
    """With ``space="annotated"``, an annotation of the objective is no ``hp`` object."""
