"""Advice for failed TLS connections."""

from __future__ import annotations

from typing import Any

import pytest

from hpsearch.store.mongo.tls import advice, refusal, unverified

VERIFY = "h:1: [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {} (_ssl.c:1006)"


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("certificate has expired", "; renew it, or correct the clock of this machine."),
        ("certificate is not yet valid", "; correct the clock of this machine."),
        ("Hostname mismatch, certificate is not valid for 'db.example'.", "; connect by a name in the"),
        ("IP address mismatch, certificate is not valid for '10.0.0.1'.", "; connect by a name in the"),
        ("self-signed certificate in certificate chain", "; name the file of its authority in the URI"),
        ("unable to get local issuer certificate", "; name the file of its authority in the URI"),
        ("EE certificate key too weak", "."),
    ],
)
def test_the_refusal_of_a_certificate_gives_reason_and_remedy(reason: str, remedy: str) -> None:
    text = refusal(VERIFY.format(reason), "h:1")

    assert text is not None
    reason = reason.removesuffix(".")
    assert text.startswith(f"The certificate of MongoDB at h:1 is not accepted: {reason}{remedy}")


def test_an_unreachable_server_has_no_refused_certificate() -> None:
    assert refusal("h:1: [Errno 111] Connection refused", "h:1") is None
    assert refusal("h:1: connection closed", "h:1") is None


EOF = "SSL handshake failed: h:1: [SSL: UNEXPECTED_EOF_WHILE_READING] EOF occurred in violation of protocol"


@pytest.mark.parametrize(
    ("text", "uri", "hint"),
    [
        ("h:1: connection closed", "mongodb://h/", "add tls=true"),
        ("h:1: connection closed", "mongodb://h/?tls=false&tlsCAFile=x", "add tls=true"),
        ("h:1: connection closed", "mongodb://h/?tls=true", "tlsCertificateKeyFile"),
        ("h:1: connection closed", "mongodb://h/?SSL=true", "tlsCertificateKeyFile"),
        ("h:1: connection closed", "mongodb+srv://h/", "tlsCertificateKeyFile"),
        (
            "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] alert",
            "mongodb://h/?tlsCAFile=x",
            "tlsCertificateKeyFile",
        ),
        (EOF, "mongodb://h/?w=1;tls=true", "remove the tls options"),
    ],
)
def test_a_failed_handshake_gives_advice_on_the_tls_options(text: Any, uri: str, hint: str) -> None:
    assert hint in str(advice(text, uri))


@pytest.mark.parametrize("uri", ["mongodb://h/", "mongodb://h/?tls=true"])
def test_an_unreachable_server_gives_no_advice_on_tls(uri: str) -> None:
    assert advice("h:1: [Errno 111] Connection refused", uri) is None
    assert advice("h:1: timed out", uri) is None


@pytest.mark.parametrize(
    ("options", "found"),
    [
        ("tls=true", ()),
        ("tls=true&tlsInsecure=true", ("tlsInsecure",)),
        ("TLSINSECURE=true", ("tlsInsecure",)),
        ("tls=true;tlsAllowInvalidCertificates=true", ("tlsAllowInvalidCertificates",)),
        ("tlsAllowInvalidHostnames=true&tlsAllowInvalidCertificates=false", ("tlsAllowInvalidHostnames",)),
    ],
)
def test_options_that_disable_verification_are_found(options: str, found: tuple[Any, ...]) -> None:
    assert unverified(f"mongodb://me:tlsInsecure@h/?{options}") == found
