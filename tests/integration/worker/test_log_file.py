"""The log of a local worker, turned over by the process that writes it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

WRITER = """
import sys
from pathlib import Path
from hpsearch_worker.log_file import turn_over_if_full
for i in range(1000):
    print("line", i, file=sys.stderr if i % 2 else sys.stdout, flush=True)
    turn_over_if_full(Path(sys.argv[1]), full_bytes=4_000)
"""


def test_a_full_log_makes_room_and_no_line_is_lost(tmp_path: Path):
    log = tmp_path / "worker-1.log"
    with log.open("ab") as file:
        done = subprocess.run(
            [sys.executable, "-c", WRITER, str(log)], stdout=file, stderr=file, timeout=60, check=False
        )
    assert done.returncode == 0, log.read_text()
    files = [tmp_path / "worker-1.log.2", tmp_path / "worker-1.log.1", log]
    assert sorted(tmp_path.iterdir()) == sorted(files)
    assert "".join(file.read_text() for file in files) == "".join(f"line {i}\n" for i in range(1000))
    assert all(file.stat().st_size < 4_100 for file in files)
