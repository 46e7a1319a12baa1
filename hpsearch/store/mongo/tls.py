"""TLS connections to MongoDB: the files in a URI, and advice after a failed handshake.

The driver reports a refused certificate like a server that is away; only its message has the difference.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from urllib.parse import unquote_plus

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.escaping import one_line
from hpsearch.store.mongo.uri import is_mistyped

#: OpenSSL's reason for refusing a certificate, in a message of the driver.
_REFUSED = re.compile(r"certificate verify failed: (.*?)\.?(?: \(_ssl|$)")

_NAME_AUTHORITY = "name the file of its authority in the URI, as tlsCAFile=ca.pem"

#: What to do, by a part of OpenSSL's reason.
_REMEDIES = {
    "has expired": "renew it, or correct the clock of this machine",
    "not yet valid": "correct the clock of this machine",
    "mismatch": "connect by a name in the certificate, or add this one to it",
    "self-signed": _NAME_AUTHORITY,
    "issuer": _NAME_AUTHORITY,
    "unable to verify": _NAME_AUTHORITY,
}

#: In a message of the driver: one side uses TLS and the other does not, or a client certificate is missing.
_HANDSHAKE = re.compile(
    "connection closed|reset by peer|alert|handshake failed|EOF occurred|WRONG_VERSION|RECORD_LAYER"
)

#: Characters of a file name in a message.
_MAX_PATH = 300

_UNVERIFIED = ("tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames")

_FILES = {"tlscafile": "tlsCAFile", "tlscertificatekeyfile": "tlsCertificateKeyFile"}


def refusal(text: str, hosts: str) -> str | None:
    """Describe why the server's certificate is refused; return None if it is not.

    Parameters
    ----------
    text : str
        The driver's message about a server that it cannot reach.
    hosts : str
        Hosts of the server, for the description.
    """
    found = _REFUSED.search(text)
    if found is None:
        return None
    remedy = next((f"; {what}" for part, what in _REMEDIES.items() if part in found[1]), "")
    return f"The certificate of MongoDB at {hosts} is not accepted: {found[1]}{remedy}."


def advice(text: str, uri: str) -> str | None:
    """Return what may be wrong with the TLS options of a URI after a failed handshake; None otherwise.

    Parameters
    ----------
    text : str
        The driver's message about a server that it cannot reach.
    uri : str
        The URI.
    """
    if not _HANDSHAKE.search(text):
        return None
    if not _uses_tls(uri):
        return "if the server requires TLS, add tls=true to the URI"
    return (
        "if the server requires a client certificate, add tlsCertificateKeyFile=client.pem to the URI; "
        "if it does not use TLS, remove the tls options"
    )


def check_files(uri: str) -> None:
    """Check that the certificate files in a URI can be used; skip a mistyped URI.

    Raises
    ------
    ConfigurationError
        If a file cannot be read or has the wrong content; the text names the option and the file.
    """
    if is_mistyped(uri):
        return  # the name of the file may be a part of the password
    options = _options(uri)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Without a password, OpenSSL would prompt for one.
    password = options.get("tlscertificatekeyfilepassword", "")
    uses: dict[str, tuple[Callable[[str], None], str]] = {
        "tlscafile": (context.load_verify_locations, "no certificate in PEM form"),
        "tlscertificatekeyfile": (
            lambda file: context.load_cert_chain(file, password=password),
            "no certificate with its key in PEM form, or tlsCertificateKeyFilePassword is wrong",
        ),
    }
    for option, (load, problem) in uses.items():
        if (path := options.get(option)) is None:
            continue
        where = f"The file {one_line(path, _MAX_PATH)}, named by {_FILES[option]} in the MongoDB URI,"
        try:
            load(path)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(f"{where} has {problem}.") from error
        except OSError as error:
            raise ConfigurationError(f"{where} cannot be read: {error.strerror}.") from error


def unverified(uri: str) -> tuple[str, ...]:
    """Return the options of a URI that make TLS accept unverified servers, as MongoDB spells them."""
    options = _options(uri)
    return tuple(name for name in _UNVERIFIED if options.get(name.lower(), "").lower() == "true")


def _uses_tls(uri: str) -> bool:
    options = _options(uri)
    value = options.get("tls", options.get("ssl"))
    if value is not None:
        return value.lower() == "true"
    return uri.startswith("mongodb+srv://") or any(name.startswith("tls") for name in options)


def _options(uri: str) -> dict[str, str]:
    """Return the options of a URI, by name in lower case."""
    parts = uri.partition("?")[2].replace(";", "&").split("&")
    pairs = (part.partition("=") for part in parts)
    return {name.lower(): unquote_plus(value) for name, _, value in pairs}
