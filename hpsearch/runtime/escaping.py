"""Values and errors of a user as short text on one line, for messages; pure."""

from __future__ import annotations

import re
import reprlib
from typing import Any

#: What a terminal obeys (C0 and C1 without newline and tab, DEL), what ends a line for some readers,
#: what turns the direction of writing, what has no width, so that two texts look the same, and
#: halves of characters, which no encoding has.
UNSHOWABLE = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff"
    r"\u115f\u1160\u17b4\u17b5\u180b-\u180f\u3164\uffa0\ufe00-\ufe0d\ufeff\ufff0-\ufffb"
    r"\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: The bytes of ASCII text that are shown as they are.
_SHOWN_ASCII = bytes(code for code in range(128) if not UNSHOWABLE.match(chr(code)))
_LAYOUT = str.maketrans({"\n": r"\n", "\t": r"\t"})

#: What may hold a password: an address with an "@", be it a URI or user:password@host, and one
#: without, whose first colon is not that of a port or of an example.
_ADDRESS = re.compile(
    r"(?P<scheme>://).*@[^\s'\")]*"
    r"|(?P<other>://)[^\s:/'\")]*:(?!port\b|\d{1,5}(?!\w))[^\s'\")]*"
    r"|[^\s'\"(=]*:\S*@[^\s'\")]*"
)

#: Characters of a value; of a name, which says nothing once it is cut; and of an error, which names files.
_MAX_SHOWN, _MAX_NAME, _MAX_REASON = 60, 300, 400


def shown(value: Any) -> str:
    """Return a value as text of bounded length; containers down to a few levels, so that none is too deep."""
    return _shown(value, _MAX_SHOWN)


def named(name: Any) -> str:
    """Return what names something, such as a label or a file, as text: quoted, whole unless it is absurd."""
    return _shown(name, _MAX_NAME)


def reason(error: BaseException) -> str:
    """Return the text of an error that a user's code raised, with its type."""
    try:
        text = str(error)
    except Exception:  # noqa: BLE001 - a foreign __str__ may raise anything
        text = ""
    name = type(error).__name__
    return one_line(" ".join(f"{name}: {text}".split()), _MAX_REASON) if text else name


def printable(text: str) -> str:
    r"""Return a text of one or more lines with every character of ``UNSHOWABLE`` written as ``\xNN``.

    An objective chooses the words of its errors and results; in a terminal, raw control
    characters of theirs could move the cursor, hide lines or answer for the keyboard.
    """
    # All that objectives print passes here, so that the cost counts: few characters differ, however
    # many there are, and ASCII has a way of its own that is ten times as fast.
    found = (
        text.encode().translate(None, _SHOWN_ASCII).decode() if text.isascii() else UNSHOWABLE.findall(text)
    )
    for character in set(found):
        text = text.replace(character, character.encode("unicode_escape").decode("ascii"))
    return text


def escaped(text: str) -> str:
    """Return a text on one line: as ``printable`` does, and line breaks and tabs escaped, too."""
    return printable(text.translate(_LAYOUT))


def without_credentials(text: str) -> str:
    """Return a sentence in which no address has a user and a password, wherever it repeats one."""
    return _ADDRESS.sub(lambda found: f"{found['scheme'] or found['other'] or ''}...", text)


def one_line(text: str, limit: int) -> str:
    """Return text of so many characters at most, on one line, without what a terminal would obey."""
    plain = "".join(c if c.isprintable() else " " for c in UNSHOWABLE.sub(" ", text[: limit + 1]))
    return plain if len(text) <= limit else f"{plain[: limit - 3]}..."


def _shown(value: Any, limit: int) -> str:
    try:
        text = reprlib.repr(value) if isinstance(value, list | tuple | dict | set | int) else repr(value)
    except Exception:  # noqa: BLE001 - a foreign __repr__ may raise anything
        return f"a {type(value).__name__}"
    return one_line(text, limit)
