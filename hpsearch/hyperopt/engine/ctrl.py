"""What an objective may ask of the search: Hyperopt's ``Ctrl``, and ``hpsearch.current_trial()``."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NoReturn

from hpsearch.core.trial import Report
from hpsearch.hyperopt.engine.documents import JOB_STATE_DONE, Doc
from hpsearch.objective.current_trial import Attachment, CurrentTrial
from hpsearch.objective.process_reports import UndeliveredError

logger = logging.getLogger(__name__)

_NO_REPORTS = "Trials in one process store attachments, but no reports; use MongoTrials to store reports"


class Ctrl:
    """Access to the search for one evaluation.

    Parameters
    ----------
    trials : Trials
        The trials of the search.
    current_trial : dict, optional
        The document of the trial under evaluation.
    """

    info, warn, error, debug = logger.info, logger.warning, logger.error, logger.debug

    def __init__(self, trials: Any, current_trial: Doc | None = None) -> None:
        self.trials = trials
        self.current_trial = current_trial

    def checkpoint(self, r: Any = None) -> None:
        """Store a preliminary result of the current trial."""
        if self.current_trial is not None and r is not None:
            self.current_trial["result"] = r

    @property
    def attachments(self) -> Any:
        """The attachments of the current trial, a mapping from names to blobs."""
        return self.trials.trial_attachments(trial=self.current_trial)

    def inject_results(
        self,
        specs: Sequence[Any],
        results: Sequence[Doc],
        miscs: Sequence[Doc],
        new_tids: Sequence[Any] | None = None,
    ) -> Any:
        """Add trials that the objective evaluated itself, with the current trial as their source.

        Parameters
        ----------
        specs, results, miscs : sequence of dict
            These parts of each document; ``misc["tid"]`` is set here.
        new_tids : sequence, optional
            Numbers of the trials; new ones by default.

        Returns
        -------
        list
            The numbers of the trials.
        """
        if new_tids is None:
            new_tids = self.trials.new_trial_ids(len(specs))
        for misc, tid in zip(miscs, new_tids, strict=True):
            misc["tid"] = tid
        sources = [self.current_trial] * len(new_tids)
        docs = self.trials.source_trial_docs(new_tids, specs, results, miscs, sources)
        for doc in docs:
            doc["state"] = JOB_STATE_DONE
        return self.trials.insert_trial_docs(docs)


def current_trial_of(doc: Doc, values: Mapping[str, Any], ctrl: Ctrl) -> CurrentTrial:
    """Return the value of ``hpsearch.current_trial()`` during an evaluation in this process.

    Parameters
    ----------
    doc : dict
        The trial's document.
    values : mapping
        Its raw values by label.
    ctrl : Ctrl
        Stores its attachments.
    """

    def attach(attachment: Attachment) -> None:
        ctrl.attachments[attachment.name] = bytes(attachment.data)

    return CurrentTrial(
        exp_key=doc["exp_key"] or "",
        tid=doc["tid"],
        values=MappingProxyType(dict(values)),
        on_report=_refuse,
        on_attach=attach,
    )


def _refuse(report: Report) -> NoReturn:
    raise UndeliveredError(_NO_REPORTS)
