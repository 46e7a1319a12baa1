"""Objectives in a module that workers import."""

from __future__ import annotations

from typing import Any

from hpsearch import STATUS_FAIL, STATUS_OK
from hpsearch.hyperopt.pyll import rec_eval


def square(config: Any) -> Any:
    return config["x"] ** 2


def with_extras(config: Any) -> Any:
    return {"loss": config["x"] ** 2, "status": STATUS_OK, "k": config["k"], "attachments": {"log": b"seen"}}


def fussy(config: Any) -> Any:
    """Fail in one of three ways below zero."""
    if config["x"] < -3:
        raise ValueError("too low")
    if config["x"] < -1:
        return {"status": STATUS_FAIL, "why": "low"}
    return float("nan") if config["x"] < 0 else config["x"]


def raises(config: Any) -> None:
    raise ValueError("no luck")


def with_ctrl(expr: Any, memo: Any, ctrl: Any) -> Any:
    """Take what ``pass_expr_memo_ctrl`` gives."""
    ctrl.attachments["tid"] = str(ctrl.current_trial["tid"]).encode()
    return rec_eval(expr, memo=memo)["x"]


def two_losses(config: dict[str, Any]) -> dict[str, Any]:
    return {"x": config["x"], "losses": {"y": config["x"] ** 2 - 9}}
