"""Escaping: users' values, names and errors as short, safe text for messages and terminals."""

from __future__ import annotations

import re
import reprlib
from typing import Any

#: Control characters of terminals (C0 and C1 without newline and tab, DEL), separators that some programs
#: take for line ends, marks of the writing direction, characters without width, and surrogates.
UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0d\ufeff\ufff0-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: ASCII characters that need no escape.
_SHOWN_ASCII = bytes(code for code in range(128) if not UNSHOWABLE.match(chr(code)))
_LAYOUT = str.maketrans({"\n": r"\n", "\t": r"\t"})

#: Text that may contain a password: an address with "@" (a URI, or user:password@host), and a URI without it
#: whose first colon precedes neither a port nor the word "port".
_ADDRESS = re.compile(
    r"(?P<scheme>://).*@[^\s'\")]*"
    r"|(?P<other>://)[^\s:/'\")]*:(?!port\b|\d{1,5}(?!\w))[^\s'\")]*"
    r"|[^\s'\"(=]*:\S*@[^\s'\")]*"
)

#: Characters shown of a value, of a name (long, since a cut name is useless), and of an error (names files).
_MAX_SHOWN, _MAX_NAME, _MAX_REASON = 60, 300, 400


def shown(value: Any) -> str:
    """Return a value as text of bounded length; containers down to a few levels."""
    return _shown(value, _MAX_SHOWN)


def named(name: Any) -> str:
    """Return a name, such as a label or a file, as quoted text; cut only beyond 300 characters."""
    return _shown(name, _MAX_NAME)


def reason(error: BaseException) -> str:
    """Return the type and the text of an error from a user's code."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        text = ""
    name = type(error).__name__
    return one_line(" ".join(f"{name}: {text}".split()), _MAX_REASON) if text else name


def printable(text: str) -> str:
    r"""Return text with every character of ``UNSHOWABLE`` escaped as ``\xNN``; keeps line breaks.

    Objectives choose the texts of their errors and results. Raw control characters in them could move the
    cursor, hide lines or send keyboard input to a terminal.
    """
    # All output of objectives passes here, so speed matters: replace each distinct character once; the
    # path for ASCII is ten times as fast.
    found = (
        text.encode().translate(None, _SHOWN_ASCII).decode() if text.isascii() else UNSHOWABLE.findall(text)
    )
    for character in set(found):
        text = text.replace(character, character.encode("unicode_escape").decode("ascii"))
    return text


def escaped(text: str) -> str:
    """Return text on one line: like ``printable``, with line breaks and tabs escaped, too."""
    return printable(text.translate(_LAYOUT))


def without_credentials(text: str) -> str:
    """Return text with user names and passwords removed from all addresses in it."""
    return _ADDRESS.sub(lambda found: f"{found['scheme'] or found['other'] or ''}...", text)


def one_line(text: str, limit: int) -> str:
    """Return text on one line, without control characters.

    Parameters
    ----------
    text : str
        Any text.
    limit : int
        Most characters of the result; longer text ends in "...". At least 3.
    """
    plain = "".join(c if c.isprintable() else " " for c in UNSHOWABLE.sub(" ", text[: limit + 1]))
    return plain if len(text) <= limit else f"{plain[: limit - 3]}..."


def _shown(value: Any, limit: int) -> str:
    try:
        text = reprlib.repr(value) if isinstance(value, list | tuple | dict | set | int) else repr(value)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything
        return f"a {type(value).__name__}"
    return one_line(text, limit)
