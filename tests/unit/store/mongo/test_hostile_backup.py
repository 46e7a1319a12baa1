"""An altered backup is accepted or refused with a one-line error, and nothing else happens."""

from __future__ import annotations

import copy

import pytest
from bson import encode
from hypothesis import example, given
from hypothesis import strategies as st

from hpsearch.errors import BackupError
from hpsearch.store.mongo.backup_records import Kind, Record, as_restored, check
from hpsearch.store.mongo.extended_json import line_of, records_of
from tests.support.backups import NOW, backup
from tests.support.corrupt_documents import HOSTILE, altered, places

RECORDS = backup()
TEXT = b"".join(map(line_of, RECORDS))

PIECES = st.sampled_from(
    [
        *(
            b'"',
            b"{",
            b"}",
            b"[",
            b"]",
            b",",
            b"\\",
            b"\n",
            b"\r",
            b"\0",
            b"\xff",
            b"\xed\xa0\x80",
            b"\x1b[31m",
        ),
        *(
            b'"\\ud800"',
            b'"\\u0000"',
            b"NaN",
            b"-Infinity",
            b"1e999",
            b"9" * 30,
            b"9" * 5000,
            b"null",
            b"true",
        ),
        *(
            b'{"$numberLong":"x"}',
            b'{"$date":{"$numberLong":"999999999999999999"}}',
            b'{"$numberDecimal":"x"}',
        ),
        *(b'{"$oid":"x"}', b'{"$binary":{"base64":"!","subType":"00"}}', b'{"$uuid":"x"}', b'{"$code":1}'),
        *(b'{"$regularExpression":{"pattern":1}}', b'{"$timestamp":{"t":-1,"i":1}}', b'{"$ref":1,"$id":1}'),
        *(b'{"$dbPointer":1}', b'{"$minKey":2}', b"[" * 100_000, b'{"a":' * 500),
    ]
)


@st.composite
def altered_records(draw: st.DrawFn) -> list[Record]:
    """The records with one value of one of them replaced or removed, possibly its identifier."""
    records = copy.deepcopy(RECORDS)
    nth = draw(st.integers(0, len(records) - 1))
    document = records[nth].document
    found = [*places(document), *([("_id",)] if "_id" in document else [])]
    records[nth] = Record(records[nth].kind, altered(document, draw(st.sampled_from(found)), draw(HOSTILE)))
    return records


@st.composite
def altered_texts(draw: st.DrawFn) -> bytes:
    """The text with characters removed and inserted in one or two places."""
    text = TEXT
    for _ in range(draw(st.integers(1, 2))):
        start, n_cut = draw(st.integers(0, len(text))), draw(st.integers(0, 40))
        text = text[:start] + draw(PIECES | st.just(b"")) + text[start + n_cut :]
    return text


def assert_sound_or_told(text: bytes) -> None:
    """The documents of an accepted backup can be stored."""
    lines = text.splitlines(keepends=True)
    try:
        found = check(records_of(lines))
    except BackupError as error:
        message = str(error)
        assert "\n" not in message
        assert len(message) < 1000
    else:
        assert set(found.n_trials) <= {"a", "b"}
        for record in records_of(lines):
            if record.kind not in {Kind.HEADER, Kind.END}:
                encode(as_restored(record, NOW))


@pytest.mark.fuzz
@given(altered_records())
def test_an_altered_record_is_accepted_or_refused(records: list[Record]) -> None:
    assert_sound_or_told(b"".join(map(line_of, records)))


@pytest.mark.fuzz
@given(altered_texts())
@example(TEXT.replace(b'"format"', b'"format": "x", "f"', 1))
def test_an_altered_text_is_accepted_or_refused(text: bytes) -> None:
    assert_sound_or_told(text)


def test_the_unaltered_text_is_accepted() -> None:
    assert_sound_or_told(TEXT)
    assert check(records_of(TEXT.splitlines())).n_trials == {"a": 1, "b": 1}
