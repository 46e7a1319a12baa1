"""Objects that a space may refer to, and objects that it may not."""

from __future__ import annotations

import enum
from typing import Any


def double(x: float) -> float:
    return 2 * x


def shadowed() -> int:
    return 1


first_shadowed = shadowed


def shadowed() -> int:  # type: ignore[no-redef]
    return 2


def local() -> Any:
    def inner() -> None: ...

    return inner


nameless = lambda: None  # noqa: E731


class Model:
    class Inner:
        pass

    @classmethod
    def make(cls) -> Model:
        return cls()


class Color(enum.Enum):
    RED = 1


class Level(enum.IntEnum):
    HIGH = 3
