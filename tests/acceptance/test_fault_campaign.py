"""A fleet on a replica set of three, under faults of most kinds at once: ``scripts/faults --short``."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]

#: The short campaign takes a minute and a half where nothing else runs.
PATIENCE_S = 400


@pytest.mark.timeout(PATIENCE_S + 60)
@pytest.mark.long
def test_a_fleet_keeps_its_promises_under_faults_of_most_kinds(tmp_path: Path) -> None:
    """Nothing acknowledged is lost or changed, none is doubled, the count is exact, and everybody leaves."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.faults", "--seed", "1", "--short"],
        cwd=REPOSITORY,
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as campaign:
        try:
            said, _ = campaign.communicate(timeout=PATIENCE_S)
        finally:
            campaign.terminate()  # it takes its processes with it
    found = re.search(r"150 trials, .* (\d+) faults, 0 broken promises", said)
    assert found, said[-3000:]
    assert int(found[1]) >= 16
    assert campaign.returncode == 0
