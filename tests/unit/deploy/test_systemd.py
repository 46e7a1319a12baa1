"""The units for systemd, as systemd itself reads them."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch import errors
from tests.support.deploy_files import DEPLOY, parsed, variables

FOLDER = DEPLOY / "systemd"
NAMES = ("worker", "coordinator")

#: Points of ``systemd-analyze security`` times ten, of 100: what it calls "OK".
MOST_EXPOSED = 49

with_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")


def settings(name: str) -> dict[str, str]:
    text = (FOLDER / f"hpsearch-{name}@.service").read_text()
    return dict(re.findall(r"^(\w+)=(.*)$", text, flags=re.MULTILINE))


def analyzed(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=200)


def seconds(span: str) -> float:
    """Read a time as systemd does."""
    return int(re.findall(r"μs: (\d+)", analyzed("timespan", span).stdout)[0]) / 1e6


@pytest.fixture(params=NAMES)
def unit(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A unit of the search ``digits``, with our command where this machine has it."""
    text = (FOLDER / f"hpsearch-{request.param}@.service").read_text()
    installed = tmp_path / f"hpsearch-{request.param}@digits.service"
    installed.write_text(text.replace("/opt/hpsearch/bin/hpsearch", sys.executable))
    return installed


@with_systemd
def test_systemd_finds_nothing_to_complain_about(unit: Path) -> None:
    """It warns of unknown keys and values on stderr, and succeeds all the same."""
    verdict = analyzed("verify", "--man=no", str(unit))

    assert (verdict.returncode, verdict.stderr) == (0, "")


@with_systemd
def test_services_are_not_exposed_more_than_systemd_finds_ok(unit: Path) -> None:
    verdict = analyzed("security", "--offline=true", f"--threshold={MOST_EXPOSED}", "--no-pager", str(unit))

    assert verdict.returncode == 0, verdict.stdout.splitlines()[-1]


@with_systemd
@pytest.mark.parametrize("name", NAMES)
def test_systemd_waits_longer_than_the_drain_takes(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    unit = settings(name)

    assert seconds(unit["TimeoutStopSec"]) >= drain_s(name, monkeypatch) + 30
    assert seconds(unit["WatchdogSec"]) >= 30


@pytest.mark.parametrize("name", NAMES)
def test_the_command_and_the_settings_beside_it_are_valid(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert drain_s(name, monkeypatch) >= 60


@pytest.mark.parametrize("name", NAMES)
def test_only_the_main_process_is_asked_to_end(name: str) -> None:
    """SIGTERM to the evaluating processes would end the trials that the worker means to finish."""
    assert settings(name)["KillMode"] == "mixed"


@pytest.mark.parametrize("name", NAMES)
def test_what_a_restart_mends_is_restarted_and_nothing_else(name: str) -> None:
    """Any exit code that our table gains must be put on one side or the other."""
    codes = {str(kind.exit_code) for kind in vars(errors).values() if hasattr(kind, "exit_code")}
    # 0 is no failure for Restart=on-failure; 75 is only of `hpsearch ask`.
    mended = {"0", "1", "69", "75"}

    assert settings(name)["Restart"] == "on-failure"
    assert set(settings(name)["RestartPreventExitStatus"].split()) == codes - mended


def drain_s(name: str, monkeypatch: pytest.MonkeyPatch) -> float:
    """Return the drain timeout of the unit's command under the settings beside it."""
    for variable, value in variables((FOLDER / f"{name}.env").read_text()).items():
        monkeypatch.setenv(variable, value)
    command = settings(name)["ExecStart"].replace("%i", "digits").replace("${HPSEARCH_TARGET}", "search.py")
    return float(parsed(command.split()[1:])["drain_timeout"])
