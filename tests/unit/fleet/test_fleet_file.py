"""Files that describe a fleet."""

from __future__ import annotations

from pathlib import Path

import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.fleet.fleet_file import Host, read_fleet

TEXT = """
exp_key = "cifar"
directory = "search"
options = ["--gpus", "auto"]

[[host]]
address = "gpu1.example"
workers = 2

[[host]]
address = "me@gpu2.example"
directory = "/srv/search"
ssh = ["-p", "2222"]
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "lab.toml"
    path.write_text(text)
    return path


def test_what_stands_above_the_hosts_applies_to_those_that_do_not_set_it(tmp_path: Path) -> None:
    fleet = read_fleet(written(tmp_path, TEXT))
    assert (fleet.name, fleet.exp_key) == ("lab", "cifar")
    options = ("--gpus", "auto")
    assert fleet.hosts == (
        Host(address="gpu1.example", workers=2, directory="search", options=options),
        Host(address="me@gpu2.example", directory="/srv/search", options=options, ssh=("-p", "2222")),
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("workers = ", r"lab.toml cannot be read"),
        ("workers = 2", r"has no hosts; add \[\[host\]\]"),
        ("host = [3]", r"host 1 is not a table"),
        ("[[host]]\nworkers = 2", r"host 1: address is ''"),
        ('[[host]]\naddress = "-oProxyCommand=x"', r"address is '-oProxyCommand=x', not the address"),
        ('[[host]]\naddress = "a"\nworker = 2', r"unknown key 'worker'.*workers"),
        ('[[host]]\naddress = "a"\nworkers = "2"', r"workers is '2', not a whole number"),
        ('[[host]]\naddress = "a"\nworkers = true', r"workers is True, not a whole number"),
        ('[[host]]\naddress = "a"\nworkers = -1', r"workers is -1, below 0"),
        ('[[host]]\naddress = "a"\noptions = [1]', r"options must be a list of words"),
        ('[[host]]\naddress = "a"\ncommand = []', r"command is empty"),
        ('name = "../x"\n[[host]]\naddress = "a"', r"name is '../x'"),
        ('[[host]]\naddress = "a"\n[[host]]\naddress = "a"', r"has the host 'a' twice"),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        read_fleet(written(tmp_path, text))
