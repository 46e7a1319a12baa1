"""Shares the GPUs of a machine out, so that trials evaluated at the same time do not meet on one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable, Mapping, Sequence
from itertools import takewhile

from hpsearch.errors import ConfigurationError

#: By this variable CUDA, and the frameworks upon it, learn which GPUs a process may see.
VISIBLE = "CUDA_VISIBLE_DEVICES"

#: What CUDA takes for a device: its number, or its UUID, which may be cut short; of a MIG instance, too.
_DEVICE = re.compile(r"\d+|GPU-[0-9a-fA-F-]+|MIG-[\w/-]+")

#: A line of ``nvidia-smi -L``: a GPU, or, indented, an instance that it is divided into.
_LISTED = re.compile(r"^(?P<indent>\s*)(?:GPU|MIG) .*\(UUID: (?P<uuid>[\w/-]+)\)", re.MULTILINE)

#: Seconds that the driver may take to answer.
_PATIENCE_S = 30.0


def nvidia_smi_listing() -> str:
    """Return what ``nvidia-smi -L`` prints.

    Raises
    ------
    ConfigurationError
        If there is none, or it fails.
    """
    try:
        answer = subprocess.run(
            ["nvidia-smi", "-L"],  # noqa: S607 - wherever the driver's package has put it
            check=False,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_PATIENCE_S,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = "does not answer" if isinstance(error, subprocess.TimeoutExpired) else "is not to be had"
        text = f"--gpus auto asks nvidia-smi, which {reason} here; name the GPUs, as in --gpus 0,1."
        raise ConfigurationError(text) from error
    if answer.returncode != 0:
        said = " ".join((answer.stderr or answer.stdout).split())
        raise ConfigurationError(f"--gpus auto asks nvidia-smi, which failed: {said}")
    return answer.stdout


def find_gpus(
    choice: str, environment: Mapping[str, str], ask_driver: Callable[[], str] = nvidia_smi_listing
) -> tuple[str, ...]:
    """Return the GPUs that are meant, as CUDA names them; one that is named twice counts twice.

    Parameters
    ----------
    choice : str
        ``auto``: those that ``CUDA_VISIBLE_DEVICES`` names, else all that the driver knows;
        ``none``; or names and numbers with commas between.
    environment : mapping
        Of this process.
    ask_driver : callable
        Returns what ``nvidia-smi -L`` prints.

    Raises
    ------
    ConfigurationError
        If something is no name of a GPU, or ``auto`` finds none.
    """
    if choice == "none":
        return ()
    if choice != "auto":
        return _named(choice)
    inherited = environment.get(VISIBLE)
    found = in_listing(ask_driver()) if inherited is None else _visible(inherited)
    if not found:
        place = "nvidia-smi lists" if inherited is None else f"{VISIBLE} leaves"
        raise ConfigurationError(f"--gpus auto found no GPU: {place} none; leave --gpus out, or say none.")
    return found


def in_listing(text: str) -> tuple[str, ...]:
    """Return the UUIDs that ``nvidia-smi -L`` lists: of a GPU that is divided, those of its instances.

    Numbers would not do: CUDA's order is another than the driver's where GPUs differ.
    """
    found: list[str] = []
    whole: str | None = None  # the GPU of the last line, as long as no instance of it was seen
    for match in _LISTED.finditer(text):
        if not match["indent"]:
            whole = match["uuid"]
            found.append(whole)
            continue
        if found and found[-1] == whole:
            found.pop()
        found.append(match["uuid"])
    return tuple(found)


def assign_gpus(gpus: Sequence[str], n: int) -> tuple[str, ...]:
    """Return what each of ``n`` trials that are evaluated at a time finds in ``CUDA_VISIBLE_DEVICES``.

    Raises
    ------
    ConfigurationError
        If there are GPUs, but fewer than trials.
    """
    if not gpus:
        return ("",) * n
    if len(gpus) < n:
        twice = ",".join(gpu for gpu in gpus for _ in range(-(-n // len(gpus))))
        text = f"{n} trials at a time need as many GPUs, and there are {len(gpus)}: evaluate fewer at a time"
        raise ConfigurationError(f"{text}, or let them share, as in --gpus {twice}.")
    return tuple(gpus[:n])


def _visible(inherited: str) -> tuple[str, ...]:
    """Return what CUDA sees: those before the first that is no device, such as -1."""
    names = (name.strip() for name in inherited.split(","))
    return tuple(takewhile(_DEVICE.fullmatch, names))


def _named(choice: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in choice.split(","))
    for name in names:
        if not _DEVICE.fullmatch(name):
            text = f"{name!r} in --gpus is no GPU: give auto, none, numbers as in 0,1,3, or UUIDs."
            raise ConfigurationError(text)
    return names
