"""Short names of the options of a choice: what people call them, such as ``adam``, ``svc`` or ``rbf``.

A scalar is its own name. A dict is named by the item that tells the options apart, such as
``{"kind": "svc", ...}``, a tuple by its first text, a function, a class or a parameter by its name. The names
within a choice are distinct; an option without a name of its own is called ``option 2``, with its index.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from hpsearch.runtime.escaping import shown
from hpsearch.space.expression import Choice, DictOf, Literal, Node, Number, Operation, TupleOf, children
from hpsearch.space.format import short_text
from hpsearch.space.literal import is_scalar
from hpsearch.space.trust import Reference, qualname_of

#: Characters of a name.
_MAX_NAME = 40

#: Keys under which people write what a dict is, the most telling first.
_TELLING_KEYS = ("name", "kind", "type", "model", "class", "algorithm", "method")


def option_names(options: Sequence[Node]) -> tuple[str, ...]:
    """Return a name for each option of a choice; no two are equal.

    Parameters
    ----------
    options : sequence of Node
        The options.
    """
    key = _distinguishing_key([option for option in options if isinstance(option, DictOf)])
    found = [_name(option, key) for option in options]
    texts = Counter(found)
    # Two scalars may have the same text, such as 1 and "1"; as values they differ.
    return tuple(
        name if name is not None and (texts[name] == 1 or _is_scalar(option)) else f"option {index}"
        for index, (option, name) in enumerate(zip(options, found, strict=True))
    )


def readable_options(options: Sequence[Node]) -> tuple[Any, ...]:
    """Return what a person reads for each option of a choice: a scalar itself, or else the option's name.

    Parameters
    ----------
    options : sequence of Node
        The options.
    """
    return tuple(
        option.value if isinstance(option, Literal) and is_scalar(option.value) else name
        for option, name in zip(options, option_names(options), strict=True)
    )


def _name(option: Node, key: str | None) -> str | None:
    """Return the name of an option, None if it has none; ``key`` distinguishes the dicts."""
    match option:
        case Literal(value):
            return _cut(_text(value))
        case Number(label) | Choice(label):
            return _cut(label)
        case Operation("call" | "partial", (Literal(function), *_)):
            return _cut(_text(function))
        case DictOf(pairs) if key is not None and isinstance(node := dict(pairs)[key], Literal):
            text = _text(node.value)
            is_word = isinstance(node.value, str) or not is_scalar(node.value)
            return _cut(text if is_word else f"{key}={text}")
        case DictOf(((str(only), _),)):
            return _cut(only)
        case TupleOf((Literal(str() as first), *_)):
            return _cut(_text(first))
    return _constant_text(option)


def _distinguishing_key(dicts: Sequence[DictOf]) -> str | None:
    """Return the key whose constant values tell all dicts apart, None if there is none."""
    constants = [
        {k: v.value for k, v in d.items if isinstance(k, str) and isinstance(v, Literal) and _is_telling(v)}
        for d in dicts
    ]
    if not constants:
        return None
    shared = [k for k in constants[0] if all(k in found for found in constants)]
    telling = [k for k in shared if len({_text(found[k]) for found in constants}) == len(dicts)]
    return min(telling, key=lambda k: _rank(k, [found[k] for found in constants]), default=None)


def _rank(key: str, values: Sequence[object]) -> tuple[bool, int, str]:
    """Sort key of distinguishing keys: texts before numbers, then the usual words."""
    word = _TELLING_KEYS.index(key) if key in _TELLING_KEYS else len(_TELLING_KEYS)
    return not all(isinstance(value, str) for value in values), word, key


def _is_telling(node: Literal) -> bool:
    return _is_scalar(node) or isinstance(node.value, Reference) or qualname_of(node.value) is not None


def _is_scalar(option: Node) -> bool:
    return isinstance(option, Literal) and is_scalar(option.value)


def _text(value: object) -> str:
    """Return a constant as a name; of a function or class the last part of its name."""
    if isinstance(value, Reference):
        return value.partition(":")[2].rpartition(".")[2]
    if isinstance(value, str):
        return value
    name = qualname_of(value)
    return shown(value) if name is None else name.rpartition(".")[2]


def _cut(name: str) -> str:
    return name if len(name) <= _MAX_NAME else f"{name[: _MAX_NAME - 1]}…"


def _constant_text(option: Node) -> str | None:
    """Return the text of an option without parameters, such as ``(64, 32)``; None if it is long."""
    stack, n = [option], 0
    while stack and n < _MAX_NAME:
        node = stack.pop()
        if isinstance(node, Number | Choice):
            return None
        stack.extend(children(node))
        n += 1
    text = short_text(option, _MAX_NAME + 1)
    return text if len(text) <= _MAX_NAME and "..." not in text else None
