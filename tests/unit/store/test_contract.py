"""The memory store fulfils the contract, and a store that breaks a guarantee does not."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hpsearch.store import protocol
from hpsearch.store.memory.store import MemoryStore
from hpsearch.testing import DurabilityContract, StoreContract, StoreDriver

BROKEN_STORES = Path(__file__).with_name("broken_stores.py")


class ShiftableClock:
    """The system's time, shifted."""

    def __init__(self) -> None:
        self.offset = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.offset

    def shift(self, seconds: float) -> None:
        self.offset += timedelta(seconds=seconds)


class TestMemoryStore(StoreContract):
    """Each test with a new store."""

    @pytest.fixture
    def store_driver(self) -> StoreDriver:
        clock = ShiftableClock()
        return StoreDriver(store=MemoryStore(clock), shift_clock_of=lambda _, seconds: clock.shift(seconds))


def test_the_contract_covers_every_numbered_guarantee() -> None:
    promised = set(re.findall(r"^(\d+)\. ", protocol.__doc__ or "", flags=re.MULTILINE))
    parts = [*StoreContract.__bases__, DurabilityContract]
    headings = [(part.__doc__ or "").split(":")[0] for part in parts]
    assert {number for heading in headings for number in re.findall(r"\d+", heading)} == promised


@pytest.mark.parametrize(
    ("some", "n"),
    [("Forgetful or Generous or Volatile", 3), pytest.param("Store", 13, marks=pytest.mark.long)],
)
def test_a_store_that_breaks_a_guarantee_fails_the_contract(tmp_path: Path, some: str, n: int) -> None:
    """Each class breaks one guarantee, and runs the part of the contract that covers it."""
    report = tmp_path / "report.xml"
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"--junitxml={report}"]
    subprocess.run([*command, str(BROKEN_STORES), "-k", some], capture_output=True, check=False, timeout=200)

    failures: dict[str, int] = {}
    for case in ET.parse(report).iter("testcase"):
        name = case.attrib["classname"].rpartition(".")[2]
        failures[name] = failures.get(name, 0) + (case.find("failure") is not None)

    assert len(failures) == n
    assert [name for name, n_failed in failures.items() if n_failed == 0] == []
