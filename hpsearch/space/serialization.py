"""A space as a document, for JSON and for BSON, the same in every process.

::

    {schema: 1,
     parameters: [{label: "clf", distribution: {name: "choice"}, options: [<value>, ...]},
                  {label: "lr", distribution: {name: "loguniform", low: -11.5, high: -2.3}}],
     operations: [{name: "mul", args: [<value>, ...]}],
     root: <value>}

``null``, bools, 64-bit integers, finite floats and strings represent themselves. Everything else is an object
with one key that names its kind::

    {parameter: label}   {operation: index}   {tuple: [<value>...]}   {dict: [[key, <value>]...]}
    {float: "nan"}   {int: "1267650600228229401496703205376"}   {bytes: base64}
    {date: iso}   {datetime: iso}   {import: "module:qualified.name"}

Users' dicts are lists of pairs, so that keys may have any type. Parameters and operations are in tables, so
that a shared node stays one node, and the document stays shallow.

Decoding imports the objects that the document names, and evaluation calls them, only as far as the reader's
``Trust`` allows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from hpsearch.errors import SpaceError
from hpsearch.runtime.escaping import named, shown
from hpsearch.space.arguments import (
    NORMALS,
    UNIFORMS,
    categorical,
    checked_label,
    equal,
    integer,
    normal,
    uniform,
)
from hpsearch.space.distribution import Categorical, Distribution, Integer, Normal, Numeric, Uniform
from hpsearch.space.expression import (
    MAX_DEPTH,
    Choice,
    DictOf,
    Literal,
    Node,
    Number,
    Operation,
    RestrictedOperation,
    TupleOf,
    children,
)
from hpsearch.space.json_checks import index, mapping, pair, raise_damaged, sequence, string, tagged
from hpsearch.space.literal import decode_literal, encode_literal
from hpsearch.space.operations import OPERATIONS
from hpsearch.space.trust import Trust

#: The version of the document's format.
SCHEMA = 1

#: Most values of a configuration, in which shared nodes may multiply.
MAX_VALUES = 1_000_000

JSON = Any


def encode(root: Node, labelled: Sequence[Number | Choice]) -> dict[str, JSON]:
    """Return the document of an expression.

    Parameters
    ----------
    root : Node
        The expression.
    labelled : sequence of Number or Choice
        Its parameters, in their order.

    Raises
    ------
    SpaceError
        If another process could not decode a value; names its place.
    """
    encoder = _Encoder()
    document: dict[str, JSON] = {
        "schema": SCHEMA,
        "root": encoder.value(root, "the space"),
        "parameters": [encoder.parameter(node) for node in labelled],
    }
    return {**document, "operations": encoder.operations}


def decode(document: Mapping[str, JSON], trust: Trust) -> Node:
    """Return the expression of a document.

    Parameters
    ----------
    document : mapping
        The result of ``encode``, perhaps modified since.
    trust : Trust
        What may be imported, now, and called, in evaluation.

    Raises
    ------
    SpaceError
        If a part is damaged, or cannot be imported; names it.
    """
    document = mapping(document, "the document")
    if document.get("schema") != SCHEMA:
        raise SpaceError(
            f"The stored space has the schema {shown(document.get('schema'))}, but this version of hpsearch "
            f"reads schema {SCHEMA}; use the version that wrote it."
        )
    root = _Decoder(document, trust).value(document.get("root"), "root", 0)
    if _n_values(root) > MAX_VALUES:
        raise_damaged(f"a configuration would have more than {MAX_VALUES} values")
    return root


def fingerprint_of(document: Mapping[str, JSON]) -> str:
    """Return the SHA-256 of a document, as 64 hexadecimal digits."""
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def _n_values(root: Node) -> int:
    """Return the largest number of values in a configuration, or in the operands of one operation."""
    known: dict[int, int] = {}
    most = 0

    def count(node: Node) -> int:
        nonlocal most
        if id(node) not in known:
            below = [count(child) for child in children(node)]
            n = 1 + (max(below, default=0) if isinstance(node, Choice) else sum(below))
            most = max(most, n)
            # The result of an operation is one value, computed once.
            known[id(node)] = 1 if isinstance(node, Operation) else n
        return known[id(node)]

    count(root)
    return most


class _Encoder:
    """Encodes nodes, and collects the table of operations."""

    def __init__(self) -> None:
        self.operations: list[JSON] = []
        self._index: dict[int, int] = {}

    def parameter(self, node: Number | Choice) -> JSON:
        """Return an entry of the table of parameters."""
        entry: dict[str, JSON] = {
            "label": node.label,
            "distribution": _encode_distribution(node.distribution),
        }
        if isinstance(node, Choice):
            entry["options"] = [
                self.value(option, f"option {i} of {named(node.label)}")
                for i, option in enumerate(node.options)
            ]
        return entry

    def value(self, node: Node, place: str) -> JSON:
        """Encode a node; ``place`` is for messages."""
        match node:
            case Literal(value):
                return encode_literal(value, place)
            case Number(label) | Choice(label):
                return {"parameter": label}
            case TupleOf(items):
                return {"tuple": [self.value(item, f"{place}[{i}]") for i, item in enumerate(items)]}
            case DictOf(pairs):
                return {
                    "dict": [
                        [
                            encode_literal(key, f"the keys of {place}"),
                            self.value(child, f"{place}[{shown(key)}]"),
                        ]
                        for key, child in pairs
                    ]
                }
            case Operation():
                return {"operation": self._operation(node, place)}
        raise TypeError(f"{type(node).__name__} is not a node of a space")

    def _operation(self, node: Operation, place: str) -> int:
        """Add an operation to the table, after its operands; return its index."""
        if id(node) not in self._index:
            where = f"{place} (in {node.name})"
            entry: dict[str, JSON] = {
                "name": node.name,
                "args": [self.value(arg, where) for arg in node.args],
            }
            if node.keywords:
                entry["keywords"] = [[key, self.value(child, where)] for key, child in node.keywords]
            self._index[id(node)] = len(self.operations)
            self.operations.append(entry)
        return self._index[id(node)]


class _Decoder:
    """Decodes values; each parameter and each operation once."""

    def __init__(self, document: Mapping[str, JSON], trust: Trust) -> None:
        self._trust = trust
        self._operation_type = RestrictedOperation if trust.is_restricted else Operation
        self._operations = sequence(document.get("operations"), "operations")
        self._parameters: dict[str, Mapping[str, JSON]] = {}
        for i, entry in enumerate(sequence(document.get("parameters"), "parameters")):
            place = f"parameters[{i}]"
            label = checked_label(string(mapping(entry, place).get("label"), f"the label of {place}"))
            if label in self._parameters:
                raise_damaged(f"two parameters have the label {named(label)}")
            self._parameters[label] = entry
        #: Decoded nodes; None while a node is being decoded, to detect cycles.
        self._done: dict[str | int, Node | None] = {}

    def value(self, value: JSON, place: str, depth: int) -> Node:
        """Decode a value at some depth; ``place`` is for messages."""
        if depth > MAX_DEPTH:
            raise_damaged(f"{place} is nested deeper than {MAX_DEPTH} levels")
        if not isinstance(value, Mapping):
            return Literal(decode_literal(value, place, self._trust))
        kind, content = tagged(value, place)
        match kind:
            case "parameter":
                return self._once(string(content, place), place, depth)
            case "operation":
                return self._once(index(content, place), place, depth)
            case "tuple":
                items = sequence(content, place)
                return TupleOf(tuple(self.value(v, f"{place}[{i}]", depth + 1) for i, v in enumerate(items)))
            case "dict":
                pairs = [pair(item, place) for item in sequence(content, place)]
                keys = [decode_literal(key, f"a key of {place}", self._trust) for key, _ in pairs]
                if len(set(keys)) < len(keys):
                    raise_damaged(f"{place} has a key twice")
                nodes = [
                    self.value(v, f"{place}[{shown(k)}]", depth + 1)
                    for k, (_, v) in zip(keys, pairs, strict=True)
                ]
                return DictOf(tuple(zip(keys, nodes, strict=True)))
            case _:
                return Literal(decode_literal(value, place, self._trust))

    def _once(self, key: str | int, place: str, depth: int) -> Node:
        """Return the node of a label or of an operation's index, decoding it on first use."""
        if key not in self._done:
            self._done[key] = None
            self._done[key] = (
                self._labelled(key, depth) if isinstance(key, str) else self._operation(key, depth)
            )
        node = self._done[key]
        if node is None:
            raise_damaged(f"{place} refers to {shown(key)}, which contains it")
        return node

    def _labelled(self, label: str, depth: int) -> Node:
        if label not in self._parameters:
            raise_damaged(f"it refers to the parameter {named(label)}, which it does not list")
        entry, place = self._parameters[label], f"the parameter {named(label)}"
        distribution = mapping(entry.get("distribution"), f"the distribution of {place}")
        name = string(distribution.get("name"), f"the distribution's name of {place}")
        if name not in {"choice", "pchoice"}:
            return Number(label, _decode_number(name, label, distribution))
        items = sequence(entry.get("options"), f"the options of {place}")
        p = equal(len(items)) if name == "choice" else sequence(distribution.get("probabilities"), place)
        if len(p) != len(items):
            raise_damaged(f"{place} has {len(items)} options, but {len(p)} probabilities")
        options = (
            self.value(item, f"option {i} of {named(label)}", depth + 1) for i, item in enumerate(items)
        )
        return Choice(label, categorical(name, label, p), tuple(options))

    def _operation(self, i: int, depth: int) -> Node:
        if not 0 <= i < len(self._operations):
            raise_damaged(f"it refers to operations[{i}], which does not exist")
        place = f"operations[{i}]"
        entry = mapping(self._operations[i], place)
        name = string(entry.get("name"), f"the name of {place}")
        if name not in OPERATIONS:
            raise_damaged(f"{place} is {shown(name)}, which this version of hpsearch does not know")
        args = (self.value(arg, place, depth + 1) for arg in sequence(entry.get("args"), place))
        pairs = [pair(item, place) for item in sequence(entry.get("keywords", []), place)]
        keywords = ((string(key, place), self.value(v, place, depth + 1)) for key, v in pairs)
        return self._operation_type(name, tuple(args), tuple(keywords))


def _encode_distribution(distribution: Distribution) -> dict[str, JSON]:
    document: dict[str, JSON] = {"name": distribution.name}
    match distribution:
        case Categorical(probabilities=probabilities, name="pchoice"):
            document["probabilities"] = list(probabilities)
        case Integer(low=low, high=high) | Numeric(latent=Uniform(low, high)):
            document |= {"low": low, "high": high}
        case Numeric(latent=Normal(mu, sigma)):
            document |= {"mu": mu, "sigma": sigma}
    if isinstance(distribution, Numeric) and distribution.q:
        document["q"] = distribution.q
    return document


def _decode_number(name: str, label: str, document: Mapping[str, JSON]) -> Numeric | Integer:
    """Return the distribution of a number; checks its arguments as ``hp`` does."""
    get = document.get
    if name not in {"randint", *UNIFORMS, *NORMALS}:
        raise_damaged(f"the parameter {named(label)} has the unknown distribution {shown(name)}")
    if name == "randint":
        return integer(label, get("low"), get("high"))  # type: ignore[arg-type]
    if name in UNIFORMS:
        return uniform(name, label, get("low"), get("high"), get("q"))  # type: ignore[arg-type]
    return normal(name, label, get("mu"), get("sigma"), get("q"))  # type: ignore[arg-type]
