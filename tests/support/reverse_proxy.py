"""A reverse proxy in a process of its own.

It shows the server on port TARGET at PATH alone, and answers anything else with 404 and its own
name, so that a link that leaves the path is seen.
"""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.support.server_process import ROOT, free_port, wait_for_answer

HOP = frozenset({"connection", "keep-alive", "transfer-encoding"})
NAME = "only-the-proxy"


@contextmanager
def reverse_proxy(target: int, path: str, *, scheme: str = "http") -> Iterator[int]:
    """The port of a proxy that removes the path before it forwards a request."""
    port = free_port()
    words = ["-m", "tests.support.reverse_proxy", str(port), str(target), path, scheme]
    process = subprocess.Popen([sys.executable, *words], cwd=ROOT)
    try:
        wait_for_answer(process, port, "/", seconds=20)
        yield port
    finally:
        process.terminate()
        process.wait(10)


class Forward(BaseHTTPRequestHandler):
    """Forwards one request, as nginx and Caddy do with a path that is removed."""

    protocol_version = "HTTP/1.1"
    target, path_shown, scheme = 0, "", "http"

    def _forward(self) -> None:
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        if self.path != self.path_shown and not self.path.startswith(f"{self.path_shown}/"):
            self._answer(404, [("x-answered-by", NAME)], b"")
            return
        path = self.path.removeprefix(self.path_shown) or "/"
        headers = {name: value for name, value in self.headers.items() if name.lower() not in HOP}
        headers["X-Forwarded-For"] = self.client_address[0]
        headers["X-Forwarded-Proto"] = self.scheme
        line = http.client.HTTPConnection("127.0.0.1", self.target, timeout=60)
        line.request(self.command, path, body or None, headers)
        response = line.getresponse()
        self._answer(response.status, response.getheaders(), response.read())
        line.close()

    def _answer(self, status: int, headers: list[tuple[str, str]], body: bytes) -> None:
        self.send_response_only(status)
        names = {name.lower() for name, _ in headers}
        for name, value in headers:
            if name.lower() not in HOP:
                self.send_header(name, value)
        if "content-length" not in names:
            self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = do_HEAD = do_OPTIONS = _forward

    def log_message(self, format: str, *args: object) -> None:
        """Writes nothing."""


def main(port: str, target: str, path: str, scheme: str) -> None:
    """Serves until it is stopped."""
    Forward.target, Forward.path_shown, Forward.scheme = int(target), path, scheme
    ThreadingHTTPServer(("127.0.0.1", int(port)), Forward).serve_forever()


if __name__ == "__main__":
    main(*sys.argv[1:])
