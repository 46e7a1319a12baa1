"""The options of MongoDB's URIs by name, to name a misspelt one."""

from __future__ import annotations

import difflib
import re

#: As MongoDB's manual spells them. The driver decides what it takes; this list only finds what was meant.
OPTIONS = (
    "appName",
    "authMechanism",
    "authMechanismProperties",
    "authSource",
    "compressors",
    "connectTimeoutMS",
    "directConnection",
    "heartbeatFrequencyMS",
    "journal",
    "loadBalanced",
    "localThresholdMS",
    "maxConnecting",
    "maxIdleTimeMS",
    "maxPoolSize",
    "maxStalenessSeconds",
    "minPoolSize",
    "readConcernLevel",
    "readPreference",
    "readPreferenceTags",
    "replicaSet",
    "retryReads",
    "retryWrites",
    "serverMonitoringMode",
    "serverSelectionTimeoutMS",
    "socketTimeoutMS",
    "srvMaxHosts",
    "srvServiceName",
    "ssl",
    "timeoutMS",
    "tls",
    "tlsAllowInvalidCertificates",
    "tlsAllowInvalidHostnames",
    "tlsCAFile",
    "tlsCRLFile",
    "tlsCertificateKeyFile",
    "tlsCertificateKeyFilePassword",
    "tlsDisableOCSPEndpointCheck",
    "tlsInsecure",
    "uuidRepresentation",
    "w",
    "waitQueueTimeoutMS",
    "wTimeoutMS",
    "zlibCompressionLevel",
)

_BY_LOWER = {option.lower(): option for option in OPTIONS}
_NAME = re.compile(r"[A-Za-z]{1,40}")

#: Least similarity of a misspelt option to the one that was meant; "tsl" and "tls" have 0.67.
_LEAST_SIMILARITY = 0.66


def misspelt(uri: str, *, shows_names: bool) -> str | None:
    """Return a clause about the first option of a URI that MongoDB does not have; None if there is none.

    Parameters
    ----------
    uri : str
        A MongoDB URI.
    shows_names : bool
        Whether an option that resembles none may be quoted; it can be a part of a password.
    """
    for option in uri.partition("?")[2].replace(";", "&").split("&"):
        name = option.partition("=")[0]
        if not name or name.lower() in _BY_LOWER:
            continue
        if not _NAME.fullmatch(name):
            break
        meant = difflib.get_close_matches(name.lower(), _BY_LOWER, n=1, cutoff=_LEAST_SIMILARITY)
        if meant:
            return f"unknown option {name}; did you mean {_BY_LOWER[meant[0]]}?"
        if shows_names:
            return f"unknown option {name}"
        break
    else:
        return None
    return "one of its options is unknown"
