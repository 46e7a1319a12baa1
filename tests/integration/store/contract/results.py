"""Results that the tests of the contract finish trials with."""

from __future__ import annotations

from hpsearch.core.trial import Failure, FailureKind, Result

DONE = Result(loss=1.0, result={"loss": 1.0, "status": "ok"}, duration_s=2.5)
FAILED = Result(loss=None, error=Failure(kind=FailureKind.EXCEPTION, message="boom", type="ValueError"))
