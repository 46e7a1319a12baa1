"""Command lines and configuration files with holes."""

from __future__ import annotations

import shlex
from typing import Any

import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.objective.command.template import Template, check_holes, command_name, fill

LABELS = ("lr", "units", "amp", "momentum", "opt", "a:b", "layer.1")
HOSTILE = 'a b\'; rm -rf $HOME "$(touch x)" {lr}'
VALUES: dict[str, Any] = {
    "lr": 1e-05,
    "units": 128.0,
    "amp": True,
    "opt": HOSTILE,
    "a:b": 0.1 + 0.2,
    "layer.1": False,
    "tid": 17,
    "config": "/tmp/c",
}


def template(text: str) -> Template:
    return Template(tuple(shlex.split(text)), LABELS)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train --lr {lr} --units {units}", ["train", "--lr", "1e-05", "--units", "128"]),
        ("train --lr={lr:.3e} x{units}y{tid}", ["train", "--lr=1.000e-05", "x128y17"]),
        ("train {a:b} {a:b:.2f} {layer.1}", ["train", "0.30000000000000004", "0.30", "false"]),
        ("train {amp} {?amp:--use-amp} {?layer.1:--deep}", ["train", "true", "--use-amp"]),
        ("train --opt {opt} {config}", ["train", "--opt", HOSTILE, "/tmp/c"]),
        # A parameter that is not active takes its word with it, and the option before the word.
        ("train --momentum {momentum} --lr {lr}", ["train", "--lr", "1e-05"]),
        ("train --momentum={momentum} --nesterov x{momentum} y", ["train", "--nesterov", "y"]),
        ("train -- {momentum} --lr {?momentum:-m} {lr}", ["train", "--", "--lr", "1e-05"]),
        ("""train {} '{"lr":1}' {0} {nothing}""", ["train", "{}", '{"lr":1}', "{0}", "{nothing}"]),
        ("""train '{"a": {"b": "{lr}"}}'""", ["train", '{"a": {"b": "1e-05"}}']),
    ],
)
def test_the_words_of_a_trial(text: str, words: list[str]) -> None:
    assert template(text).render(VALUES) == words


def test_a_parameter_that_is_none_is_left_out() -> None:
    assert template("train --lr {lr}").render({"lr": None}) == ["train"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("train --lr {unit}", "There is no parameter for {unit} .*units"),
        ("train {?ampp:--amp}", "There is no parameter for {.ampp:--amp} .*amp"),
        ("sh -c 'train --lr {lr}'", "The shell would interpret the value of {lr}"),
        ("/bin/bash -e -c 'train {opt}' x", "The shell would interpret the value of {opt}"),
    ],
)
def test_a_wrong_hole_is_refused(text: str, words: str) -> None:
    with pytest.raises(ConfigurationError, match=words):
        template(text).check()


def test_a_shell_may_get_values_as_arguments() -> None:
    template("""sh -c 'train --lr "$1"' sh {lr}""").check()


def test_a_label_with_the_name_of_another_hole_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="'config' has the name of a hole"):
        Template(("train",), ("config",)).check()


def test_a_format_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"\{opt:d\} does not fit"):
        template("train {opt:d}").render(VALUES)


def test_a_configuration_file_is_filled() -> None:
    text = "lr: {lr}\nmomentum: {momentum}\namp: {amp}\nother: {x: 1, y: [{units}]}\n"
    check_holes(text, LABELS)
    filled = fill(text, LABELS, VALUES)
    assert filled == "lr: 1e-05\nmomentum: null\namp: true\nother: {x: 1, y: [128]}\n"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("python train.py --lr {lr}", "train"),
        ("torchrun --nproc 2 lib/fit.py", "fit"),
        ("./solve {config}", "solve"),
        ("Rscript model.R", "model"),
    ],
)
def test_a_search_is_named_after_its_program(text: str, name: str) -> None:
    assert command_name(shlex.split(text)) == name
