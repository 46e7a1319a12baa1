"""Call the objective once, and turn whatever it returns or raises into a ``Result``."""

from __future__ import annotations

import time
import traceback
import warnings
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from hpsearch.errors import HpsearchWarning
from hpsearch.objective import Objective
from hpsearch.space.tree import Values
from hpsearch.storable import storable
from hpsearch.trial import Failure, FailureKind, Report, Result
from hpsearch.wording import reason, shown

STATUS_OK = "ok"
STATUS_FAIL = "fail"

#: Reports one trial keeps; they live in its document, which is limited.
MAX_REPORTS = 10_000

#: Attachments that cannot be kept which are named.
_MOST_PROBLEMS = 20

#: Characters of a traceback or a message that are kept.
_MAX_TEXT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes that an objective wants kept beside its trial."""

    name: str
    data: bytes = field(repr=False)


@dataclass(slots=True)
class CurrentTrial:
    """The trial under evaluation, for an objective that wants to speak before it returns."""

    exp_key: str = ""  #: the experiment
    tid: int = -1  #: the number of the trial; -1 outside a search
    attempt: int = 1  #: 1 at first; more when earlier attempts were lost
    values: Values = field(default_factory=dict)  #: raw values by label, read-only: of a choice, the index
    on_report: Callable[[Report], None] | None = field(default=None, repr=False)
    on_attach: Callable[[Attachment], None] | None = field(default=None, repr=False)
    _n_reports: int = field(default=0, repr=False)

    def report(self, step: float, value: float) -> None:
        """Record an intermediate value, such as the validation loss after an epoch.

        Parameters
        ----------
        step : float
            Position: epoch, fold, batch, ...
        value : float
            What was measured there. Outside a search nothing is kept.

        Raises
        ------
        TypeError
            If either is not a number.
        """
        report = Report(step=_number(step, "step"), value=_number(value, "value"))
        self._n_reports += 1
        if self._n_reports == MAX_REPORTS + 1:
            text = f"A trial keeps {MAX_REPORTS} reports; later ones of trial {self.tid} are dropped."
            warnings.warn(text, HpsearchWarning, stacklevel=2)
        if self.on_report is not None and self._n_reports <= MAX_REPORTS:
            self.on_report(report)

    def attach(self, name: str, data: bytes) -> None:
        """Keep bytes beside the trial, such as a trained model; stored once the evaluation has ended.

        Parameters
        ----------
        name : str
            What to find them under; what was attached under that name before is replaced.
        data : bytes
            Of any size that fits into memory. Outside a search nothing is kept.

        Raises
        ------
        TypeError
            If the name is not text or the data are not bytes.
        """
        problem = _not_attachable(name, data)
        if problem is not None:
            raise TypeError(f"attach() keeps bytes under a name; {problem}")
        if self.on_attach is not None:
            self.on_attach(Attachment(name, bytes(data)))


_current: ContextVar[CurrentTrial | None] = ContextVar("hpsearch_current_trial", default=None)


def current_trial() -> CurrentTrial:
    """Return the trial under evaluation.

    Outside a search it is a stand-in whose reports go nowhere, so that an objective can
    be called by hand.
    """
    return _current.get() or CurrentTrial()


def evaluate(
    objective: Objective,
    make_config: Callable[[], Any],
    trial: CurrentTrial,
    passes: tuple[type[BaseException], ...] = (),
) -> Result:
    """Evaluate one configuration; raises nothing that the objective does.

    Parameters
    ----------
    objective : callable
        Takes the configuration; returns a number, or a mapping with ``loss`` and,
        optionally, ``status`` and anything else. A mapping under ``attachments``, from names to
        bytes, is not part of the result: it goes the way of ``CurrentTrial.attach``.
    make_config : callable
        Returns what the objective receives; if it raises, the trial fails, too.
    trial : CurrentTrial
        What ``current_trial()`` returns meanwhile. Whatever the objective leaves running
        can report nothing more to it afterwards.
    passes : tuple of exception classes
        Exceptions that are the caller's own way to interrupt the objective: they pass through.
    """
    token = _current.set(trial)
    started = time.perf_counter()
    try:
        # What was returned is a stranger's object: also reading it may raise anything.
        returned, problems = _parted(objective(make_config()), trial)
        result = read_result(returned).telling(problems)
    except passes:
        raise
    except SystemExit as error:
        result = _failed(FailureKind.EXIT, f"The objective called sys.exit({shown(error.code)}).", error)
    except BaseException as error:  # noqa: BLE001 - whatever a user's code raises is a result
        result = _failed(FailureKind.EXCEPTION, _message_of(error), error)
    finally:
        _current.reset(token)
        trial.on_report = trial.on_attach = None
    return replace(result, duration_s=time.perf_counter() - started)


def read_result(returned: Any) -> Result:
    """Turn what an objective returned into a result, without its duration."""
    if not isinstance(returned, Mapping):
        loss = _loss(returned)
        if loss is None:
            return _invalid(
                f"The objective returned {_typed(returned)}, not a number or a mapping with a loss."
            )
        return _with_loss(loss, {})
    status = returned.get("status", STATUS_OK if "loss" in returned else None)
    if status == STATUS_FAIL:
        kept, problems = storable(returned)
        told = kept.get("message") or kept.get("error") or "The objective returned the status 'fail'."
        message = " ".join([str(told)[:_MAX_TEXT], *problems])
        return Result(loss=None, result=kept, error=Failure(kind=FailureKind.REPORTED, message=message))
    if status != STATUS_OK:
        return _invalid(
            f"The objective returned the status {_typed(status)}; it must be 'ok' or 'fail'.", returned
        )
    loss = _loss(returned.get("loss"))
    if loss is None:
        problem = f"The objective returned the loss {_typed(returned.get('loss'))}, which is not a number."
        return _invalid(problem, returned)
    return _with_loss(loss, returned)


def _parted(returned: Any, trial: CurrentTrial) -> tuple[Any, list[str]]:
    """Take the attachments out of what was returned; say in a sentence each what cannot be one."""
    if not isinstance(returned, Mapping) or not isinstance(returned.get("attachments"), Mapping):
        return returned, []
    problems = []
    try:
        for name, data in returned["attachments"].items():
            problem = _not_attachable(name, data)
            if problem is None:
                trial.attach(name, data)
            else:
                problems.append(problem)
    except Exception as error:  # noqa: BLE001 - a stranger's mapping; the loss is not to suffer from it
        problems.append(f"it cannot be read ({reason(error)})")
    told = [f"result['attachments'] was not kept whole: {problem}." for problem in problems[:_MOST_PROBLEMS]]
    return {key: value for key, value in returned.items() if key != "attachments"}, told


def _not_attachable(name: Any, data: Any) -> str | None:
    if not isinstance(name, str):
        return f"the name {_typed(name)} is not text"
    if not isinstance(data, bytes | bytearray | memoryview):
        return f"{shown(name)} is {_typed(data)}, not bytes"
    return None


def _with_loss(loss: float, returned: Mapping[Any, Any]) -> Result:
    rest, problems = storable(returned)
    kept = {**rest, "loss": loss, "status": STATUS_OK}
    if np.isnan(loss):
        message = " ".join(["The loss is not a number (NaN).", *problems])
        return Result(loss=None, result=kept, error=Failure(kind=FailureKind.NAN, message=message))
    error = Failure(kind=FailureKind.UNSTORABLE, message=" ".join(problems)) if problems else None
    return Result(loss=loss, result=kept, error=error)


def _invalid(message: str, returned: Mapping[Any, Any] | None = None) -> Result:
    kept, problems = storable(returned or {})
    failure = Failure(kind=FailureKind.INVALID_RESULT, message=" ".join([message, *problems]))
    return Result(loss=None, result=kept, error=failure)


def _failed(kind: FailureKind, message: str, error: BaseException) -> Result:
    """Keep the traceback from the objective's own frame on."""
    frames = error.__traceback__.tb_next if error.__traceback__ else None
    lines = traceback.format_exception(type(error), error, frames)
    name = f"{type(error).__module__}.{type(error).__qualname__}".removeprefix("builtins.")
    return Result(
        loss=None,
        error=Failure(
            kind=kind,
            type=name,
            message=message[:_MAX_TEXT],
            traceback="".join(lines)[-_MAX_TEXT:],
        ),
    )


def _message_of(error: BaseException) -> str:
    try:
        return str(error) or type(error).__name__
    except BaseException:  # noqa: BLE001 - a broken __str__ must not cost the trial its record
        return f"{type(error).__name__}, whose text cannot be printed"


def _loss(value: Any) -> float | None:
    """Return a real number as a float, None for anything else; text is no number."""
    if isinstance(value, str | bytes | bytearray | complex | np.complexfloating | Mapping):
        return None
    if isinstance(value, np.ndarray) and (value.ndim > 0 or value.dtype.kind not in "biuf"):
        return None
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
    except Exception:  # noqa: BLE001 - a foreign __float__ may raise anything
        return None


def _number(value: Any, name: str) -> float:
    number = _loss(value)
    if number is None:
        raise TypeError(f"report() takes numbers; {name} is {_typed(value)}")
    return number


def _typed(value: Any) -> str:
    return "None" if value is None else f"{shown(value)} ({type(value).__name__})"
