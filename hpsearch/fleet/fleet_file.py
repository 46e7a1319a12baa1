"""The file that describes a fleet: hosts, and the workers on each.

::

    exp_key = "cifar"                     # the search that the workers serve; by default all
    directory = "search"                  # on each host: where the code of the objective is
    command = ["search/.venv/bin/hpsearch"]
    options = ["--gpus", "auto"]          # of `hpsearch worker`

    [[host]]
    address = "gpu1.example"              # as for ssh
    workers = 2

    [[host]]
    address = "me@gpu2.example"
    ssh = ["-p", "2222"]                  # options of ssh

Whatever stands above the hosts applies to those that do not set it.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.escaping import reason
from hpsearch.runtime.spelling import did_you_mean

#: Names of a fleet, which are names of folders.
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}")

#: Keys of a host, those of the whole file, and the type of each.
_TYPES: Mapping[str, type] = {
    "address": str,
    "workers": int,
    "directory": str,
    "command": list,
    "options": list,
    "ssh": list,
    "exp_key": str,
    "name": str,
    "host": list,
}
_NOUNS: Mapping[type, str] = {str: "a text", int: "a whole number", list: "a list"}
_OF_HOST = ("address", "workers", "directory", "command", "options", "ssh")
_OF_FILE = ("name", "exp_key", "host", *(key for key in _OF_HOST if key != "address"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """A machine with workers."""

    address: str  #: as for ssh: a name, or ``user@name``
    workers: int = 1  #: number of worker processes
    directory: str = "."  #: where they run, relative to the user's home
    command: tuple[str, ...] = ("hpsearch",)  #: words that start hpsearch; a path is relative to the home
    options: tuple[str, ...] = ()  #: of ``hpsearch worker``
    ssh: tuple[str, ...] = ()  #: options of ssh


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """What a file describes."""

    name: str  #: distinguishes the fleets of a user on a host
    exp_key: str | None
    hosts: tuple[Host, ...]


def read_fleet(path: Path) -> Fleet:
    """Return the fleet of a file.

    Raises
    ------
    ConfigurationError
        If the file cannot be read or is invalid; names the place.
    """
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"The fleet {path} cannot be read: {reason(error)}.") from error
    _check(found, _OF_FILE, str(path))
    name = found.pop("name", path.stem)
    if not _NAME.fullmatch(name):
        raise ConfigurationError(f"{path}: name is {name!r}; use letters, digits, dots, - and _.")
    exp_key, tables = found.pop("exp_key", None), found.pop("host", [])
    hosts = []
    for index, table in enumerate(tables):
        place = f"{path}: host {index + 1}"
        if not isinstance(table, Mapping):
            raise ConfigurationError(f"{place} is not a table; write [[host]].")
        _check(table, _OF_HOST, place)
        hosts.append(_host({**found, **table}, place))
    if not hosts:
        raise ConfigurationError(f"{path} has no hosts; add [[host]] with an address.")
    addresses = [host.address for host in hosts]
    for address in addresses:
        if addresses.count(address) > 1 and len({h.ssh for h in hosts if h.address == address}) == 1:
            raise ConfigurationError(f"{path} has the host {address!r} twice; give it more workers instead.")
    return Fleet(name=name, exp_key=exp_key, hosts=tuple(hosts))


def _check(table: Mapping[str, Any], known: tuple[str, ...], place: str) -> None:
    """Check the keys of a table and the types of their values."""
    for key, value in table.items():
        if key not in known:
            hint = did_you_mean(key, known)
            raise ConfigurationError(
                f"{place} has an unknown key {key!r}{hint}; there are {', '.join(known)}."
            )
        wanted = _TYPES[key]
        if not isinstance(value, wanted) or isinstance(value, bool):
            raise ConfigurationError(f"{place}: {key} is {value!r}, not {_NOUNS[wanted]}.")
        if isinstance(value, list) and key != "host" and not all(isinstance(word, str) for word in value):
            raise ConfigurationError(f"{place}: {key} must be a list of words.")


def _host(table: Mapping[str, Any], place: str) -> Host:
    address = table.get("address", "")
    # ssh would take an address that begins with a dash for an option.
    if not address or address.startswith("-") or not address.isprintable() or " " in address:
        raise ConfigurationError(f"{place}: address is {address!r}, not the address of a host.")
    if table.get("workers", 1) < 0:
        raise ConfigurationError(f"{place}: workers is {table['workers']}, below 0.")
    if table.get("command") == []:
        raise ConfigurationError(f"{place}: command is empty.")
    settings: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    return Host(**settings)
