"""The pictures of the documentation."""

from __future__ import annotations

from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PICTURES = sorted((REPOSITORY / "docs" / "pictures").iterdir())


@pytest.mark.parametrize("path", PICTURES, ids=lambda path: path.name)
def test_a_picture_is_small_shown_and_asks_for_nothing(path: Path) -> None:
    content = path.read_bytes()
    assert len(content) < 150_000
    assert b"@import" not in content
    assert b"url(http" not in content
    pages = [REPOSITORY / "README.md", *(REPOSITORY / "docs").glob("*.md")]
    assert any(f"pictures/{path.name}" in page.read_text(encoding="utf-8") for page in pages)
