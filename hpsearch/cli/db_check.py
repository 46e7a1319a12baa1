"""``hpsearch db check``: whether a database is as searches need it; changes nothing."""

from __future__ import annotations

import logging

import click

from hpsearch.cli.findings import print_findings
from hpsearch.cli.options import debug_option, json_option, store_option
from hpsearch.cli.stores import PATIENCE, open_store
from hpsearch.diagnosis.database import judge
from hpsearch.runtime.logs import log_to_stderr
from hpsearch.store.mongo.inspection import inspect


@click.command()
@store_option(required=False)
@json_option()
@debug_option()
def check(store: str | None, json: bool) -> None:
    """Look a database over: its servers, its safety, its indexes, its documents.

    Ends with exit code 78 when something is to be mended.
    """
    log_to_stderr(logging.ERROR)
    with open_store(store) as opened:
        findings = judge(inspect(opened.uri, PATIENCE))
    print_findings("check", findings, as_json=json)
