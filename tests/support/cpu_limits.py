"""A pytest plugin that holds each tier to a limit of CPU time.

CPU time, unlike wall time, hardly depends on what else the machine does, so the limits do not
fail on a busy one. It includes the processes that a test started and waited for, but not the shared servers.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Generator

import pytest

#: CPU seconds that the tests of a tier may use together, about twice what they use on an idle machine.
TIER_LIMITS_S = {"unit": 180.0, "integration": 500.0, "acceptance": 360.0}

#: CPU seconds that one unit test may use.
UNIT_TEST_LIMIT_S = 15.0

_started_at = pytest.StashKey[float]()


class CpuLimits:
    """Sums what the tests use, and fails the run if a tier uses too much."""

    def __init__(self) -> None:
        self.used_s: defaultdict[str, float] = defaultdict(float)
        self.slow: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Add what a phase of a test used; xdist passes the reports of its workers on."""
        tier, cpu_s = tier_of(report.nodeid), getattr(report, "cpu_s", 0.0)
        self.used_s[tier] += cpu_s
        if tier == "unit" and report.when == "call" and cpu_s > UNIT_TEST_LIMIT_S:
            self.slow.append(
                f"{report.nodeid} used {cpu_s:.1f} s of CPU time; the limit is {UNIT_TEST_LIMIT_S:.0f} s"
            )

    def excesses(self) -> list[str]:
        """Return a sentence for each limit that was exceeded."""
        tiers = [
            f"tests/{tier} used {self.used_s[tier]:.0f} s of CPU time; its limit is {limit:.0f} s"
            for tier, limit in TIER_LIMITS_S.items()
            if self.used_s[tier] > limit
        ]
        return [*self.slow, *tiers]

    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail a run that exceeds a limit."""
        if self.excesses() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Print what each tier used."""
        used = ", ".join(f"{tier} {self.used_s[tier]:.0f} s" for tier in TIER_LIMITS_S if self.used_s[tier])
        terminalreporter.write_line(f"CPU time by tier: {used}")
        for excess in self.excesses():
            terminalreporter.write_line(f"ERROR {excess}", red=True)


def tier_of(nodeid: str) -> str:
    """Return the folder of a test below ``tests``."""
    return nodeid.removeprefix("tests/").partition("/")[0]


def pytest_configure(config: pytest.Config) -> None:
    """Watch the limits where the reports of all workers arrive; ``--all`` has none."""
    if not hasattr(config, "workerinput") and not config.getoption("--all"):
        config.pluginmanager.register(CpuLimits(), "cpu-limits")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Note in the report of a phase the CPU time since the last one."""
    report = yield
    now = _cpu_s()
    report.cpu_s = now - item.stash.get(_started_at, now)  # type: ignore[attr-defined]  # xdist passes it on
    item.stash[_started_at] = now
    return report


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start to measure a test."""
    item.stash[_started_at] = _cpu_s()


def _cpu_s() -> float:
    used = os.times()
    return used.user + used.system + used.children_user + used.children_system
