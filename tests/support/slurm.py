"""A Slurm of one node, started by hand: no systemd, no accounting, no rights but the user's own."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
from pathlib import Path

from tests.support.servers import free_port
from tests.support.waiting import wait_until

_DAEMONS = ("munged", "slurmctld", "slurmd")

#: Programs that must be there: of Debian's munge, slurmctld, slurmd and slurm-client.
PROGRAMS = (*_DAEMONS, "sbatch", "squeue", "scancel", "sinfo")

_CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller_port}
SlurmdPort={node_port}
SlurmUser={user}
SlurmdUser={user}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SwitchType=switch/none
MpiDefault=none
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
MailProg=/bin/true
ReturnToService=2
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
KillWait=5
NodeName={host} NodeAddr=127.0.0.1 CPUs={n_cpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=FORCE:8
"""


class SlurmNode:
    """A cluster in a folder.

    Parameters
    ----------
    folder : Path
        Short, since the path of a socket may have 108 bytes; only its owner may write there.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._processes: list[subprocess.Popen[bytes]] = []
        self._environment = {"SLURM_CONF": str(folder / "slurm.conf")}
        (folder / "munge.key").write_bytes(os.urandom(128))
        (folder / "munge.key").chmod(0o400)
        (folder / "state").mkdir()
        (folder / "spool").mkdir()
        text = _CONFIGURATION.format(
            folder=folder,
            host=socket.gethostname().partition(".")[0],
            user=getpass.getuser(),
            n_cpus=os.cpu_count(),
            controller_port=free_port(),
            node_port=free_port(),
        )
        (folder / "slurm.conf").write_text(text)

    def start(self) -> None:
        """Start the three daemons, and return once the node takes jobs."""
        files = [f"--{name}-file={self._folder}/munge.{name}" for name in ("key", "pid", "log", "seed")]
        self._start("munged", "--foreground", "--force", f"--socket={self._folder}/munge.socket", *files)
        wait_until((self._folder / "munge.socket").exists, "munged")
        self._start("slurmctld", "-D")
        self._start("slurmd", "-D", "-N", socket.gethostname().partition(".")[0])
        wait_until(lambda: "idle" in self.call("sinfo", "--noheader", "--format=%t"), "an idle node")

    def call(self, *command: str, folder: Path | None = None, **environment: str) -> str:
        """Run a command of Slurm's in a folder, and return what it printed."""
        answer = subprocess.run(
            command,
            cwd=folder or self._folder,
            env={**os.environ, **self._environment, **environment},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert answer.returncode == 0, f"{command[0]} failed: {answer.stderr}"
        return answer.stdout.strip()

    def stop(self) -> None:
        """End all jobs, then the daemons."""
        if len(self._processes) == len(_DAEMONS):
            self.call("scancel", f"--user={getpass.getuser()}")
            wait_until(lambda: self.call("squeue", "--noheader") == "", "the jobs to end")
        for process in reversed(self._processes):
            process.terminate()
            process.wait(30)

    def _start(self, *command: str) -> None:
        process = subprocess.Popen(
            command,
            env={**os.environ, **self._environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._processes.append(process)
