"""Converting workers to documents and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hpsearch.core.worker import Worker, WorkerState
from hpsearch.store.documents.encoding import encoded
from hpsearch.store.documents.fields import Fields, document_label
from hpsearch.store.documents.layout_migration import Document


def worker_document(worker: Worker) -> Document:
    """Return the document of a worker, without times, which the store sets."""
    return {
        "_id": worker.name,
        "host": worker.host,
        "pid": worker.pid,
        "slots": worker.slots,
        "exp_keys": list(worker.exp_keys),
        "state": worker.state.value,
        "n_done": worker.n_done,
        "n_failed": worker.n_failed,
        "versions": encoded(worker.versions, "versions"),
    }


def worker_from(document: Mapping[str, Any]) -> Worker:
    """Return the worker of a document; raises ``UnreadableError`` as ``trial_from`` does."""
    fields = Fields(document, document_label("Worker", document))
    return Worker(
        name=fields.text("_id"),
        host=fields.text("host"),
        pid=fields.integer("pid", least=0),
        slots=fields.integer("slots", least=0),
        exp_keys=fields.texts("exp_keys"),
        state=fields.one_of("state", WorkerState),
        n_done=fields.integer("n_done", least=0),
        n_failed=fields.integer("n_failed", least=0),
        versions=fields.maybe_mapping("versions"),
        started_at=fields.maybe_date("started_at"),
        seen_at=fields.maybe_date("seen_at"),
        expire_at=fields.maybe_date("expire_at"),
    )
