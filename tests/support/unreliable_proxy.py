"""A proxy, in a process of its own, that loses one answer and refuses one request before it works.

`python -m tests.support.unreliable_proxy PORT TARGET`: the first request reaches the target and its
answer is dropped; the second is answered 503; all later ones pass. A line of JSON for each request
says what was done and which Idempotency-Key it had.
"""

import http.client
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

STEPS = ["answer lost", "refused"]


class Proxy(BaseHTTPRequestHandler):
    """Passes requests on to the port `target`, after `STEPS`."""

    target = 0
    seen = 0

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        step = STEPS[Proxy.seen] if Proxy.seen < len(STEPS) else "passed"
        Proxy.seen += 1
        note = {"step": step, "method": self.command, "key": self.headers["Idempotency-Key"]}
        sys.stdout.write(f"{json.dumps(note)}\n")
        sys.stdout.flush()
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if step == "refused":
            self.send_response(503)
            self.send_header("Retry-After", "1")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        connection = http.client.HTTPConnection("127.0.0.1", Proxy.target, timeout=60)
        connection.request(self.command, self.path, body, dict(self.headers))
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        if step == "answer lost":
            self.close_connection = True
            return
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "connection"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Only the lines above are written."""


if __name__ == "__main__":
    port, Proxy.target = map(int, sys.argv[1:])
    HTTPServer(("127.0.0.1", port), Proxy).serve_forever()
