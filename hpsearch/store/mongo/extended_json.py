"""Records of a backup as lines of MongoDB's extended JSON, and back.

The canonical form keeps what plain JSON does not: dates, 64-bit integers apart from 32-bit
ones, NaN and infinities, bytes (https://github.com/mongodb/specifications, Extended JSON v2).
It marks them by keys such as ``$date``. Users have such keys, too, in results and as labels;
so every key of a document that begins with ``$`` gets another one here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps, loads

from hpsearch.runtime.escaping import reason
from hpsearch.store.mongo.backup import Kind, Record, damaged

#: What lines that somebody altered make the readers of JSON and of its extension raise.
_UNREADABLE = (BSONError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)


def line_of(record: Record) -> bytes:
    """Return a record as one line, with its end."""
    content = {"kind": record.kind.value, "document": _marked(record.document)}
    text = dumps(content, json_options=CANONICAL_JSON_OPTIONS, ensure_ascii=False)
    return text.encode() + b"\n"


def records_of(lines: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of lines.

    Raises
    ------
    BackupError
        At the first line that is no record.
    """
    for n_line, line in enumerate(lines, start=1):
        try:
            content = loads(line.decode(), json_options=CANONICAL_JSON_OPTIONS)
            record = Record(Kind(content["kind"]), _unmarked(content["document"]))
            encode(record.document)  # JSON has integers, texts and keys that MongoDB has not
        except json.JSONDecodeError as error:
            raise damaged(n_line, f"it is no JSON ({error.msg}, character {error.pos})") from error
        except _UNREADABLE as error:
            raise damaged(n_line, f"it is no record of a backup ({reason(error)})") from error
        yield record


def _marked(value: Any) -> Any:
    match value:
        case Mapping():
            return {f"${key}" if key.startswith("$") else key: _marked(v) for key, v in value.items()}
        case list():
            return [_marked(item) for item in value]
    return value


def _unmarked(value: Any) -> Any:
    # What the keys of extended JSON stood for was turned into values by now.
    match value:
        case dict():
            return {key.removeprefix("$"): _unmarked(v) for key, v in value.items()}
        case list():
            return [_unmarked(item) for item in value]
    return value
