#!/usr/bin/env python3
"""Make the pictures in docs/pictures: a terminal with a running search, its plots, and its live page.

Real searches of scripts/examples/digits.py and fast_models.py are run with a private MongoDB in a temporary
folder; they take some minutes. Needs the extras `terminal`, `embedded`, `plot`, `dashboard` and `examples`,
and for the page what scripts/browser installs.
"""

from __future__ import annotations

import argparse
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterator, Sequence
from pathlib import Path

from PIL import Image
from rich.console import Console
from rich.text import Text

ROOT = Path(__file__).resolve().parents[1]
FOLDER = ROOT / "docs" / "pictures"
#: Where scripts/browser installs the packages of Node.js.
BROWSER = ROOT / ".venv" / "browser"
SEARCH = ["run", "scripts/examples/digits.py", "--max-evals", "80", "--workers", "2", "--seed", "7"]
#: Of two objectives; one worker, since it measures times.
FRONT = [
    "run", "scripts/examples/fast_models.py", "--max-evals", "80", "--workers", "1", "--seed", "7",
    "--objective", "error:min", "--objective", "ms:min",
    "--limit", "megabytes <= 1", "--limit", "error <= 0.2",
]  # fmt: skip

#: The plots: a file name, and the options that make it.
PLOTS = {
    "history": ["--kind", "history"],
    "importance": ["--kind", "importance"],
    "effect": ["--kind", "effect"],
    "slice": ["--kind", "slice", *(f"--parameter={label}" for label in (
        "model", "svc_C", "rbf_gamma", "svc_kernel",
        "mlp_rate", "mlp_alpha", "forest_trees", "boosting_rate"))],
    "branches": ["--kind", "branches"],
    "parallel": ["--kind", "parallel"],
    "contour": ["--kind", "contour"],
    "sampling": ["--kind", "sampling"],
    "timeline": ["--kind", "timeline"],
}  # fmt: skip

#: Columns and rows of the terminal, and the number of finished trials at which it is shown.
COLUMNS, ROWS, SHOWN_AT = 92, 24, 56

#: Colours of a plot's file.
N_COLORS = 128

#: The control sequences of a terminal that a live view uses; colours stay in the lines.
CONTROL = re.compile(r"\x1b\[([0-9;?]*)([A-LN-Za-ln-z])|([\r\n])")
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Screen:
    """The lines of a terminal, as far as a live view moves its cursor."""

    def __init__(self) -> None:
        self.lines: list[str] = [""]
        self._row = 0

    def feed(self, output: str) -> None:
        """Apply output: text, new lines, moves of the cursor upward, and erased lines."""
        end = 0
        for found in CONTROL.finditer(output):
            self.lines[self._row] += output[end : found.start()]
            end = found.end()
            self._apply(found)
        self.lines[self._row] += output[end:]

    def _apply(self, found: re.Match[str]) -> None:
        match found[2] or found[3]:
            case "\n":
                self._row += 1
                if self._row == len(self.lines):
                    self.lines.append("")
            case "A":
                self._row = max(0, self._row - int(found[1] or 1))
            case "K":
                self.lines[self._row] = ""


def terminal_output(command: Sequence[str], env: dict[str, str]) -> Iterator[str]:
    """Run a command in a terminal, and yield what it prints."""
    main, child = pty.openpty()
    fcntl.ioctl(child, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    with subprocess.Popen(command, stdin=child, stdout=child, stderr=child, env=env, cwd=ROOT) as process:
        os.close(child)
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the last one who had the terminal open has closed it
                break
            yield part.decode(errors="replace")
    os.close(main)
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)} ended with {process.returncode}.")


def running_screen(command: Sequence[str], env: dict[str, str]) -> list[str]:
    """Run a search to its end; return the screen at the moment when enough trials have finished."""
    screen, shown = Screen(), [""]
    for output in terminal_output(command, env):
        screen.feed(output)
        found = re.search(r"(\d+)/\d+ finished", "\n".join(screen.lines[-12:]))
        if found and int(found[1]) <= SHOWN_AT:
            shown = list(screen.lines)
    return shown


def draw_terminal(lines: Sequence[str], path: Path) -> None:
    """Write a terminal's lines as an SVG that asks for no font from elsewhere."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(
            record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor"
        )
        console.print(Text(f"$ hpsearch {' '.join(SEARCH)}", style="bold"))
        for line in lines:
            console.print(Text.from_ansi(line))
        svg = console.export_svg(title="hpsearch run")
    path.write_text(FONT_FACE.sub("", svg), encoding="utf-8")


def draw_page(hpsearch: Sequence[str], env: dict[str, str], path: Path) -> None:
    """Write a picture of the live page of the search."""
    command = [*hpsearch, "dashboard", "digits", "--port", "0"]
    with subprocess.Popen(command, env=env, cwd=ROOT, stdout=subprocess.PIPE, text=True) as page:
        assert page.stdout is not None
        address = page.stdout.readline().removeprefix("Open ").strip()
        try:
            script = ["node", "scripts/page_picture.mjs", str(BROWSER), str(shutil.which("chromium"))]
            subprocess.run([*script, address, str(path)], cwd=ROOT, check=True)
        finally:
            page.terminate()


def shrink(path: Path) -> None:
    """Write a PNG again with few colours, which takes a third of the room."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(N_COLORS, Image.Quantize.MAXCOVERAGE).save(path, optimize=True)


def main(arguments: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    help_text = "Keep the search in this folder, and draw it again if it is there."
    parser.add_argument("--home", type=Path, help=help_text)
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as temporary:
        home = options.home or Path(temporary)
        env = {**os.environ, "HPSEARCH_HOME": str(home), "TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
        hpsearch = [sys.executable, "-m", "hpsearch"]
        FOLDER.mkdir(exist_ok=True)
        lines = running_screen([*hpsearch, *SEARCH], env)
        if any(lines):
            shown = [line.replace(str(home), "~/.local/share/hpsearch") for line in lines]
            draw_terminal(shown, FOLDER / "terminal.svg")
        subprocess.run([*hpsearch, *FRONT], env=env, cwd=ROOT, check=True)
        plots = {name: ["digits", *chosen] for name, chosen in PLOTS.items()}
        for name, chosen in {**plots, "front": ["fast_models", "--kind", "front"]}.items():
            file = FOLDER / f"{name}.png"
            command = [*hpsearch, "plot", *chosen, "-o", str(file)]
            subprocess.run(command, env=env, cwd=ROOT, check=True)
            shrink(file)
        if BROWSER.exists():
            draw_page(hpsearch, env, FOLDER / "page.png")
            shrink(FOLDER / "page.png")
        else:
            print("No picture of the page: run scripts/browser first.")


if __name__ == "__main__":
    main(sys.argv[1:])
