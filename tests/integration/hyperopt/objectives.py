"""Objectives in a module that workers import."""

from __future__ import annotations

import time
from pathlib import Path

from hpsearch import STATUS_FAIL, STATUS_OK


def square(config):
    return config["x"] ** 2


def with_extras(config):
    return {"loss": config["x"] ** 2, "status": STATUS_OK, "k": config["k"], "attachments": {"log": b"seen"}}


def fussy(config):
    """Fail in one of three ways below zero."""
    if config["x"] < -3:
        raise ValueError("too low")
    if config["x"] < -1:
        return {"status": STATUS_FAIL, "why": "low"}
    return float("nan") if config["x"] < 0 else config["x"]


def raises(config):
    raise ValueError("no luck")


def waits(config):
    """Evaluate until somebody makes the file ``go_on`` here."""
    while not Path("go_on").exists():
        time.sleep(0.01)
    return config["x"]
