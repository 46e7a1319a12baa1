"""The health server, on real sockets."""

from __future__ import annotations

import http.client
import os
import socket
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import suppress
from urllib.parse import urlsplit

import pytest
from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from hpsearch.errors import ConfigurationError
from hpsearch.runtime.health.durations import Durations
from hpsearch.runtime.health.probes import ProbeResult
from hpsearch.runtime.health.prometheus import histogram_metric
from hpsearch.runtime.health.server import MAX_CONNECTIONS, serving


class Example:
    """Probes with settable results."""

    def __init__(self) -> None:
        self.is_alive = self.is_ready = True
        self.took = Durations([1.0, 5.0])

    def liveness(self) -> ProbeResult:
        return ProbeResult(self.is_alive, "how it lives")

    def readiness(self) -> ProbeResult:
        return ProbeResult(self.is_ready, "how ready it is")

    def metrics(self) -> Iterable[Metric]:
        things = CounterMetricFamily("example_things", "Things.", labels=["label"])
        things.add_metric(['a "quoted"\nname'], 3)
        yield things
        yield GaugeMetricFamily("example_level", "Level.", -0.5)
        yield histogram_metric("example_seconds", "Time.", self.took.counted())


@pytest.fixture
def example() -> Example:
    return Example()


@pytest.fixture
def url(example: Example) -> Iterator[str]:
    with serving("127.0.0.1", 0, example) as opened:
        assert opened is not None
        yield opened


def asked(url: str, path: str, method: str = "GET", **headers: str) -> tuple[int, str, str]:
    """Return the status, the content type and the body of a response."""
    connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=60)
    connection.request(method, path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers["Content-Type"], text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_a_passed_probe_is_200_and_a_failed_one_503_with_its_reason(
    example: Example, url: str, path: str
) -> None:
    name, sentence = {
        "/healthz": ("is_alive", "how it lives\n"),
        "/readyz": ("is_ready", "how ready it is\n"),
    }[path]
    assert asked(url, path) == (200, "text/plain; charset=utf-8", sentence)
    setattr(example, name, False)
    assert asked(url, path) == (503, "text/plain; charset=utf-8", sentence)
    assert asked(url, path, "HEAD") == (503, "text/plain; charset=utf-8", "")


def test_metrics_are_current_and_in_the_format_of_prometheus(example: Example, url: str) -> None:
    example.took.add(0.5)
    example.took.add(7.0)
    status, content_type, text = asked(url, "/metrics")
    assert (status, content_type) == (200, "text/plain; version=0.0.4; charset=utf-8")
    for line in (
        'example_things_total{label="a \\"quoted\\"\\nname"} 3.0',
        "example_level -0.5",
        'example_seconds_bucket{le="1.0"} 1.0',
        'example_seconds_bucket{le="5.0"} 1.0',
        'example_seconds_bucket{le="+Inf"} 2.0',
        "example_seconds_count 2.0",
        "example_seconds_sum 7.5",
    ):
        assert line in text.splitlines()


def test_openmetrics_is_sent_on_request(url: str) -> None:
    status, content_type, text = asked(url, "/metrics", Accept="application/openmetrics-text")
    assert (status, content_type.split(";")[0]) == (200, "application/openmetrics-text")
    assert text.endswith("# EOF\n")


def test_without_prometheus_client_only_the_metrics_are_missing(
    example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    monkeypatch.delitem(sys.modules, "hpsearch.runtime.health.prometheus", raising=False)
    with serving("127.0.0.1", 0, example) as url:
        assert asked(url, "/metrics") == (
            501,
            "text/plain; charset=utf-8",
            "/metrics needs an optional package: install hpsearch[metrics].\n",
        )
        assert asked(url, "/healthz")[0] == 200


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 404), ("GET", "/healthz/..", 404), ("POST", "/healthz", 501), ("DELETE", "/metrics", 501)],
)
def test_other_paths_and_methods_are_refused(url: str, method: str, path: str, status: int) -> None:
    assert asked(url, path, method)[0] == status


def test_a_query_changes_nothing(url: str) -> None:
    """Prometheus can be configured to send a query."""
    assert asked(url, "/healthz?verbose=1")[0] == 200


@pytest.mark.parametrize(
    "accept", ["application/openmetrics-text;version=x", "text/plain;version='1.0.0'", ";;=,", "\xff"]
)
def test_metrics_are_sent_for_an_unknown_accept_header(
    url: str, accept: str, caplog: pytest.LogCaptureFixture
) -> None:
    status, _, text = asked(url, "/metrics", Accept=accept)
    assert (status, "example_level" in text) == (200, True)
    assert not caplog.records


def silent(host: str, port: int | None) -> socket.socket:
    return socket.create_connection((host, port), timeout=60)


def drip(connection: socket.socket, stop: threading.Event) -> None:
    """Send an endless header, a character at a time."""
    with suppress(OSError):
        while not stop.wait(0.05):
            connection.sendall(b"x")


@pytest.mark.parametrize(
    "first", [b"", b"GET /healthz", b"GET /healthz HTTP/1.1\r\nX: ", b"GET / HTTP/1.1\r\n"]
)
def test_a_connection_is_closed_at_its_time_limit_despite_traffic(example: Example, first: bytes) -> None:
    with serving("127.0.0.1", 0, example, longest_s=0.5) as url:
        place, stop = urlsplit(url), threading.Event()
        connection = silent(place.hostname, place.port)
        connection.sendall(first)
        thread = threading.Thread(target=drip, args=(connection, stop))
        thread.start()
        try:
            with suppress(ConnectionResetError):  # what was sent meanwhile is refused
                assert connection.recv(1) == b""
        finally:
            stop.set()
            thread.join()
            connection.close()


def test_one_request_is_served_per_connection(url: str) -> None:
    place = urlsplit(url)
    with silent(place.hostname, place.port) as connection:
        connection.sendall(2 * b"GET /healthz HTTP/1.1\r\nConnection: keep-alive\r\n\r\n")
        with suppress(ConnectionResetError):
            answer = b"".join(iter(lambda: connection.recv(1000), b""))
            assert answer.count(b"HTTP/1.0 200") == 1


def test_idle_connections_do_not_block_others(example: Example) -> None:
    """The idle connections have not reached their time limit."""
    with serving("127.0.0.1", 0, example, longest_s=600) as url:
        place = urlsplit(url)
        idle = [connected(place.hostname, place.port) for _ in range(20 * MAX_CONNECTIONS)]
        for _ in range(3):
            assert asked(url, "/healthz")[0] == 200
        assert threads_of("process_request_thread") <= 5 * MAX_CONNECTIONS
        for connection in idle:
            connection.close()


def test_many_connections_of_one_host_do_not_replace_those_of_another(example: Example) -> None:
    with serving("0.0.0.0", 0, example, longest_s=600) as url:
        port = urlsplit(url).port
        lone = socket.create_connection(("127.0.0.1", port), timeout=60, source_address=("127.0.0.2", 0))
        lone.sendall(b"GET /heal")
        crowd = [connected("127.0.0.1", port) for _ in range(3 * MAX_CONNECTIONS)]
        lone.sendall(b"thz HTTP/1.0\r\n\r\n")
        assert lone.recv(100).startswith(b"HTTP/1.0 200")
        for connection in [lone, *crowd]:
            connection.close()


def test_a_closed_connection_frees_its_slot(example: Example) -> None:
    with serving("127.0.0.1", 0, example, longest_s=600) as url:
        place = urlsplit(url)
        for _ in range(5 * MAX_CONNECTIONS):
            connected(place.hostname, place.port).close()
            assert asked(url, "/healthz")[0] == 200


def test_a_failing_probe_is_logged_and_affects_no_other(
    example: Example, url: str, caplog: pytest.LogCaptureFixture
) -> None:
    example.took = None  # what the metrics read
    with pytest.raises(http.client.RemoteDisconnected):
        asked(url, "/metrics")
    assert asked(url, "/healthz")[0] == 200
    assert [vars(record)["event"] for record in caplog.records] == ["probe_failed"]


def connected(host: str, port: int | None) -> socket.socket:
    """Send the beginning of a request."""
    connection = socket.create_connection((host, port), timeout=60)
    connection.sendall(b"GET /healthz")
    return connection


def threads_of(name: str) -> int:
    """Return how many threads run a function of that name."""
    return sum(name in thread.name for thread in threading.enumerate())


def test_a_port_in_use_is_refused(example: Example, url: str) -> None:
    port = urlsplit(url).port
    expected = rf"^The health port 127\.0\.0\.1:{port} cannot be opened: Address already in use; choose"
    with pytest.raises(ConfigurationError, match=expected), serving("127.0.0.1", port, example):
        pass


@pytest.mark.parametrize("host", ["203.0.113.1", "no.such.host.invalid", "a" * 300, ""])
def test_an_address_of_another_machine_is_refused(example: Example, host: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be opened"), serving(host, 0, example):
        pass


def test_the_port_is_closed_after_the_block(example: Example) -> None:
    with serving("127.0.0.1", 0, example) as url:
        pass
    assert url is not None
    with pytest.raises(ConnectionRefusedError):
        asked(url, "/healthz")


def test_a_forked_child_does_not_keep_the_port(example: Example) -> None:
    """With --no-isolate an objective may fork, and its children may outlive the worker."""
    may_end, end = os.pipe()
    own_address = "127.7.0.1"  # where no other process takes the port in between
    with serving(own_address, 0, example) as url:
        child = os.fork()
        if child == 0:
            os.read(may_end, 1)
            os._exit(0)
    assert url is not None
    try:
        with serving(own_address, urlsplit(url).port, example) as again:
            assert again == url
    finally:
        os.write(end, b"x")
        os.waitpid(child, 0)
        os.close(may_end)
        os.close(end)


def test_without_a_port_nothing_listens(example: Example) -> None:
    with serving("127.0.0.1", None, example) as url:
        assert url is None


def test_it_serves_ipv6(example: Example) -> None:
    if not socket.has_ipv6:
        pytest.skip("no IPv6 here")
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            pass
    except OSError:
        pytest.skip("no IPv6 here")
    with serving("::1", 0, example) as url:
        assert url is not None
        assert url.startswith("http://[::1]:")
        assert asked(url, "/healthz")[0] == 200
