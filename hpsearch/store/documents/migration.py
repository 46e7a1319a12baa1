"""Documents of older layouts, brought to the present one; pure.

Each experiment and each trial names its layout in ``schema``. Whoever reads an older one
migrates what it has read; the document itself is raised by ``open_experiment`` alone, and
trials stay as they were written. One of a newer layout is refused.

1. The first.
2. Trials name their layout, too: one that names none is of layout 1.

A step changes no field that an update of ``queries.py`` reads, since that is run on
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

#: The layout that is written.
SCHEMA = 2

#: The layout of a document that names none.
_FIRST = 1

#: What brings a document from a layout to the next one, but for the number.
EXPERIMENT_STEPS: Mapping[int, Step] = MappingProxyType({1: dict})
TRIAL_STEPS: Mapping[int, Step] = MappingProxyType({1: dict})


def migrated(document: Mapping[str, Any], steps: Mapping[int, Step], place: str) -> Document:
    """Return a document of any layout up to ``SCHEMA`` in that layout.

    Parameters
    ----------
    document : mapping
        An experiment or a trial as it is stored; it is not changed.
    steps : mapping of int to callable
        What brings it from each layout to the next one.
    place : str
        What it is, for messages: "Trial 'cifar/000017'".

    Raises
    ------
    UnreadableError
        If a newer hpsearch wrote it, or its layout is no version at all.
    """
    version = Fields(document, place).integer("schema", least=_FIRST) if "schema" in document else _FIRST
    if version > SCHEMA:
        raise UnreadableError(
            f"{place} was written by a newer hpsearch, in layout {version}; "
            f"this one reads up to {SCHEMA}: upgrade hpsearch on this machine."
        )
    current = document if isinstance(document, dict) else dict(document)
    for step in range(version, SCHEMA):
        current = {**steps[step](current), "schema": step + 1}
    return current


def raised(experiment: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the migration of an experiment changes, by field: None where one goes."""
    current = migrated(experiment, EXPERIMENT_STEPS, "The experiment")
    gone = dict.fromkeys(experiment.keys() - current.keys())
    return gone | {name: value for name, value in current.items() if experiment.get(name) != value}
