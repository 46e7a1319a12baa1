"""Migrating documents of older layouts to the current one.

Each experiment and each trial has its layout in ``schema``. Readers migrate older documents
after reading them. ``open_experiment`` also stores the migrated experiment; trials stay as they
were written. Documents of a newer layout are refused.

1. The first layout.
2. Trials have a field ``schema``, too; without it, they have layout 1.

A step must not change fields that the updates of ``queries.py`` read, because these apply to
documents of any layout.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from hpsearch.errors import UnreadableError
from hpsearch.store.documents.fields import Fields

Document = dict[str, Any]
Step = Callable[[Document], Document]

#: The current layout.
SCHEMA = 2

#: The layout of a document without the field.
_FIRST = 1

#: Functions that convert a document from each layout to the next one, except for the number.
EXPERIMENT_STEPS: Mapping[int, Step] = MappingProxyType({1: dict})
TRIAL_STEPS: Mapping[int, Step] = MappingProxyType({1: dict})


def migrate(document: Mapping[str, Any], steps: Mapping[int, Step], label: str) -> Document:
    """Return a document in the current layout.

    Parameters
    ----------
    document : mapping
        A stored experiment or trial of any layout up to ``SCHEMA``; it is not changed.
    steps : mapping of int to callable
        ``EXPERIMENT_STEPS`` or ``TRIAL_STEPS``.
    label : str
        What the document is, for messages: "Trial 'cifar/000017'".

    Raises
    ------
    UnreadableError
        If a newer hpsearch wrote it, or the field is corrupt.
    """
    version = Fields(document, label).integer("schema", least=_FIRST) if "schema" in document else _FIRST
    if version > SCHEMA:
        raise UnreadableError(
            f"{label} was written by a newer hpsearch, in layout {version}; "
            f"this one reads up to {SCHEMA}: upgrade hpsearch on this machine."
        )
    current = document if isinstance(document, dict) else dict(document)
    for step in range(version, SCHEMA):
        current = {**steps[step](current), "schema": step + 1}
    return current


def layout_changes(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields that migrating an experiment changes; None for removed ones."""
    current = migrate(experiment, EXPERIMENT_STEPS, "The experiment")
    removed = dict.fromkeys(experiment.keys() - current.keys())
    return removed | {name: value for name, value in current.items() if experiment.get(name) != value}
