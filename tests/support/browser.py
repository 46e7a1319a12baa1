"""A real Chromium, which a script of Node.js drives."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

REPOSITORY = Path(__file__).parents[2]
#: Where ``scripts/browser`` installs the packages of Node.js.
PACKAGES = REPOSITORY / ".venv" / "browser"


class Browser:
    """Sends commands to ``browser.mjs``; one after the other.

    Parameters
    ----------
    process : Popen
        The script.
    """

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def __call__(self, command: str, **arguments: Any) -> Any:
        """Return the answer to a command; fails with what the browser says."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "the browser has ended"
        answer = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer["value"]


def missing() -> str | None:
    """Return what keeps a browser from starting; None if nothing does."""
    if shutil.which("chromium") is None or shutil.which("node") is None:
        return "there is no chromium, or no node: run scripts/browser"
    return None if (PACKAGES / "node_modules").exists() else "run scripts/browser"


@contextmanager
def started_browser() -> Iterator[Browser]:
    """Start a browser, and end it."""
    node, chromium = shutil.which("node"), shutil.which("chromium")
    assert node is not None
    assert chromium is not None
    script = Path(__file__).with_name("browser.mjs")
    process = subprocess.Popen(
        [node, str(script), str(PACKAGES), chromium],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        yield Browser(process)
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)
