"""The log of a local worker, rotated by the process that writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WRITER = """
import os, sys, time
from pathlib import Path
from hpsearch_worker.log_file import LogFile
LogFile(Path(sys.argv[1]), full_bytes=4_000).keep_small()
for i in range(1000):
    sys.stderr.write(f"line {i}\\n")
"""

OTHERS = """
import os, sys, time
from pathlib import Path
from hpsearch_worker.log_file import LogFile
log = Path(sys.argv[1])
LogFile(log, full_bytes=4_000).keep_small()
os.write(1, b"x" * 5_000)
deadline = time.monotonic() + 120
while log.stat().st_size:
    assert time.monotonic() < deadline
    time.sleep(0.01)
os.write(1, b"more")
"""


def written_by(code: str, log: Path) -> list[str]:
    """Run a program with a log; return the content of its files, the oldest first."""
    with log.open("ab") as file:
        command = [sys.executable, "-c", code, str(log)]
        done = subprocess.run(command, stdout=file, stderr=file, timeout=200)
    assert done.returncode == 0, log.read_text()
    return [path.read_text() for path in (*sorted(log.parent.glob("*.log.*"), reverse=True), log)]


def test_a_full_log_is_rotated_and_no_line_is_lost_or_split(tmp_path: Path) -> None:
    texts = written_by(WRITER, tmp_path / "worker-1.log")
    assert "".join(texts) == "".join(f"line {i}\n" for i in range(1000))
    assert [text[-1] for text in texts if text] == ["\n"] * 3
    assert all(len(text) < 4_020 for text in texts)


def test_output_that_bypasses_the_log_counts_too(tmp_path: Path) -> None:
    assert written_by(OTHERS, tmp_path / "worker-1.log") == ["x" * 5_000, "more"]
