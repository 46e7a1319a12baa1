"""The manual page."""

from __future__ import annotations

import re
import shutil
import subprocess

import pytest
from click.testing import CliRunner

from hpsearch.cli import cli
from tests.support.documentation import commands


@pytest.fixture(scope="module")
def page() -> str:
    return CliRunner().invoke(cli, ["man"], auto_envvar_prefix="HPSEARCH", prog_name="hpsearch").output


def test_the_manual_page_has_every_command_with_its_options(page: str) -> None:
    found = re.findall(r'^\.SS "(.*)"$', page, re.MULTILINE)
    paths = {name.replace(r"\-", "-") for name in found}
    assert paths >= {path for path, _ in commands() if not path.startswith("hpsearch")}
    assert r"\fB\-\-max\-evals" in page
    assert "HPSEARCH_RUN_MAX_EVALS" in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="needs groff")
def test_the_manual_page_is_valid_troff(page: str) -> None:
    arguments = ["groff", "-man", "-ww", "-Tutf8"]
    done = subprocess.run(arguments, input=page, capture_output=True, text=True, timeout=100, check=True)
    assert done.stderr == ""
    assert "hyperparameter search on a fleet" in done.stdout
