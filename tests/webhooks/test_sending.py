"""Messages go where an operator named, in bounded time, and never inside a private network."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from recommender.errors import RecommenderError
from recommender.webhooks import sending
from recommender.webhooks.sending import Attempt, checked_url, is_public, send
from tests.support.server_process import free_port
from tests.support.webhook_receiver import running_receiver

HEADERS = {"Content-Type": "application/json"}


def sent(url: str, *private_hosts: str) -> Attempt:
    return send(url, HEADERS, b"{}", private_hosts=private_hosts)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, "accepted"),
        (204, "accepted"),
        (302, "redirected"),
        (404, "refused"),
        (410, "gone"),
        (429, "refused"),
        (503, "refused"),
    ],
)
def test_the_status_of_a_response_decides_and_no_redirect_is_followed(
    status: int, outcome: str
) -> None:
    with running_receiver(status) as receiver:
        assert sent(receiver.url) == Attempt(outcome, status)
        assert [each.path for each in receiver.received] == ["/hook?of=practice"]
        assert receiver.received[0].headers["host"] == f"127.0.0.1:{receiver.port}"


PRIVATE = (
    *("10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
    *("127.0.0.2", "224.0.0.1", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:127.0.0.1]"),
    *("[64:ff9b::a00:1]", "[2002:a00:1::]"),
)


@pytest.mark.parametrize("host", PRIVATE)
def test_an_address_of_a_private_network_is_not_connected_to(host: str) -> None:
    started = time.monotonic()
    assert sent(f"https://{host}/") == Attempt("private_address")
    assert time.monotonic() - started < 1
    assert not is_public(host.strip("[]"))


def test_other_notations_of_this_machine_are_private_too() -> None:
    with running_receiver() as receiver:
        for host in ("2130706433", "0x7f000001", "127.1"):
            assert sent(f"https://{host}:{receiver.port}/") == Attempt("private_address")
        assert receiver.received == []


def test_a_name_that_leads_inside_is_refused_unless_it_is_named() -> None:
    name = socket.gethostname()
    try:
        inside = not is_public(socket.gethostbyname(name))
    except socket.gaierror:
        inside = False
    if not inside or name in sending.LOOPBACK_HOSTS:
        pytest.skip("this machine's name does not lead to a private address")
    with running_receiver() as receiver:
        url = receiver.url.replace("127.0.0.1", name)
        assert sent(url) == Attempt("private_address")
        assert sent(url, name) == Attempt("accepted", 204)


def test_what_does_not_answer_is_unreachable_or_unresolved() -> None:
    assert sent(f"http://127.0.0.1:{free_port()}/") == Attempt("unreachable")
    assert sent("https://nowhere.invalid/") == Attempt("unresolved")


def test_a_receiver_that_answers_a_byte_at_a_time_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "TOTAL_SECONDS", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            accepted, _ = listening.accept()
            with accepted:
                accepted.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
                try:
                    for _ in range(100):
                        accepted.sendall(b"x")
                        time.sleep(0.05)
                except OSError:
                    return

        thread = threading.Thread(target=drip, daemon=True)
        thread.start()
        started = time.monotonic()
        came = sent(f"http://127.0.0.1:{listening.getsockname()[1]}/")
        assert came == Attempt("timed_out")
        assert time.monotonic() - started < 2
        thread.join(5)


def read_request(connection: ssl.SSLSocket) -> None:
    """Reads a request to its end: what is unread when a connection closes would reset it."""
    with connection.makefile("rb") as request:
        length = 0
        while (line := request.readline().strip()) != b"":
            name, _, value = line.partition(b":")
            length = int(value) if name.lower() == b"content-length" else length
        request.read(length)


@contextmanager
def encrypted_receiver(directory: Path) -> Iterator[tuple[int, Path]]:
    """The port of a receiver for one TLS connection after another, and its certificate."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem, private = directory / "receiver.pem", directory / "receiver.key"
    pem.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem, private)
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve() -> None:
            while True:
                try:
                    accepted, _ = listening.accept()
                except OSError:
                    return
                with accepted:
                    try:
                        with context.wrap_socket(accepted, server_side=True) as spoken:
                            read_request(spoken)
                            spoken.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
                    except OSError:
                        continue

        threading.Thread(target=serve, daemon=True).start()
        yield listening.getsockname()[1], pem
        listening.shutdown(socket.SHUT_RDWR)


def test_a_certificate_must_be_trusted_and_of_this_host(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with encrypted_receiver(tmp_path) as (port, certificate):
        assert sent(f"https://localhost:{port}/") == Attempt("untrusted")
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert sent(f"https://localhost:{port}/") == Attempt("accepted", 204)
        assert sent(f"https://127.0.0.1:{port}/") == Attempt("untrusted")


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/hook",
        "ftp://example.org/hook",
        "https://",
        "example.org/hook",
        "https://name:word@example.org/",
        "https://example.org/#part",
        "https://example.org:99999/",
        "https://example.org/a b",
        "https://example.org/\r\nX-Header: 1",
        "https://[::1/",
        "https://exämple.org/",
    ],
)
def test_an_address_that_is_not_encrypted_or_not_plain_is_refused_without_being_repeated(
    url: str,
) -> None:
    with pytest.raises(RecommenderError) as raised:
        checked_url(url)
    assert "https://example.org/recommender" in str(raised.value)
    assert "word" not in str(raised.value).replace("password", "")


def test_this_machine_may_be_sent_to_without_encryption() -> None:
    for url in ("http://localhost:9000/hook", "http://127.0.0.1/", "http://[::1]:9000/"):
        assert checked_url(url) == url
