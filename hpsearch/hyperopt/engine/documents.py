"""The format of Hyperopt's documents: one nested dict for each trial.

A document holds raw values as ``misc["vals"][label] == [value]`` and
``misc["idxs"][label] == [tid]``, both empty for an inactive parameter.
"""

from __future__ import annotations

import datetime
import math
import numbers
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from hpsearch.hyperopt.exceptions import InvalidTrial
from hpsearch.objective.evaluation import STATUS_FAIL, STATUS_OK

Doc = dict[str, Any]
Idxs = dict[str, list[Any]]

STATUS_NEW = "new"
STATUS_RUNNING = "running"
STATUS_SUSPENDED = "suspended"
STATUS_STRINGS = (STATUS_NEW, STATUS_RUNNING, STATUS_SUSPENDED, STATUS_OK, STATUS_FAIL)

JOB_STATE_NEW = 0
JOB_STATE_RUNNING = 1
JOB_STATE_DONE = 2
JOB_STATE_ERROR = 3
JOB_STATE_CANCEL = 4
JOB_STATES = [JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL]
#: States of the documents in ``Trials.trials``.
JOB_VALID_STATES = {JOB_STATE_NEW, JOB_STATE_RUNNING, JOB_STATE_DONE}
#: Final states.
FINAL_STATES = frozenset({JOB_STATE_DONE, JOB_STATE_ERROR, JOB_STATE_CANCEL})

TRIAL_KEYS = ["tid", "spec", "result", "misc", "state", "owner", "book_time", "refresh_time", "exp_key"]
TRIAL_MISC_KEYS = ["tid", "cmd", "idxs", "vals"]

#: Types that ``SONify`` returns unchanged.
_PLAIN = frozenset({str, int, float, bool, type(None)})

#: Types that it converts; a tuple, since a union would be made at each call.
_NUMPY = (np.generic, np.ndarray)

#: The command in a document that means: evaluate the objective of this ``fmin``.
DOMAIN_CMD = ("domain_attachment", "FMinIter_Domain")


def new_doc(tid: Any, spec: Any, result: Mapping[str, Any], misc: Mapping[str, Any], exp_key: Any) -> Doc:
    """Return the document of a new trial.

    Parameters
    ----------
    tid : int or str
        Its number.
    spec : any
        None, except in foreign documents.
    result : dict
        The result so far, usually ``{"status": "new"}``.
    misc : dict
        See ``new_misc``.
    exp_key : any
        Key of the trials that it belongs to.
    """
    return {
        "state": JOB_STATE_NEW,
        "tid": tid,
        "spec": spec,
        "result": result,
        "misc": misc,
        "exp_key": exp_key,
        "owner": None,
        "version": 0,
        "book_time": None,
        "refresh_time": None,
    }


def new_misc(
    tid: Any,
    values: Mapping[str, Any],
    labels: Iterable[str],
    cmd: Any = DOMAIN_CMD,
    workdir: Any = None,
) -> Doc:
    """Return the part of a document that describes its point.

    Parameters
    ----------
    tid : int or str
        Number of the trial.
    values : mapping
        Raw values of the active parameters by label.
    labels : iterable of str
        Labels of all parameters.
    cmd, workdir : any
        Stored for libraries that evaluate documents themselves.
    """
    labels = list(labels)
    return {
        "tid": tid,
        "cmd": cmd,
        "workdir": workdir,
        "idxs": {label: [tid] if label in values else [] for label in labels},
        "vals": {label: [values[label]] if label in values else [] for label in labels},
    }


def spec_from_misc(misc: Mapping[str, Any]) -> Doc:
    """Return the raw values of the active parameters by label.

    Raises
    ------
    NotImplementedError
        If a parameter has more than one value.
    """
    spec = {}
    for label, values in misc["vals"].items():
        if len(values) > 1:
            raise NotImplementedError(f"The parameter {label!r} has {len(values)} values; a trial has one.")
        if len(values) == 1:
            spec[label] = values[0]
    return spec


def miscs_to_idxs_vals(
    miscs: Sequence[Mapping[str, Any]], keys: Iterable[str] | None = None
) -> tuple[Idxs, Idxs]:
    """Return, by label, the trials in which a parameter was active, and its values in them.

    Parameters
    ----------
    miscs : sequence of dict
        This part of each document.
    keys : iterable of str, optional
        Labels; by default those of the first document.

    Raises
    ------
    ValueError
        If there are neither trials nor labels.
    """
    if keys is None:
        if not miscs:
            raise ValueError("There are no trials yet, so there are no parameters to list.")
        keys = miscs[0]["idxs"]
    idxs: Idxs = {key: [] for key in keys}
    vals: Idxs = {key: [] for key in idxs}
    for misc in miscs:
        for label in idxs:
            idxs[label] += misc["idxs"].get(label, ())
            vals[label] += misc["vals"].get(label, ())
    return idxs, vals


def miscs_update_idxs_vals(
    miscs: Sequence[Doc],
    idxs: Mapping[str, Sequence[Any]],
    vals: Mapping[str, Sequence[Any]],
    assert_all_vals_used: bool = True,
    idxs_map: Mapping[Any, Any] | None = None,
) -> Sequence[Doc]:
    """Write values listed by label into the ``misc`` parts of documents.

    Parameters
    ----------
    miscs : sequence of dict
        With a ``tid`` each; changed in place and returned.
    idxs, vals : mapping from label to sequence
        The tids in which each parameter is active, and its values in them.
    assert_all_vals_used : bool
        Whether a tid that is in no ``misc`` is an error.
    idxs_map : mapping, optional
        From tids in ``idxs`` to different tids in ``miscs``.

    Raises
    ------
    ValueError
        If ``idxs`` and ``vals`` have different labels, or a tid is unknown.
    """
    if set(idxs) != set(vals):
        raise ValueError(f"idxs and vals differ in the labels {sorted(set(idxs) ^ set(vals))}.")
    by_tid = {misc["tid"]: misc for misc in miscs}
    for misc in miscs:
        misc["idxs"] = {label: [] for label in idxs}
        misc["vals"] = {label: [] for label in idxs}
    for label in idxs:
        for tid, value in zip(idxs[label], vals[label], strict=True):
            target = (idxs_map or {}).get(tid, tid)
            if target in by_tid:
                by_tid[target]["idxs"][label] = [target]
                by_tid[target]["vals"][label] = [value]
            elif assert_all_vals_used:
                raise ValueError(f"The parameter {label!r} has a value for the unknown trial {target!r}.")
    return miscs


def SONify(value: Any) -> Any:  # noqa: N802 - libraries call this name
    """Convert NumPy scalars to numbers and arrays to lists, also within containers."""
    kind = type(value)
    if kind in _PLAIN:
        return value
    if kind is list:
        return [item if type(item) in _PLAIN else SONify(item) for item in value]
    if kind is dict:
        return {
            key if type(key) is str else SONify(key): item if type(item) in _PLAIN else SONify(item)
            for key, item in value.items()
        }
    if kind is tuple:
        return tuple(map(SONify, value))
    if isinstance(value, _NUMPY):
        return value.tolist()
    return SONify(dict(value)) if isinstance(value, Mapping) else value


def checked_doc(doc: Any) -> Doc:
    """Return a document if it has the format of a trial.

    Raises
    ------
    InvalidTrial
        If a part is missing or wrong; the message names it.
    """
    if not isinstance(doc, dict):
        raise InvalidTrial(f"A trial must be a dict, but it is a {type(doc).__name__}.", doc)
    for key in TRIAL_KEYS:
        if key not in doc:
            raise InvalidTrial(f"The document of a trial lacks the key {key!r}.", doc)
    if not isinstance(doc["misc"], Mapping):
        raise InvalidTrial(f"The part 'misc' of trial {doc['tid']!r} is not a dict.", doc)
    for key in TRIAL_MISC_KEYS:
        if key not in doc["misc"]:
            raise InvalidTrial(f"The part 'misc' of trial {doc['tid']!r} lacks the key {key!r}.", doc)
    if doc["tid"] != doc["misc"]["tid"]:
        raise InvalidTrial(f"Trial {doc['tid']!r} has another tid in 'misc': {doc['misc']['tid']!r}.", doc)
    if doc["state"] not in JOB_STATES:
        raise InvalidTrial(f"Trial {doc['tid']!r} has the unknown state {doc['state']!r}.", doc)
    if not (_is_listed(doc["misc"]["idxs"]) and _is_listed(doc["misc"]["vals"])):
        raise InvalidTrial(f"'idxs' and 'vals' of trial {doc['tid']!r} are not dicts of lists.", doc)
    if set(doc["misc"]["idxs"]) != set(doc["misc"]["vals"]):
        raise InvalidTrial(f"Trial {doc['tid']!r} has other labels in 'idxs' than in 'vals'.", doc)
    return doc


def coarse_utcnow() -> datetime.datetime:
    """Return the current UTC time to the millisecond, as a naive datetime."""
    now = datetime.datetime.now(datetime.UTC).replace(tzinfo=None)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)


def is_ok(doc: Doc) -> bool:
    """Whether a trial is done with the status "ok" and a loss that is not NaN."""
    result = doc["result"]
    if doc["state"] != JOB_STATE_DONE or result.get("status") != STATUS_OK:
        return False
    loss = result.get("loss")
    return loss is not None and not math.isnan(float(loss))


def why_no_loss(docs: Iterable[Doc]) -> str:
    """Return why none of some trials has a loss: counts of each cause, and the last error."""
    docs = list(docs)
    errors = [doc for doc in docs if doc["state"] == JOB_STATE_ERROR]
    done = [doc["result"] for doc in docs if doc["state"] == JOB_STATE_DONE]
    cancelled = [doc for doc in docs if doc["state"] == JOB_STATE_CANCEL]
    n_open = len(docs) - len(errors) - len(done) - len(cancelled)
    n_failed = sum(result.get("status") == STATUS_FAIL for result in done)
    n_nan = sum(result.get("status") == STATUS_OK for result in done)
    text = (
        f"None of {len(docs)} trials has a loss: {len(errors)} raised, "
        f"{n_failed} returned the status 'fail', {n_nan} the loss NaN, "
        f"{n_open} are not finished."
    )
    if cancelled:
        n_claimed = sum(bool(doc.get("version")) for doc in cancelled)
        text += f" {len(cancelled)} were cancelled: {n_claimed} under evaluation, and "
        text += f"{len(cancelled) - n_claimed} that no worker had claimed."
    if errors and "error" in errors[-1]["misc"]:
        kind, message = errors[-1]["misc"]["error"]
        text += f" The last error, in trial {errors[-1]['tid']}: {kind}: {message}"
    return text


def validate_timeout(timeout: Any) -> None:
    """Raise ``ValueError`` unless the timeout is None or a positive number."""
    if timeout is not None and not (_is_number(timeout) and timeout > 0):
        raise ValueError(f"The timeout must be a positive number of seconds or None, but it is {timeout!r}.")


def validate_loss_threshold(loss_threshold: Any) -> None:
    """Raise ``ValueError`` unless the threshold is None or a number."""
    if loss_threshold is not None and not _is_number(loss_threshold):
        raise ValueError(f"The loss threshold must be a number or None, but it is {loss_threshold!r}.")


def _is_listed(by_label: Any) -> bool:
    """Whether a value is a mapping to lists."""
    return isinstance(by_label, Mapping) and all(
        type(items) is list
        or (isinstance(items, Sequence | np.ndarray) and not isinstance(items, str | bytes))
        for items in by_label.values()
    )


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
