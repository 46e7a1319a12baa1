"""Spaces as JSON, between ``process`` and ``serve``. Options are known by their index alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple
from typing import Any

from problems.space import Choice, Float, Int, Normal, Parameter, Space

_NUMBERS = {"float": Float, "int": Int, "normal": Normal}


def encode(space: Space) -> dict[str, Any]:
    """Return a space as a JSON document."""
    return {label: _encode(parameter) for label, parameter in space.items()}


def decode(document: Mapping[str, Any]) -> Space:
    """Return the space of a document; the options of choices are their indices."""
    return {label: _decode(*fields) for label, fields in document.items()}


def _encode(parameter: Parameter) -> list[Any]:
    if isinstance(parameter, Choice):
        return ["choice", *map(encode, parameter.spaces)]
    return [type(parameter).__name__.lower(), *astuple(parameter)]


def _decode(kind: str, *fields: Any) -> Parameter:
    if kind == "choice":
        return Choice.nested(dict(enumerate(map(decode, fields))))
    parameter: Parameter = _NUMBERS[kind](*fields)
    return parameter
