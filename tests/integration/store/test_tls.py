"""TLS connections to a real MongoDB: correct files work, and errors say what to do."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from hpsearch.diagnosis.database_findings import database_findings
from hpsearch.diagnosis.finding import Verdict
from hpsearch.errors import ConfigurationError, StorePermissionError, StoreUnavailableError
from hpsearch.store.mongo.inspection import inspect
from hpsearch.store.mongo.patience import Patience
from hpsearch.store.mongo.store import MongoStore
from tests.support.certificates import EXPIRED, Authority
from tests.support.servers import Server
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority that is not trusted."""
    return Authority(tmp_path_factory.mktemp("stranger"))


def serving(folder: Path, authority: Authority, certificate: Path, *options: str) -> Iterator[Server]:
    """Run a server that requires TLS."""
    client = authority.client("tests")
    server = Server(
        folder,
        *("--tlsMode", "requireTLS", "--tlsCAFile", str(authority.ca), "--tlsCertificateKeyFile"),
        *(str(certificate), *options),
        uri_options=f"tls=true&tlsCAFile={authority.ca}&tlsCertificateKeyFile={client}"
        "&tlsAllowInvalidHostnames=true",
    )
    server.start()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    """A server that requires TLS and client certificates."""
    yield from serving(tmp_path_factory.mktemp("server"), authority, authority.server())


@pytest.fixture(scope="module")
def misnamed(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[Server]:
    """A server whose certificate is for another host."""
    certificate = authority.server("db.example")
    yield from serving(tmp_path_factory.mktemp("misnamed"), authority, certificate)


@pytest.fixture
def outdated(authority: Authority) -> Iterator[int]:
    """The port of a server whose certificate has expired; mongod itself refuses to start with one."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(authority.server(**EXPIRED))
    listener = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with suppress(OSError):
                    context.wrap_socket(client, server_side=True).close()

    thread = threading.Thread(target=greet, daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join()


def refused(uri: str, error: type[Exception]) -> str:
    """Return the error of a refused connection, which must be raised before the patience ends."""
    is_final = error is not StoreUnavailableError
    with pytest.raises(error) as caught:
        MongoStore.connect(uri, patience=Patience(60 if is_final else 0))
    return str(caught.value)


def test_the_right_files_open_the_store(server: Server) -> None:
    store = MongoStore.connect(server.uri, patience=Patience(120))
    assert store.experiments() == []
    store.close()


@pytest.mark.parametrize("option", ["tlsInsecure", "tlsAllowInvalidCertificates", "tlsAllowInvalidHostnames"])
def test_a_connection_that_accepts_any_server_is_reported(
    misnamed: Server, authority: Authority, option: str
) -> None:
    client = f"tls=true&tlsCertificateKeyFile={authority.client('tests')}"
    if option == "tlsAllowInvalidHostnames":
        client += f"&tlsCAFile={authority.ca}"
    found = inspect(f"mongodb://127.0.0.1:{misnamed.port}/?{client}&{option}=true", Patience(120))

    (encryption,) = (finding for finding in database_findings(found) if finding.name == "encryption")

    assert encryption.verdict is Verdict.WARNING  # within this machine
    assert f"{option} in the URI" in encryption.text


def test_a_certificate_of_an_unknown_authority_is_refused_at_once(
    server: Server, stranger: Authority
) -> None:
    uri = f"mongodb://ann:s3cret@127.0.0.1:{server.port}/?tls=true"
    for options in ("", f"&tlsCAFile={stranger.ca}"):
        text = refused(uri + options, ConfigurationError)
        assert text == (
            f"The certificate of MongoDB at 127.0.0.1:{server.port} is not accepted: self-signed certificate "
            "in certificate chain; name the file of its authority in the URI, as tlsCAFile=ca.pem."
        )


def test_a_certificate_for_another_host_is_refused_at_once(misnamed: Server, authority: Authority) -> None:
    uri = f"mongodb://127.0.0.1:{misnamed.port}/?tls=true&tlsCAFile={authority.ca}"
    assert refused(uri, ConfigurationError) == (
        f"The certificate of MongoDB at 127.0.0.1:{misnamed.port} is not accepted: IP address mismatch, "
        "certificate is not valid for '127.0.0.1'; connect by a name in the certificate, or add this one to "
        "it."
    )


def test_an_expired_certificate_is_refused_at_once(outdated: int, authority: Authority) -> None:
    uri = f"mongodb://127.0.0.1:{outdated}/?tls=true&tlsCAFile={authority.ca}"
    assert "has expired; renew it, or correct the clock" in refused(uri, ConfigurationError)


def test_connecting_without_tls_to_a_tls_server_gives_advice(server: Server) -> None:
    text = refused(f"mongodb://127.0.0.1:{server.port}/", StoreUnavailableError)
    assert text.endswith("; if the server requires TLS, add tls=true to the URI.")


def test_connecting_with_tls_to_a_server_without_it_gives_advice(
    standalone_server: Server, authority: Authority
) -> None:
    uri = f"mongodb://127.0.0.1:{standalone_server.port}/?tlsCAFile={authority.ca}"
    text = refused(uri, StoreUnavailableError)
    assert text.endswith("; if it does not use TLS, remove the tls options.")


@pytest.mark.parametrize("which", ["none", "stranger", "expired"])
def test_a_missing_or_refused_client_certificate_gives_advice(
    server: Server, authority: Authority, stranger: Authority, which: str
) -> None:
    uri = f"mongodb://127.0.0.1:{server.port}/?tls=true&tlsCAFile={authority.ca}"
    match which:
        case "stranger":
            uri += f"&tlsCertificateKeyFile={stranger.client('worker')}"
        case "expired":
            uri += f"&tlsCertificateKeyFile={authority.client('worker', **EXPIRED)}"
    text = refused(uri, StoreUnavailableError)
    assert "; if the server requires a client certificate, add tlsCertificateKeyFile=client.pem" in text


def test_a_certificate_without_a_user_is_refused_as_an_unknown_user(server: Server) -> None:
    text = refused(f"{server.uri}&authMechanism=MONGODB-X509&authSource=$external", StorePermissionError)
    assert "refuses this user: Could not find user" in text
    assert "CN=tests" in text


@pytest.mark.parametrize("option", ["tlsCAFile", "tlsCertificateKeyFile"])
def test_a_file_that_cannot_be_used_is_named_with_its_option(option: str, tmp_path: Path) -> None:
    """Even if the URI has a password, which no message shows."""
    (tmp_path / "garbage.pem").write_text("s3cret")
    for name, problem in (
        ("none.pem", "cannot be read: No such file"),
        ("garbage.pem", "has no certificate"),
    ):
        uri = f"mongodb://ann:s3cret@127.0.0.1/?{option}={tmp_path}/{name}"
        text = refused(uri, ConfigurationError)
        assert text.startswith(f"The file {tmp_path}/{name}, named by {option} in the MongoDB URI, {problem}")
        assert "s3cret" not in text


def test_an_encrypted_key_does_not_prompt_at_the_terminal(authority: Authority, tmp_path: Path) -> None:
    """OpenSSL would wait for input."""
    from cryptography.hazmat.primitives import serialization

    pem = authority.client("worker").read_bytes()
    key = serialization.load_pem_private_key(pem, None)
    locked = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"open sesame"),
    )
    (tmp_path / "locked.pem").write_bytes(locked + pem[pem.index(b"-----BEGIN CERTIFICATE") :])
    uri = f"mongodb://127.0.0.1/?tlsCertificateKeyFile={tmp_path}/locked.pem"
    for wrong in ("", "&tlsCertificateKeyFilePassword=wrong"):
        text = refused(uri + wrong, ConfigurationError)
        assert "tlsCertificateKeyFilePassword is wrong" in text


@pytest.mark.long
def test_a_running_process_waits_for_a_valid_certificate(
    tmp_path: Path, authority: Authority, stranger: Authority
) -> None:
    """The certificate will be renewed; until then MongoDB counts as away."""
    certificate = authority.server()
    good, bad = certificate.read_bytes(), stranger.server().read_bytes()
    runs = serving(tmp_path / "db", authority, certificate)
    server = next(runs)
    store = MongoStore.connect(server.uri, patience=Patience(0))
    for content, outcome in ((bad, "CERTIFICATE_VERIFY_FAILED"), (good, "no experiments")):
        server.kill()
        certificate.write_bytes(content)
        server.launch()
        wait_until(lambda outcome=outcome: outcome in said_by(store), outcome)
    store.close()
    next(runs, None)


def said_by(store: MongoStore) -> str:
    try:
        return "experiments" if store.experiments() else "no experiments"
    except StoreUnavailableError as error:
        return str(error)
