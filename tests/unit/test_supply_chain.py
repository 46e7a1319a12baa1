"""What the scripts let through that look at our dependencies, what they stop, and what they ask for."""

from __future__ import annotations

import importlib.util
import itertools
import json
import sys
import tomllib
from email.message import Message
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

SCRIPTS = Path(__file__).parents[2] / "scripts"


def loaded(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"scripts_{name}", SCRIPTS / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where dataclasses look their annotations up
    spec.loader.exec_module(module)
    return module


licences, audit, lowest = loaded("licences"), loaded("audit"), loaded("lowest")


@pytest.mark.parametrize(
    ("expression", "is_allowed"),
    [
        ("MIT", True),
        ("GPL-3.0-only", False),
        ("MIT AND Zlib", True),
        ("MIT AND GPL-3.0-only", False),
        ("GPL-3.0-only OR MIT", True),
        ("GPL-3.0-only OR MIT AND AGPL-3.0-only", False),
        ("MIT AND (Zlib OR GPL-3.0-only)", False),  # not understood
        ("", False),
    ],
)
def test_a_licence_must_be_allowed_in_all_its_parts_or_in_one_alternative(
    expression: str, is_allowed: bool
) -> None:
    assert licences.is_allowed(expression, {"MIT", "Zlib"}) is is_allowed


@pytest.mark.parametrize(
    ("fields", "stated"),
    [
        ([("License-Expression", "BSD-3-Clause"), ("License", "see LICENSE")], "BSD-3-Clause"),
        ([("Classifier", "License :: OSI Approved :: MIT License"), ("License", "x")], "MIT"),
        (
            [
                ("Classifier", "License :: OSI Approved :: MIT License"),
                ("Classifier", "License :: OSI Approved :: BSD License"),
            ],
            "MIT AND BSD-3-Clause",
        ),
        ([("Classifier", "License :: OSI Approved :: Eiffel Forum License")], None),
        ([("License", "MPL-2.0 AND MIT")], "MPL-2.0 AND MIT"),
        ([("License", "Copyright (c) 2001\nAll rights")], None),
        ([], None),
    ],
)
def test_metadata_of_any_age_is_read_and_what_is_not_understood_is_unknown(
    fields: Any, stated: str | None
) -> None:
    metadata = Message()
    for name, value in fields:
        metadata.add_header(name, value)

    assert licences.stated(SimpleNamespace(metadata=metadata)) == stated


def test_the_closure_holds_what_our_dependencies_depend_on() -> None:
    """Pymongo alone brings dnspython, the extra plot brings pillow."""
    assert {"numpy", "pymongo", "dnspython"} <= licences.needed("hpsearch", ())
    assert "pillow" not in licences.needed("hpsearch", ())
    assert "pillow" in licences.needed("hpsearch", {"plot"})


CLEAN = {"name": "numpy", "version": "2.4.6", "vulns": []}
SKIPPED = {"name": "scipy", "skip_reason": "Dependency not found"}
HIT = {"name": "click", "version": "8.5.1", "vulns": [{"id": "PYSEC-1", "fix_versions": ["8.5.2"]}]}


@pytest.mark.parametrize(
    ("packages", "exit_code", "text"),
    [
        ([CLEAN], 0, "none of 1 packages is known to be vulnerable"),
        ([SKIPPED, SKIPPED], 75, "skipped: the vulnerability service knows none of 2 packages"),
        ([CLEAN, SKIPPED], 75, "incomplete: no answer about scipy"),
        ([CLEAN, HIT, SKIPPED], 1, "click 8.5.1: PYSEC-1, mended in 8.5.2"),
    ],
)
def test_a_package_that_nobody_could_look_up_is_not_called_clean(
    packages: list[Any], exit_code: int, text: str
) -> None:
    found = audit.verdict(json.dumps({"dependencies": packages, "fixes": []}), "")

    assert found.exit_code == exit_code
    assert text in found.text


def test_without_a_report_the_last_words_say_why() -> None:
    found = audit.verdict("", "Traceback\nConnectionError: no route to host\n")

    assert found.exit_code == 75
    assert found.text == (
        "audit skipped: no vulnerability service could be asked (ConnectionError: no route to host)."
    )


def test_the_oldest_version_that_a_requirement_allows_is_asked_for() -> None:
    texts = ["numpy>=2.4", "a==1.0; sys_platform == 'linux'", "b[x]<3,>=2.1", "hpsearch[plot]"]

    assert list(lowest.constraints(texts)) == ['a==1.0; sys_platform == "linux"', "b==2.1", "numpy==2.4"]


def test_a_requirement_without_a_lower_bound_is_refused() -> None:
    with pytest.raises(ValueError, match="click<9 has no lower bound"):
        list(lowest.constraints(["click<9"]))


def test_every_requirement_is_locked_to_a_version_that_it_allows() -> None:
    project = tomllib.loads((SCRIPTS.parent / "pyproject.toml").read_text())["project"]
    not_in_tests = {"torch", "mlflow"}
    extras = {
        name: texts for name, texts in project["optional-dependencies"].items() if name not in not_in_tests
    }
    lines = [line for line in (SCRIPTS / "lock.txt").read_text().splitlines() if not line.startswith("#")]
    locked = {
        canonicalize_name(name): version for name, _, version in (line.partition("==") for line in lines)
    }
    requirements = [Requirement(text) for text in itertools.chain(project["dependencies"], *extras.values())]

    unmet = [
        str(requirement)
        for requirement in requirements
        if requirement.name != "hpsearch"
        and not requirement.specifier.contains(locked.get(canonicalize_name(requirement.name), "0"))
    ]

    assert unmet == []
