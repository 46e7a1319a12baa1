"""The report as one HTML file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache
from html import unescape
from html.parser import HTMLParser

import pytest

from hpsearch.report.html.contents import read_contents, report_files
from hpsearch.report.html.elements import table
from hpsearch.report.html.page import report_page
from hpsearch.store.memory.store import MemoryStore
from tests.support.pictured import store_nested

KEY = "nested <script>alert(1)"


@cache
def page_of(n: int) -> str:
    store = MemoryStore()
    store_nested(store, KEY, n)
    return report_page(read_contents(store, store.experiment(KEY)), report_files())


def test_the_file_is_small_and_asks_for_nothing() -> None:
    page = page_of(60)

    assert len(page.encode()) < 3_000_000
    markup = re.sub(r"<script>.*?</script>", "", page, flags=re.DOTALL)
    assert "src=" not in markup
    assert "href=" not in markup
    assert "url(" not in markup
    assert "default-src 'none'" in markup


def test_the_policy_allows_exactly_the_scripts_of_the_file() -> None:
    page = page_of(60)
    scripts = re.findall(r"<script>(.*?)</script>", page, flags=re.DOTALL)
    hashes = {base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts}

    assert set(re.findall(r"'sha256-([^']+)'", page.split("<style>")[0])) == hashes
    assert len(scripts) == 3


def test_all_texts_are_there_without_javascript_and_escaped() -> None:
    markup = page_of(60).split('<script type="application/json"')[0]

    assert "<script>alert" not in markup
    assert "&lt;script&gt;alert(1)" in markup
    text = unescape(re.sub(r"<[^>]+>", " ", markup))
    for words in (
        "What matters for the loss", "The best trials", "6 x nan", "the loss is NaN",
        "<b>tanh</b> & more", "Losses over each parameter", "Pictures need JavaScript",
    ):  # fmt: skip
        assert words in text, words


def test_the_data_of_the_pictures_cannot_end_their_script() -> None:
    page = page_of(60)
    [document] = re.findall(r'<script type="application/json" id="figures">(.*?)</script>', page, re.DOTALL)

    assert "<" not in document
    figures = json.loads(document)
    assert len(figures) == page.count("data-figure=")
    assert all(figure["data"] for figure in figures)


def test_an_empty_search_has_a_report_that_says_so() -> None:
    page = page_of(0)
    assert "has no trials yet." in page
    assert "data-figure=" not in page


def test_elements_are_closed_in_order() -> None:
    open_tags: list[str] = []

    class Checker(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            if tag != "meta":
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

    Checker().feed(page_of(60))
    assert open_tags == []


@pytest.mark.parametrize("cell", ["<b>", 'a"b', "\x1b[31m", None])
def test_a_cell_is_text(cell: str | None) -> None:
    found = table(["a"], [[cell]])
    assert "<b>" not in found
    assert "\x1b" not in found
