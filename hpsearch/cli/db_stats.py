"""``hpsearch db stats``: how much room searches take; changes nothing."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import click

from hpsearch.cli.options import debug_option, json_option, store_option
from hpsearch.cli.stores import PATIENCE, open_store
from hpsearch.report.table import Format, render
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.runtime.strict_json import json_text
from hpsearch.store.mongo.sizes import measure
from hpsearch.store.sizes import CollectionSize, ExperimentSize

_OF_EXPERIMENTS = ("exp_key", "trials", "documents", "per_trial", "largest", "attachments", "attached")
_OF_COLLECTIONS = ("collection", "documents", "on_disk", "indexes")

_UNITS = ("B", "KiB", "MiB", "GiB", "TiB")


@click.command()
@store_option(required=False)
@json_option()
@debug_option()
def stats(store: str | None, json: bool) -> None:
    """Show how much room searches take, and the collections on the server's disk."""
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        experiments, collections = measure(opened.uri, PATIENCE)
    if json:
        rows = {
            "experiments": [_row(e) for e in experiments],
            "collections": [asdict(c) for c in collections],
        }
        click.echo(json_text({"schema": "hpsearch.stats/1", "stats": rows}, indent=2))
        return
    click.echo(render("experiments", [_cells(e) for e in experiments], _OF_EXPERIMENTS, Format.TABLE))
    click.echo()
    shown = [_collection_cells(c) for c in collections]
    click.echo(render("collections", shown, _OF_COLLECTIONS, Format.TABLE))


def _row(size: ExperimentSize) -> dict[str, Any]:
    return {**asdict(size), "bytes_per_trial": size.bytes_per_trial}


def _cells(size: ExperimentSize) -> dict[str, Any]:
    return {
        "exp_key": size.exp_key,
        "trials": size.trials,
        "documents": _bytes_text(size.trial_bytes),
        "per_trial": _bytes_text(size.bytes_per_trial),
        "largest": _bytes_text(size.largest_bytes),
        "attachments": size.attachments,
        "attached": _bytes_text(size.attachment_bytes),
    }


def _collection_cells(size: CollectionSize) -> dict[str, Any]:
    indexes = size.index_bytes
    return {
        "collection": size.collection,
        "documents": size.documents,
        "on_disk": _bytes_text(size.disk_bytes),
        "indexes": None if indexes is None else _indexes_text(indexes),
    }


def _indexes_text(indexes: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {_bytes_text(size)}" for name, size in sorted(indexes.items()))


def _bytes_text(n_bytes: float | None) -> str | None:
    """Return a size as a person would say it."""
    if n_bytes is None:
        return None
    power = 0
    while n_bytes >= 1024 and power < len(_UNITS) - 1:
        n_bytes, power = n_bytes / 1024, power + 1
    return f"{n_bytes:.0f} B" if power == 0 else f"{n_bytes:.3g} {_UNITS[power]}"
