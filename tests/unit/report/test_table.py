"""Rows as tables, JSON and CSV."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime
from pathlib import PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpsearch.report.formats import Format
from hpsearch.report.table import render
from hpsearch.runtime.strict_json import json_text

WHEN = datetime(2026, 1, 1, 12, 30, 15, 250000, tzinfo=UTC)
ROWS = [
    {"tid": 0, "loss": 0.123456789, "params": {"lr": 0.5, "kind": "adam"}, "worker": None},
    {"tid": 1, "loss": float("inf"), "params": {"lr": 0.25, "units": 16}, "worker": "anna"},
]
COLUMNS = ("tid", "loss", "params", "worker")


def refuse(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


def test_json_is_strict_and_names_its_schema() -> None:
    document = json.loads(render("trials", ROWS, COLUMNS, Format.JSON), parse_constant=refuse)
    assert document["schema"] == "hpsearch.trials/1"
    assert document["trials"][0] == ROWS[0]
    assert document["trials"][1]["loss"] is None


def test_each_json_line_is_a_row() -> None:
    assert [
        json.loads(line)["tid"] for line in render("trials", ROWS, COLUMNS, Format.JSONL).splitlines()
    ] == [0, 1]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float("nan"), "null"),
        ([1.5, float("-inf")], "[1.5, null]"),
        ((True, None), "[true, null]"),
        (WHEN, '"2026-01-01T12:30:15.250000+00:00"'),
        (b"\x00\xff", '"00ff"'),
        ({1: "ä"}, '{"1": "ä"}'),
        (PurePosixPath("a/b"), '"a/b"'),
        ("\x9b\u200b\U000e0041", '"\\u009b\\u200b\\udb40\\udc41"'),
    ],
)
def test_every_value_can_be_written_in_json(value: object, text: str) -> None:
    assert json_text(value) == text


def read(rows: list[dict[str, object]], columns: tuple[str, ...]) -> list[list[str]]:
    return list(csv.reader(io.StringIO(render("trials", rows, columns, Format.CSV))))


def test_csv_shows_dates_lists_mappings_and_whole_numbers() -> None:
    rows: list[dict[str, object]] = [{"at": WHEN, "keys": ("a", "b"), "more": {"x": 1}, "n": 128.0, "x": 0.1}]
    assert read(rows, ("at", "keys", "more", "n", "x", "none")) == [
        ["at", "keys", "more", "n", "x", "none"],
        [WHEN.isoformat(), "a b", '{"x": 1}', "128", "0.1", ""],
    ]


def test_a_table_is_aligned_shortens_numbers_and_marks_what_is_missing() -> None:
    assert render("trials", ROWS, COLUMNS, Format.TABLE).splitlines() == [
        "trial  loss    params             worker",
        "0      0.1235  lr=0.5, kind=adam  -",
        "1      inf     lr=0.25, units=16  anna",
    ]


def test_a_cell_of_a_table_is_one_line_of_bounded_width() -> None:
    [_, line] = render("trials", [{"a": "x\ny" * 100}], ("a",), Format.TABLE).splitlines()
    assert len(line) == 72
    assert line.endswith("…")


#: What a spreadsheet would run, read as a date, or lose.
FORMULAS = [
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    " =1",
    "\uff1d1",  # a wide equals sign
    "--1",
    "-inf",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_marked_as_text_unless_raw(text: str) -> None:
    rows = [{"error": text, "kind": text, text: 1, "exp_keys": (text, "b")}]
    columns = ("error", "exp_keys", "kind", text)

    for form, mark in ((Format.CSV, "'"), (Format.RAW_CSV, "")):
        read_back = list(csv.reader(io.StringIO(render("trials", rows, columns, form), newline="")))
        assert read_back == [
            ["error", "exp_keys", "kind", f"{mark}{text}"],
            [f"{mark}{text}", f"{mark}{text} b", f"{mark}{text}", "1"],
        ]


@pytest.mark.parametrize("value", [-1, -0.5, float("-inf"), -1e-9, True, "-5", "+1.5e-3", " -.5", "-1."])
def test_numbers_are_no_formulas(value: object) -> None:
    assert read([{"loss": value}], ("loss",))[1] == [str(value)]


@given(st.lists(st.text(alphabet="ab'\"=+-@\t\r\n,; 1"), min_size=2, max_size=2))
def test_no_text_adds_a_cell_a_row_or_a_formula(texts: list[str]) -> None:
    rows = [{"a": texts[0], "b": texts[1]}]
    for ends in ("\n", "\r\n", "\r"):  # of lines, for different readers
        rendered = render("x", rows, ("a", "b"), Format.CSV).replace("a,b\n", f"a,b{ends}")
        header, cells = csv.reader(io.StringIO(rendered, newline=""))
        assert header == ["a", "b"]
        assert [cell.removeprefix("'") for cell in cells] == [text.removeprefix("'") for text in texts]
        for cell in cells:
            assert not cell.strip().startswith(("=", "+", "-", "@")) or float(cell) is not None


def test_dates_and_lists_are_readable_in_a_table() -> None:
    rows = [{"at": WHEN, "keys": ("a", "b")}, {"at": None, "keys": ()}]
    assert render("x", rows, ("at", "keys"), Format.TABLE).splitlines()[1:] == [
        "2026-01-01 12:30:15 UTC  a, b",
        "-                        -",
    ]


@pytest.mark.parametrize("form", Format)
def test_every_format_supports_no_rows(form: Format) -> None:
    text = render("trials", [], COLUMNS, form)
    assert (
        text
        == {
            Format.JSON: '{\n  "schema": "hpsearch.trials/1",\n  "trials": []\n}',
            Format.JSONL: "",
            Format.CSV: "tid,loss,params,worker",
            Format.RAW_CSV: "tid,loss,params,worker",
            Format.TABLE: "trial  loss  params  worker",
        }[form]
    )


def test_a_table_escapes_control_characters_and_json_keeps_them() -> None:
    rows = [{"error": "\x1b[2J\tlost\x7f", "names": ["a\x9b", "b\r"]}]
    table = render("trials", rows, ("error", "names"), Format.TABLE)
    assert "\\x1b[2J\\tlost\\x7f" in table
    assert "a\\x9b, b\\r" in table
    assert {c for c in table if not c.isprintable()} == {"\n"}
    assert json.loads(render("trials", rows, (), Format.JSON))["trials"] == rows


def test_names_are_not_shortened() -> None:
    key = "cifar_" * 16
    table = render("status", [{"exp_key": key, "objective": key}], ("exp_key", "objective"), Format.TABLE)
    assert table.split("\n")[1].split("  ") == [key, f"{key[:71]}…"]


KEYS = ["resnet_on_cifar_with_warm_restarts_seed_1", "resnet_on_cifar_with_warm_restarts_seed_2", "vit"]


@pytest.mark.parametrize("width", [30, 40, 41, 50, 70, 200])
def test_names_are_shortened_in_the_middle_to_fit_the_width(width: int) -> None:
    rows = [{"exp_key": key, "done": 5} for key in KEYS]
    lines = render("status", rows, ("exp_key", "done"), Format.TABLE, width=width).splitlines()
    whole = render("status", rows, ("exp_key", "done"), Format.TABLE).splitlines()
    assert max(map(len, lines)) <= width
    if max(map(len, whole)) <= width:
        assert lines == whole
    first, second, short = (line.split()[0] for line in lines[1:])
    assert short == "vit"
    assert first != second
    for name, key in ((first, KEYS[0]), (second, KEYS[1])):
        begin, _, end = name.partition("…")
        assert key.startswith(begin)
        assert key.endswith(end)


def test_names_keep_their_minimum_width_and_other_columns_are_not_shortened() -> None:
    rows = [{"exp_key": KEYS[0], "name": "x" * 40, "objective": "y" * 40}]
    table = render("status", rows, ("exp_key", "name", "objective"), Format.TABLE, width=10)
    key, name, objective = table.splitlines()[1].split()
    assert (len(key), len(name), len(objective)) == (12, 12, 40)


def test_the_widest_column_of_names_is_shortened_first() -> None:
    rows = [{"exp_key": "x" * 40, "host": "y" * 25}]
    table = render("status", rows, ("exp_key", "host"), Format.TABLE, width=60)
    assert [len(text) for text in table.splitlines()[1].split()] == [33, 25]


@pytest.mark.parametrize("form", [Format.JSON, Format.JSONL, Format.CSV])
def test_names_are_not_shortened_for_programs(form: Format) -> None:
    rows = [{"exp_key": KEYS[0]}]
    assert KEYS[0] in render("status", rows, ("exp_key",), form, width=10)
