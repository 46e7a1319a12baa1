"""Converting backup records to lines of MongoDB's extended JSON and back.

The canonical form preserves dates, the size of integers, NaN, infinities and bytes
(https://github.com/mongodb/specifications, Extended JSON v2). It marks them with keys such as
``$date``. Because results and labels of users may have such keys, too, every key of a document
that begins with ``$`` gets a second one here.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from bson import encode
from bson.errors import BSONError
from bson.json_util import CANONICAL_JSON_OPTIONS, dumps, loads

from hpsearch.runtime.escaping import reason
from hpsearch.store.mongo.backup_records import Kind, Record, corrupt_line

#: Errors that corrupt lines cause in the readers of JSON and extended JSON.
_UNREADABLE = (BSONError, LookupError, TypeError, ValueError, ArithmeticError, AttributeError, RecursionError)


def line_of(record: Record) -> bytes:
    """Return a record as one line with a line break."""
    content = {"kind": record.kind.value, "document": _escaped(record.document)}
    text = dumps(content, json_options=CANONICAL_JSON_OPTIONS, ensure_ascii=False)
    return text.encode() + b"\n"


def records_of(lines: Iterable[bytes]) -> Iterator[Record]:
    """Yield the records of lines.

    Raises
    ------
    BackupError
        At the first line that is not a record.
    """
    for n_line, line in enumerate(lines, start=1):
        try:
            content = loads(line.decode(), json_options=CANONICAL_JSON_OPTIONS)
            record = Record(Kind(content["kind"]), _unescaped(content["document"]))
            encode(record.document)  # raises for JSON values that MongoDB cannot store
        except json.JSONDecodeError as error:
            raise corrupt_line(n_line, f"it is not JSON ({error.msg}, character {error.pos})") from error
        except _UNREADABLE as error:
            raise corrupt_line(n_line, f"it is not a backup record ({reason(error)})") from error
        yield record


def _escaped(value: Any) -> Any:
    match value:
        case Mapping():
            return {f"${key}" if key.startswith("$") else key: _escaped(v) for key, v in value.items()}
        case list():
            return [_escaped(item) for item in value]
    return value


def _unescaped(value: Any) -> Any:
    # The keys of extended JSON itself are converted already.
    match value:
        case dict():
            return {key.removeprefix("$"): _unescaped(v) for key, v in value.items()}
        case list():
            return [_unescaped(item) for item in value]
    return value
