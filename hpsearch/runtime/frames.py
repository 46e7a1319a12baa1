"""How a message becomes bytes on the line between processes, and which of them are sent as they are.

A message is one frame: a mark, the number of bytes that follow, and the pickle. Large parts of it,
which say so (``pickle.PickleBuffer``), come before it in frames of their own, so that nobody
holds a second copy of them.
"""

from __future__ import annotations

import pickle
import struct
from collections.abc import Iterator
from typing import Any

#: What a frame begins with: the mark, and how many bytes follow.
HEADER = struct.Struct("!8sQ")

#: Marks of a message, and of a part of the next one.
MARK, PART_MARK = b"hpsearch", b"hpsearcp"


def framed(message: Any) -> Iterator[bytes | memoryview]:
    """Yield the bytes of a message, in pieces to be sent one after the other."""
    parts: list[pickle.PickleBuffer] = []
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL, buffer_callback=parts.append)
    for part in parts:
        raw = part.raw()
        yield HEADER.pack(PART_MARK, raw.nbytes)
        yield raw
    yield HEADER.pack(MARK, len(body)) + body
