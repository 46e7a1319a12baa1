"""Command lines and configuration files with holes for the parameters of a trial.

``{lr}`` is a parameter by its label, ``{lr:.3e}`` the same in a format of Python, and ``{?amp:--use-amp}`` a
word that stands only if the parameter is true. Other text in braces stays as it is. A command is a list of
words that no shell reads, so a value is always a part of one word.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.spelling import did_you_mean

#: Holes that are no parameters: files and folders of the trial, and its numbers.
RESERVED = ("config", "workdir", "tid", "attempt", "seed")

_BRACES = re.compile(r"\{(\??)([^{}]*)\}")

#: What may be meant as the name of a hole, unlike pieces of JSON.
_NAME = re.compile(r"[A-Za-z_][\w.-]*")

_SHELLS = frozenset({"sh", "bash", "dash", "ksh", "zsh"})


@dataclass(frozen=True, slots=True)
class _Hole:
    """A place for a value."""

    name: str  #: a label or one of ``RESERVED``
    form: str  #: format specification; of a word that may be missing, the word
    is_switch: bool  #: whether it is such a word


#: The parts of a word: text and holes.
_Parts = tuple[str | _Hole, ...]


@dataclass(frozen=True, slots=True)
class Template:
    """A command line with holes.

    Parameters
    ----------
    words : tuple of str
        The command and its arguments.
    labels : tuple of str
        The labels of the search space.
    """

    words: tuple[str, ...]
    labels: tuple[str, ...]

    def check(self) -> None:
        """Check the holes.

        Raises
        ------
        ConfigurationError
            If a label is the name of a reserved hole, a hole is misspelt, or one stands in a script for a
            shell, which would interpret the value.
        """
        if shadowed := sorted(set(RESERVED) & set(self.labels)):
            raise ConfigurationError(
                f"The parameter {shadowed[0]!r} has the name of a hole for commands; give it another label."
            )
        for word in self.words:
            check_holes(word, self.labels)
        if PurePath(self.words[0]).name in _SHELLS and "-c" in self.words[:-1]:
            script = self.words[self.words.index("-c") + 1]
            if holes := _holes(_parts(script, self.labels)):
                raise ConfigurationError(
                    f"The shell would interpret the value of {{{holes[0].name}}} as a part of its script; "
                    f"pass it as an argument: sh -c 'train --lr \"$1\"' sh {{{holes[0].name}}}"
                )

    def uses(self, name: str) -> bool:
        """Whether a hole has some name."""
        return any(hole.name == name for word in self.words for hole in _holes(_parts(word, self.labels)))

    def render(self, values: Mapping[str, Any]) -> list[str]:
        """Return the command line of a trial.

        A word with a parameter that is not active or None is left out, and so is the option before it.

        Parameters
        ----------
        values : mapping
            The active parameters by label, and the values of the reserved holes.

        Raises
        ------
        ConfigurationError
            If a format does not fit a value.
        """
        rendered: list[str] = []
        previous_option = False
        for word in self.words:
            parts = _parts(word, self.labels)
            text = _rendered(parts, values)
            if text is not None:
                rendered.append(text)
            elif previous_option and len(parts) == 1 and not _is_switch(parts[0]):
                rendered.pop()
            previous_option = text == word and word.startswith("-") and word != "--"
        return rendered


def check_holes(text: str, labels: Sequence[str]) -> None:
    """Check that no hole of a text is misspelt.

    Parameters
    ----------
    text : str
        A word of a command, or the text of a configuration file.
    labels : sequence of str
        The labels of the search space.

    Raises
    ------
    ConfigurationError
        If something in braces is close to a name that a hole may have.
    """
    known = [*labels, *RESERVED]
    for match in _BRACES.finditer(text):
        name = match[2].partition(":")[0]
        if _hole(match, labels) is None and (match[1] or _NAME.fullmatch(name)):
            hint = did_you_mean(name, known)
            if hint or match[1]:
                raise ConfigurationError(f"There is no parameter for {match[0]}{hint}.")


def fill(text: str, labels: Sequence[str], values: Mapping[str, Any]) -> str:
    """Return a configuration file with its holes filled; a parameter that is not active becomes ``null``.

    Parameters
    ----------
    text : str
        The text of the file.
    labels : sequence of str
        The labels of the search space.
    values : mapping
        As for ``Template.render``.

    Raises
    ------
    ConfigurationError
        If a format does not fit a value.
    """
    filled = (_rendered((part,), values) for part in _parts(text, labels))
    return "".join("null" if part is None else part for part in filled)


def command_name(words: Sequence[str]) -> str:
    """Return a name for a search of a command: that of its first file, else of the program."""
    files = (PurePath(word) for word in words[1:] if not word.startswith("-") and "{" not in word)
    return next((file.stem for file in files if file.suffix and file.stem), PurePath(words[0]).stem)


def command_text(words: Sequence[str]) -> str:
    """Return a command as one writes it in a shell."""
    return shlex.join(words)


def _parts(text: str, labels: Sequence[str]) -> _Parts:
    """Return the text between holes, and the holes."""
    parts: list[str | _Hole] = []
    end = 0
    for match in _BRACES.finditer(text):
        hole = _hole(match, labels)
        if hole is not None:
            if match.start() > end:
                parts.append(text[end : match.start()])
            parts.append(hole)
            end = match.end()
    if end < len(text) or not parts:
        parts.append(text[end:])
    return tuple(parts)


def _hole(match: re.Match[str], labels: Sequence[str]) -> _Hole | None:
    """Return the hole that some braces are; a label may contain colons."""
    is_switch, inner = bool(match[1]), match[2]
    known = {*labels, *RESERVED}
    if inner in known and not is_switch:
        return _Hole(inner, "", is_switch=False)
    for colon in reversed([m.start() for m in re.finditer(":", inner)]):
        if inner[:colon] in known:
            return _Hole(inner[:colon], inner[colon + 1 :], is_switch)
    return None


def _holes(parts: _Parts) -> list[_Hole]:
    return [part for part in parts if isinstance(part, _Hole)]


def _is_switch(part: str | _Hole) -> bool:
    return isinstance(part, _Hole) and part.is_switch


def _rendered(parts: _Parts, values: Mapping[str, Any]) -> str | None:
    """Return the text of a word; None if it is left out."""
    texts = []
    for part in parts:
        if isinstance(part, str):
            texts.append(part)
            continue
        value = values.get(part.name)
        if value is None or (part.is_switch and not value):
            return None
        texts.append(part.form if part.is_switch else _text(value, part))
    return "".join(texts)


def _text(value: Any, hole: _Hole) -> str:
    """Return a value as programs read it: integral floats without a fraction, booleans as in JSON."""
    if hole.form:
        try:
            return format(value, hole.form)
        except (ValueError, TypeError) as error:
            raise ConfigurationError(
                f"The format of {{{hole.name}:{hole.form}}} does not fit the value {value!r} ({error})."
            ) from error
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return json.dumps(value) if isinstance(value, bool) else repr(value)
