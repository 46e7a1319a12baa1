r"""The envelope of an objective by value: a signature, a header in JSON, and the pickle.

::

    "hpsearch objective\n"                            marker
    32 bytes                                         HMAC-SHA256 of marker and rest under the secret
    4 bytes                                          length of the header, big-endian
    {"format": 2, "database": ..., "exp_key": ..., "nonce": ..., "name": ..., "python": "3.11",
     "cloudpickle": "3.1.2"}
    the pickle

Nothing, not even the header, is read before the signature is verified. The signature covers the destination:
the database, the experiment, and a random nonce that the experiment holds. So an envelope cannot be moved to
another experiment, nor to a later search of the same name. Format 1 named only the experiment; it is refused.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import pickle
import sys
from dataclasses import asdict, dataclass, field
from typing import Any

from hpsearch.errors import LoadError, MissingExtraError
from hpsearch.objective.by_value.pickling import MAX_BYTES, pickled
from hpsearch.objective.by_value.secret import SECRET, SECRET_FILE, check_secret
from hpsearch.objective.loading import Objective, put_on_path
from hpsearch.runtime.user_paths import current_folder

FORMAT = 2

#: Name of the attachment that holds an experiment's objective.
ATTACHMENT = "objective"

#: Size of the largest envelope that ``pack`` makes, in bytes: the pickle and its header.
MAX_ENVELOPE_BYTES = MAX_BYTES + 2**20

MARK = b"hpsearch objective\n"
_TAG_BYTES, _LENGTH_BYTES = 32, 4
_EXTRA = "pickle"

#: The parts of a destination in messages.
_PARTS = {"database": "database", "exp_key": "experiment", "nonce": "search of this name"}

#: How to send an objective again: ``fmin`` then joins its own search.
_AGAIN = "start its script again"


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """The experiment for which an objective is signed."""

    database: str  #: the name of the database
    exp_key: str  #: the name of the experiment
    nonce: str | None = None  #: ``ObjectiveRef.nonce`` of the experiment


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedObjective:
    """An objective whose signature is verified, still pickled."""

    exp_key: str  #: the experiment for which it was sent
    name: str  #: of the function
    cloudpickle: str  #: version that pickled it, such as "3.1.2"
    pickled: bytes = field(repr=False)

    def unpickle(self) -> Objective:
        """Unpickle the objective, which runs code of the pickle.

        Raises
        ------
        LoadError
            If a module is missing on this machine, cloudpickle is missing or has another major version, or
            the pickle contains no function.
        """
        where = f"The objective {self.name} of experiment {self.exp_key!r}"
        self._check_cloudpickle(where)
        put_on_path(current_folder())  # for modules in the worker's folder, as for any other objective
        try:
            objective = pickle.loads(self.pickled)  # noqa: S301 - signed by the script that started the search
        except ModuleNotFoundError as error:
            raise LoadError(
                f"{where} needs the module {error.name!r}: install it on this worker, "
                "or put it into the folder in which the worker is started."
            ) from error
        except (Exception, SystemExit) as error:
            reason = f"{type(error).__name__}: {error}"
            raise LoadError(f"{where} cannot be unpickled on this worker: {reason}") from error
        if not callable(objective):
            raise LoadError(f"{where} is a {type(objective).__name__}, not a function of the configuration.")
        found: Objective = objective
        return found

    def _check_cloudpickle(self, where: str) -> None:
        try:
            import cloudpickle
        except ModuleNotFoundError as error:
            raise LoadError(
                f"{where} was sent by value: install hpsearch[{_EXTRA}] on this worker."
            ) from error
        here = cloudpickle.__version__
        if _major(here) != _major(self.cloudpickle):
            raise LoadError(
                f"{where} was pickled by cloudpickle {self.cloudpickle}, and this worker has {here}; "
                "install the same major version on both."
            )


def pack(objective: Objective, destination: Destination, secret: bytes) -> bytes:
    """Pickle and sign an objective for the workers of an experiment.

    Parameters
    ----------
    objective : callable
        Any function, also one of a script or a notebook; the values that it refers to are included.
        Modules are sent by name: they must be installed on the workers.
    destination : Destination
        The only experiment in which the envelope is valid.
    secret : bytes
        Key shared with the workers; at least 16 bytes.

    Raises
    ------
    MissingExtraError
        Without cloudpickle.
    LoadError
        If it cannot be pickled, or takes more than 64 MB; names the captured values that are the cause.
    ConfigurationError
        If the secret is too short.
    """
    check_secret(secret)
    try:
        import cloudpickle
    except ModuleNotFoundError as error:
        raise MissingExtraError("Sending an objective by value", _EXTRA) from error
    header = {
        "format": FORMAT,
        **asdict(destination),
        "name": name_of(objective),
        "python": _python(),
        "cloudpickle": cloudpickle.__version__,
    }
    text = json.dumps(header).encode()
    body = len(text).to_bytes(_LENGTH_BYTES, "big") + text + pickled(objective, name_of(objective))
    return MARK + _tag(body, secret) + body


def verify(blob: bytes, destination: Destination, secret: bytes | None) -> SignedObjective:
    """Verify an envelope and return its objective, still pickled.

    Parameters
    ----------
    blob : bytes
        What ``pack`` returned, or anything else.
    destination : Destination
        The experiment in which the envelope was found.
    secret : bytes, optional
        Key of the signature; without one, every envelope is refused.

    Raises
    ------
    LoadError
        If the signature is missing or wrong, or the envelope is for another destination, another version of
        Python, or another format.
    """
    where = f"The objective of experiment {destination.exp_key!r}"
    if secret is None:
        raise LoadError(
            f"{where} was sent by value, and this worker has no secret to check its signature with; "
            f"set {SECRET_FILE} or {SECRET} to the secret of the script that started the search."
        )
    body = _signed_part(blob, check_secret(secret), where)
    length = int.from_bytes(body[:_LENGTH_BYTES], "big")
    header: dict[str, Any] = json.loads(body[_LENGTH_BYTES : _LENGTH_BYTES + length])
    if header["format"] != FORMAT:
        age = "a newer" if header["format"] > FORMAT else "an older"
        raise LoadError(f"{where} was sent by {age} hpsearch; use one version everywhere, and {_AGAIN}.")
    for part, expected in asdict(destination).items():
        if header[part] != expected:
            raise LoadError(f"{where} is signed for another {_PARTS[part]}; {_AGAIN}.")
    if header["python"] != _python():
        raise LoadError(
            f"{where} was pickled by Python {header['python']}, and this worker runs {_python()}; "
            f"use the same minor version on both."
        )
    return SignedObjective(
        exp_key=destination.exp_key,
        name=header["name"],
        cloudpickle=header["cloudpickle"],
        pickled=body[_LENGTH_BYTES + length :],
    )


def name_of(objective: Any) -> str:
    """Return the name of a callable for messages."""
    inner = getattr(objective, "func", objective)
    return str(getattr(inner, "__qualname__", type(objective).__qualname__))


def _signed_part(blob: bytes, secret: bytes, where: str) -> bytes:
    """Return the part after the signature, if the signature is right."""
    if not blob.startswith(MARK):
        raise LoadError(f"{where} is not signed, so it is not run: hpsearch did not write it.")
    tag, body = blob[len(MARK) :][:_TAG_BYTES], blob[len(MARK) + _TAG_BYTES :]
    if not hmac.compare_digest(tag, _tag(body, secret)):
        raise LoadError(
            f"{where} has a wrong signature, so it is not run: "
            "the search was started with another secret, or the stored objective was altered."
        )
    return body


def _tag(body: bytes, secret: bytes) -> bytes:
    return hmac.new(secret, MARK + body, hashlib.sha256).digest()


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _major(version: str) -> str:
    return version.partition(".")[0]
