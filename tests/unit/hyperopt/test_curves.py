"""Reading attachments as numbers, safely for any bytes in a database."""

from __future__ import annotations

import io
import json
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hpsearch.errors import LoadError
from hpsearch.hyperopt.engine.curves import curve_of


def saved(array: Any, *, allow_pickle: bool = False) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=allow_pickle)
    return file.getvalue()


def with_header(dtype: str, shape: str = "(1,)", content: bytes = b"") -> bytes:
    """Return the bytes of an array with any header."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}"
    header = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header)) + header + content


class RecordsUnpickling:
    """Records when it is unpickled."""

    n_times = 0

    def __reduce__(self) -> Any:
        return _notice, ()


def _notice() -> RecordsUnpickling:
    RecordsUnpickling.n_times += 1
    return RecordsUnpickling()


@given(hnp.arrays(st.sampled_from(["<f8", ">f4", "<i4", "u1", "?", "<f2"]), st.integers(2, 9)))
def test_saved_arrays_come_back(array: Any) -> None:
    curve = curve_of(saved(array))
    assert curve is not None
    assert curve.dtype == array.dtype
    np.testing.assert_array_equal(curve, array)


@given(st.lists(st.floats(allow_nan=False), min_size=2, max_size=9))
def test_numbers_come_back_from_json_and_from_text(numbers: list[float]) -> None:
    for attached in (
        numbers, json.dumps(numbers), json.dumps([numbers]).encode(), " ".join(map(repr, numbers)),
        "\n".join(map(repr, numbers)).encode(), bytearray(", ".join(map(repr, numbers)).encode()),
    ):  # fmt: skip
        assert list(curve_of(attached)) == numbers  # type: ignore[arg-type]


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickles_are_never_loaded(protocol: int) -> None:
    """Neither alone, nor inside an array, nor if they contain only numbers."""
    for value in (RecordsUnpickling(), [1, 2], np.arange(3)):
        with pytest.raises(LoadError, match=r"It is (a pickle|text)|unknown format"):
            curve_of(pickle.dumps(value, protocol))
    with pytest.raises(LoadError, match="It is an array of object"):
        curve_of(saved(np.array([RecordsUnpickling()], dtype=object), allow_pickle=True))
    assert RecordsUnpickling.n_times == 0


@pytest.mark.parametrize(
    ("attached", "what"),
    [
        (b"\x80\x04.", "a pickle, which is a program and is not run"),
        (b"PK\x03\x04 and more", "a zip archive"),
        (b"\x00\xff\x00", "3 bytes of an unknown format"),
        (b"", "text that is not numeric"),
        (b"epoch 1: 0.5", "text that is not numeric"),
        ("\ud800", "bytes of an unknown format"),
        (b'{"loss": [1, 2]}', "JSON that is not numeric"),
        (b'["1", 2]', "JSON that is not numeric"),
        (b"[[1, 2], [3]]", "JSON that is not numeric"),
        (b"[" + b"9" * 400 + b", 1]", "JSON that is not numeric"),
        (b"[" * 100_000, "text that is not numeric"),
        ([1, "a"], "a list that is not numeric"),
        ([2**70, 1], "a list that is not numeric"),
        (saved(np.array(["a", "b"])), "an array of str"),
        (saved(np.zeros(3, [("a", "f8")])), "an array of void64"),
        (saved(np.zeros(3, "M8[s]")), "an array of datetime64"),
        (saved(np.zeros(3))[:-1], "a damaged array"),
        (saved(np.zeros(3)) + b"\0", "a damaged array"),
        (with_header("<f8", "(10000000000000,)"), "a damaged array"),
        (with_header("<f8", "(-1, -1)", bytes(8)), "a damaged array"),
        (with_header("V0", "(10000000000000,)"), "an array of void"),
        (with_header("|O", "(4,)", b"A" * 32), "an array of object"),
        (with_header("<f8', 'and more"), "an array in an unsupported format"),
        (with_header("<f8", "__import__('os').getcwd()"), "an array in an unsupported format"),
        (b"\x93NUMPY", "an array in an unsupported format"),
        (b"\x93NUMPY\x07\x00", "an array in an unsupported format"),
    ],
)  # fmt: skip
def test_other_content_is_described(attached: Any, what: str) -> None:
    with pytest.raises(LoadError, match=rf"^It is .*{what}"):
        curve_of(attached)


@given(st.binary(max_size=200) | st.binary(max_size=200).map(lambda tail: saved(np.arange(4.0))[:-5] + tail))
def test_any_bytes_give_numbers_or_a_message(content: bytes) -> None:
    try:
        curve = curve_of(content)
    except LoadError:
        return
    assert curve is None or curve.dtype.kind in "biuf"
