from __future__ import annotations

from typing import Any

import pytest

from hpsearch.errors import ConfigurationError
from hpsearch.suggest.names import PRUNERS
from hpsearch.suggest.stopping.rules import make_rule


@pytest.mark.parametrize("name", sorted(PRUNERS.keys() - {"none", "threshold"}))
def test_each_rule_has_defaults(name: str) -> None:
    assert make_rule(name, {}, max_resource=50, min_resource=3).name == name


@pytest.mark.parametrize(
    ("name", "options", "sentence"),
    [
        ("atuo", {}, "There is no pruner 'atuo' (did you mean 'auto'?)"),
        ("auto", {"detla": 0.1}, "The pruner auto has no option 'detla' (did you mean 'delta'?)"),
        (
            "auto",
            {"delta": 2},
            "The option delta of the pruner auto must be a number from 0 up, below 1, not 2.",
        ),
        ("auto", {"exempt": "all"}, "must be a number from 0 up"),
        ("asha", {"eta": 1}, "The option eta of the pruner asha must be a number from 1.5 up, not 1."),
        ("hyperband", {"eta": 1}, "of the pruner hyperband"),
        ("median", {"min_trials": 0}, "must be a number from 1 up"),
        ("threshold", {}, "The pruner threshold needs the option lower or upper."),
        ("paired", {"p": True}, "must be a number"),
        ("paired", {"maximize": 1}, "must be true or false"),
    ],
)
def test_a_wrong_option_is_named_in_one_sentence(name: str, options: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_rule(name, options)
    assert sentence in str(caught.value)


def test_a_resource_must_be_positive() -> None:
    with pytest.raises(ConfigurationError, match="--max-resource must be a step above 0"):
        make_rule("auto", {}, max_resource=0)
