"""TLS towards MongoDB: the files that a URI names, and what a failed handshake means to its user.

The driver reports a certificate that it refused as a server that is away, and only in words.
"""

from __future__ import annotations

import re
import ssl
from collections.abc import Callable
from urllib.parse import unquote_plus

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.escaping import one_line
from hpsearch.store.mongo.uri import is_mistyped

#: What is wrong with a server's certificate, by OpenSSL's words, and what to do about it.
_REFUSALS = (
    (r"certificate has expired", "has expired: renew it, or set the clock of this machine right"),
    (r"certificate is not yet valid", "is not valid yet: set the clock of this machine right"),
    (
        r"(?:Hostname|IP address) mismatch, certificate is not valid for '([^']*)'",
        "is not for {0}: connect by a name that it was made for, or have it made for this one, too",
    ),
    (
        r"self-signed|unable to get (?:local )?issuer|unable to verify the first",
        "is signed by nobody that is trusted here: name its authority's file in the URI, as tlsCAFile=ca.pem",
    ),
    (r"certificate verify failed: (.*?)(?: \(_ssl|$)", "is not accepted: {0}"),
)

#: Characters of a file name in a message.
_MAX_PATH = 300

_CLOSED = re.compile(r"connection closed|reset by peer|alert")
_NO_TLS = re.compile(r"handshake failed|EOF occurred|WRONG_VERSION_NUMBER|RECORD_LAYER_FAILURE")

_UNVERIFIED = ("tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames")

_FILES = {"tlscafile": "tlsCAFile", "tlscertificatekeyfile": "tlsCertificateKeyFile"}


def refusal(text: str, hosts: str) -> str | None:
    """Return why the certificate of a server is refused, as a sentence; None if it is not.

    Parameters
    ----------
    text : str
        The driver's words for a server that it could not reach.
    hosts : str
        The hosts of the URI.
    """
    if "CERTIFICATE_VERIFY_FAILED" not in text:
        return None
    for pattern, meaning in _REFUSALS:
        if found := re.search(pattern, text):
            return f"The certificate of MongoDB at {hosts} {meaning.format(*found.groups())}."
    return f"The certificate of MongoDB at {hosts} is not accepted."


def advice(text: str, uri: str) -> str | None:
    """Return what may be wrong with a server that hangs up at the first word, if that is what it did.

    Parameters
    ----------
    text : str
        The driver's words for a server that it could not reach.
    uri : str
        The address, with its options.
    """
    if not _wants_tls(uri):
        if _CLOSED.search(text):
            return "if it takes only TLS connections, add tls=true to the URI"
    elif _NO_TLS.search(text):
        return "if it does not speak TLS, leave the tls options out of the URI"
    elif _CLOSED.search(text):
        return "if it asks for a certificate, name one that it accepts, as tlsCertificateKeyFile=client.pem"
    return None


def check_files(uri: str) -> None:
    """Return if the certificates that a URI names can be used, or if it is mistyped.

    Raises
    ------
    ConfigurationError
        If one cannot be read, or is not what its option needs; names option and file.
    """
    if is_mistyped(uri):
        return  # what looks like the name of a file may be a part of the password
    options = _options(uri)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    # Without a password OpenSSL would ask for one, and wait.
    password = options.get("tlscertificatekeyfilepassword", "")
    uses: dict[str, tuple[Callable[[str], None], str]] = {
        "tlscafile": (context.load_verify_locations, "no certificate in PEM form"),
        "tlscertificatekeyfile": (
            lambda file: context.load_cert_chain(file, password=password),
            "no certificate with its key in PEM form, or tlsCertificateKeyFilePassword does not open it",
        ),
    }
    for option, (load, otherwise) in uses.items():
        if (path := options.get(option)) is None:
            continue
        where = f"The file {one_line(path, _MAX_PATH)}, named by {_FILES[option]} in the MongoDB URI,"
        try:
            load(path)
        except (ssl.SSLError, ValueError) as error:
            raise ConfigurationError(f"{where} holds {otherwise}.") from error
        except OSError as error:
            raise ConfigurationError(f"{where} cannot be read: {error.strerror}.") from error


def unverified(uri: str) -> tuple[str, ...]:
    """Return the options of a URI by which whoever answers passes for the server, as they are written."""
    options = _options(uri)
    return tuple(name for name in _UNVERIFIED if options.get(name.lower(), "").lower() == "true")


def _wants_tls(uri: str) -> bool:
    options = _options(uri)
    said = options.get("tls", options.get("ssl"))
    if said is not None:
        return said.lower() == "true"
    return uri.startswith("mongodb+srv://") or any(name.startswith("tls") for name in options)


def _options(uri: str) -> dict[str, str]:
    """Return the options of a URI by their names in small letters."""
    parts = uri.partition("?")[2].replace(";", "&").split("&")
    pairs = (part.partition("=") for part in parts)
    return {name.lower(): unquote_plus(value) for name, _, value in pairs}
