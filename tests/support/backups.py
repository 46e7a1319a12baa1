"""Records of small backups."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

from hpsearch.core.experiment import Experiment, ObjectiveRef
from hpsearch.core.trial import Trial
from hpsearch.store.documents.experiment import experiment_document
from hpsearch.store.documents.trial import trial_document
from hpsearch.store.mongo import gridfs
from hpsearch.store.mongo.backup_records import Kind, Record, header, with_end

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def experiment(key: str) -> Record:
    made = Experiment(
        exp_key=key, space={}, space_fingerprint="", objective=ObjectiveRef(kind="import", ref="a:b")
    )
    return Record(Kind.EXPERIMENT, experiment_document(made))


def trial(key: str, tid: int = 0) -> Record:
    return Record(
        Kind.TRIAL, trial_document(Trial(exp_key=key, tid=tid, values={}, params={}, created_at=NOW))
    )


def file(key: str, n_bytes: int = 3) -> Record:
    place = gridfs.Place(exp_key=key, tid=None, name="model")
    return Record(Kind.FILE, gridfs.file_document(f"{key}-1", place, 0, 1, n_bytes))


def chunk(key: str, n: int = 0) -> Record:
    return Record(Kind.CHUNK, {"files_id": f"{key}-1", "n": n, "data": b"abc"})


def backup() -> list[Record]:
    """A header, searches "a" and "b" with a trial and an attachment each, and the end."""
    content = [r for key in "ab" for r in (experiment(key), trial(key), file(key), chunk(key))]
    return [header(NOW, {"a": 1, "b": 1}), *with_end(content, Counter())]
