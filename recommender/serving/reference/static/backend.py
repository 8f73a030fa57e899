"""A back end with a form and cards for one practice. It needs Python and nothing else.

RECOMMENDER_URL=http://127.0.0.1:8000 RECOMMENDER_KEY=rk_... python backend.py [PORT]

DECLARED holds answers that the practice gives for every client of this form, such as the level of
care. Ask the practice's own safety questions before you show such a form to clients.
"""

import json
import os
import sys
import time
import uuid
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs
from urllib.request import Request, urlopen

URL, KEY = os.environ["RECOMMENDER_URL"].rstrip("/"), os.environ.get("RECOMMENDER_KEY", "")
DECLARED = json.loads(os.environ.get("DECLARED", "{}"))
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Find a clinician</title>
<style>label, select, input {{ display: block; margin: .3em 0 }}</style><main>{}</main>"""


def call(path: str, body: Any = None, **headers: str) -> Any:
    """The JSON of a response or problem; a busy server is asked again when it says so."""
    headers |= {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body).encode()
    for attempt in range(5):
        try:
            with urlopen(Request(URL + path, sent, headers), timeout=10) as response:
                return json.load(response)
        except HTTPError as refused:
            if refused.code not in (429, 503) or attempt == 4:
                return json.load(refused)
            time.sleep(int(refused.headers.get("Retry-After", 2**attempt)))


def questions() -> dict[str, Any]:
    """The schema of each question to a client, in the order asked."""
    form = call("/v1/questions?audience=client&later=false")
    asked = dict(form["schema"]["properties"])
    for rule in form["schema"].get("allOf", ()):  # asked after some answers only; here always
        asked |= rule["then"]["properties"]
    return {name: asked[name] for name in form["ui_schema"]["ui:order"] if name in asked}


def choices(schema: Any) -> list[tuple[str, str]]:
    """The answers to choose among, each as JSON and as people read it."""
    listed = schema.get("oneOf") or [{"enum": [e], "title": e} for e in schema.get("enum", ())]
    return [(escape(json.dumps(each["enum"][0])), escape(each["title"])) for each in listed]


def control(name: str, schema: Any) -> str:
    """The HTML of one question."""
    title, items = escape(schema["title"]), schema.get("items", {})
    if items:
        parts = [
            control(f"{name}.{part}", each) for part, each in items.get("properties", {}).items()
        ]
        box = f'<label><input type="checkbox" name="{name}" value="'
        parts += [f'{box}{value}"> {label}</label>' for value, label in choices(items)]
        return f"<fieldset><legend>{title}</legend>{''.join(parts)}</fieldset>"
    options = "".join(f'<option value="{value}">{label}' for value, label in choices(schema))
    if options:
        return f'<label>{title} <select name="{name}"><option value="">{options}</select></label>'
    kind = "number" if schema["type"] == "number" else schema.get("format", "text")
    return f'<label>{title} <input name="{name}" type="{kind}" step="any"></label>'


def answer(name: str, schema: Any, sent: dict[str, list[str]]) -> Any:
    """What was answered to one question; None if it was left open."""
    items, texts = schema.get("items", {}), sent.get(name, [])
    if "properties" in items:
        parts = {
            part: answer(f"{name}.{part}", each, sent) for part, each in items["properties"].items()
        }
        return None if None in parts.values() else [parts]
    if items:
        return [json.loads(text) for text in texts] or None
    is_json = choices(schema) or schema["type"] == "number"
    return (json.loads(texts[0]) if is_json else texts[0]) if texts else None


def card(shown: Any) -> str:
    """The HTML of one clinician."""
    facts, cost = shown["card"], shown["card"]["cost"] or {}
    lines = [facts["profession"], *(each["label"] for each in facts["meeting"]), *shown["reasons"]]
    if cost.get("gap_cents") is not None:
        lines.append(f"you pay {cost['currency']} {cost['gap_cents'] / 100:.2f} a session")
    lines += [f"next time: {each['starts_at']}" for each in facts["next_times"][:1]]
    lines += [each["text"] for each in (*facts["differs"], *shown["reservations"])]
    listed = "".join(f"<li>{escape(line)}" for line in lines if line)
    return f"<article><h2>{escape(shown['name'])}</h2><ul>{listed}</ul></article>"


class Pages(BaseHTTPRequestHandler):
    """The form, and the cards or what to correct."""

    def do_GET(self) -> None:
        """The form; each has an id, of which the Idempotency-Key of its request is made."""
        controls = "".join(control(name, schema) for name, schema in questions().items())
        key = f'<input type="hidden" name="key" value="{uuid.uuid4()}">'
        self.show(f'<form method="post">{key}{controls}<button>Show clinicians</button></form>')

    def do_POST(self) -> None:
        """The cards, or what to correct."""
        sent = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        found = {name: answer(name, schema, sent) for name, schema in questions().items()}
        answers = {name: each for name, each in found.items() if each is not None} | DECLARED
        # The same for a double click, another one for other answers after Back.
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, sent["key"][0] + json.dumps(answers)))
        reply = call("/v1/recommendations", {"answers": answers}, **{"Idempotency-Key": key})
        wrong = [f"{each['pointer']} {each['message']}" for each in reply.get("errors", ())]
        texts = [*reply.get("warnings", wrong), reply.get("notice") or reply["title"]]
        cards = "".join(map(card, reply.get("shortlist", ())))
        self.show(cards + "".join(f"<p>{escape(text)}</p>" for text in texts))

    def show(self, content: str) -> None:
        """Sends a page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.format(content).encode())


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("127.0.0.1", port), Pages).serve_forever()
