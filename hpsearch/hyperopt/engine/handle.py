"""``hpsearch.current_trial()`` in an evaluation within the process of the script."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NoReturn

from hpsearch.core.trial import Report
from hpsearch.hyperopt.engine.documents import Doc
from hpsearch.hyperopt.engine.domain import Ctrl
from hpsearch.objective.current_trial import Attachment, CurrentTrial
from hpsearch.objective.process_reports import UndeliveredError

_NO_REPORTS = "Trials in one process keep attachments, but no reports; search with MongoTrials to keep them"


def current_trial_of(doc: Doc, values: Mapping[str, Any], ctrl: Ctrl) -> CurrentTrial:
    """Return what ``current_trial()`` gives for a document; attachments go where those of ``ctrl`` do."""

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
