"""The formats in which commands print."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """How to print rows."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    RAW_CSV = "raw csv"  #: without protection against formulas in a spreadsheet

    @property
    def is_nested(self) -> bool:
        """Whether values may be nested, as in the documents."""
        return self in {Format.JSON, Format.JSONL}
