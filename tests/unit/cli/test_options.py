"""Durations, and the options of the health port."""

from __future__ import annotations

import click
import pytest
from click.testing import CliRunner
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.cli.options import DURATION, health_options

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


@given(st.lists(st.integers(0, 999), min_size=4, max_size=4))
@example([0, 3, 50, 0])
def test_a_duration_is_the_sum_of_its_parts(counts: list[int]) -> None:
    text = "".join(f"{n}{unit}" for n, unit in zip(counts, UNITS, strict=True))
    assert DURATION.convert(text, None, None) == sum(
        n * s for n, s in zip(counts, UNITS.values(), strict=True)
    )


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("1.5", 1.5), ("250ms", 0.25), ("1.5h", 5400), (" 10M ", 600), (3.5, 3.5), ("0", 0)],
)
def test_a_duration_may_be_seconds_or_fractions(text: object, seconds: float) -> None:
    assert DURATION.convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "x", "5x", "-5", "10m5", "m", "1 h", "inf", "nan", "1e3"])
def test_an_invalid_duration_is_refused_with_examples(text: str) -> None:
    with pytest.raises(click.BadParameter, match="10m or 3h50m"):
        DURATION.convert(text, None, None)


@click.command()
@health_options
def probed(health_host: str, health_port: int | None) -> None:
    click.echo(f"{health_host} {health_port}")


@pytest.mark.parametrize("arguments", [["--health-port", "0"], []])
def test_health_host_needs_health_port_in_any_order(arguments: list[str]) -> None:
    for words in ([*arguments, "--health-host", "::1"], ["--health-host", "::1", *arguments]):
        outcome = CliRunner().invoke(probed, words)
        if arguments:
            assert outcome.output == "::1 0\n"
        else:
            assert outcome.exit_code == 2
            assert "--health-host has no effect without --health-port." in outcome.output


def test_the_variable_of_health_host_does_not_need_a_port() -> None:
    outcome = CliRunner(env={"X_HEALTH_HOST": "::1"}).invoke(probed, auto_envvar_prefix="X")
    assert outcome.output == "::1 None\n"
