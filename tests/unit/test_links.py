"""Links between the pages of this repository lead somewhere."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
FOLDERS = ("docs", "hpsearch", "worker", "tests", "scripts")
PAGES = [*REPOSITORY.glob("*.md"), *(page for name in FOLDERS for page in (REPOSITORY / name).rglob("*.md"))]


@cache
def anchors(page: Path) -> set[str]:
    """Return the names that GitHub gives to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    titles = re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


def test_every_link_leads_to_a_file_and_a_heading_that_are_there() -> None:
    lost = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or (anchor and anchor not in anchors(file)):
                lost.append(f"{page}: {target}")
    assert lost == []


def test_every_path_of_this_repository_that_a_page_names_is_there() -> None:
    paths = re.compile(rf"[`( ]((?:{'|'.join(FOLDERS)})/[\w./-]+\.\w+)")
    named = [(page, path) for page in PAGES for path in paths.findall(page.read_text())]
    assert [f"{page}: {path}" for page, path in named if not (REPOSITORY / path).exists()] == []
