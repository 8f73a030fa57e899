"""A back end for one practice: safety first, then a form, then cards. It needs Python alone.

RECOMMENDER_URL=http://127.0.0.1:8000 RECOMMENDER_KEY=rk_... python backend.py [PORT]
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
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Find a clinician</title>
<style>label, select, input {{ display: block; margin: .3em 0 }}</style><main>{}</main>"""
SAFETY = [{"enum": [each], "title": each} for each in ("No", "Yes", "Not sure")]


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


def questions(form: Any) -> dict[str, Any]:
    """The schema of each question in order; one that depends on an answer is asked of everybody."""
    asked = dict(form["schema"]["properties"])
    for rule in form["schema"].get("allOf", ()):
        asked |= rule["then"]["properties"]
    return {name: asked[name] for name in form["ui_schema"]["ui:order"] if name in asked}


def choices(schema: Any) -> list[tuple[str, str]]:
    """The answers to choose among, each as JSON and as people read it."""
    listed = schema.get("oneOf") or [{"enum": [e], "title": e} for e in schema.get("enum", ())]
    return [(escape(json.dumps(each["enum"][0])), escape(each["title"])) for each in listed]


def control(name: str, schema: Any, needed: bool = False) -> str:
    """The HTML of one question."""
    title, items, must = escape(schema["title"]), schema.get("items", {}), " required" * needed
    if items:
        inner = [control(f"{name}.{part}", e) for part, e in items.get("properties", {}).items()]
        box = f'<label><input type="checkbox" name="{name}" value="'
        inner += [f'{box}{value}"> {label}</label>' for value, label in choices(items)]
        return f"<fieldset><legend>{title}</legend>{''.join(inner)}</fieldset>"
    listed = "".join(f'<option value="{value}">{label}' for value, label in choices(schema))
    if listed:
        return (
            f'<label>{title} <select name="{name}"{must}><option value="">{listed}</select></label>'
        )
    kind = "number" if schema["type"] == "number" else schema.get("format", "text")
    return f'<label>{title} <input name="{name}" type="{kind}" step="any"{must}></label>'


def answer(name: str, schema: Any, sent: dict[str, list[str]]) -> Any:
    """What was answered to one question; None if it was left open."""
    items, texts = schema.get("items", {}), sent.get(name, [])
    if "properties" in items:
        parts = {part: answer(f"{name}.{part}", e, sent) for part, e in items["properties"].items()}
        return None if None in parts.values() else [parts]
    if items:
        return [json.loads(text) for text in texts] or None
    is_json = choices(schema) or schema["type"] == "number"
    return (json.loads(texts[0]) if is_json else texts[0]) if texts else None


def paragraphs(*texts: str | None) -> str:
    """Texts as HTML, without those that are blank."""
    return "".join(f"<p>{escape(text)}</p>" for text in texts if text)


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


def result(reply: Any) -> str:
    """The cards, with the text of a tie above the first of it; else what to correct."""
    if "shortlist" not in reply:
        wrong = [f"{each['pointer']} {each['message']}" for each in reply.get("errors", ())]
        return paragraphs(reply["title"], *wrong)
    ties = {each["tie"]: each["text"] for each in reply["ties"]}
    cards = [paragraphs(ties.pop(e["tie"], None)) + card(e) for e in reply["shortlist"]]
    to_client = [each.get("message_to_client") for each in reply["warning_details"]]
    return paragraphs(*to_client) + "".join(cards) + paragraphs(reply["notice"])


class Pages(BaseHTTPRequestHandler):
    """Questions on safety, the form, and cards; or whom to ring."""

    def do_GET(self) -> None:
        """The questions on safety, which come before all others."""
        form = call("/v1/questions?audience=client&later=false")
        texts = [each["question"] for each in (form["safety"] or {"questions": ()})["questions"]]
        asked = {f"safety.{i}": {"title": text, "oneOf": SAFETY} for i, text in enumerate(texts)}
        self.show_form("safe", [control(name, each, True) for name, each in asked.items()])

    def do_POST(self) -> None:
        """The form for a client who is safe, then the cards; else a text with a number to ring."""
        sent = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        form = call("/v1/questions?audience=client&later=false")
        safety, age = form["safety"] or {"questions": (), "answers": {}}, form["minimum_age"]
        asked, required = questions(form), form["schema"]["required"]
        if "safe" in sent:
            given = [sent.get(f"safety.{i}") for i in range(len(safety["questions"]))]
            if any(each != ['"No"'] for each in given):
                numbers = [f"{e['label']}: {e['telephone']}" for e in safety["emergency"]]
                return self.show(paragraphs(safety["at_risk"], safety["telephone"], *numbers))
            # Its value is new for each form: a double click repeats it, and the server's answer.
            return self.show_form("key", [control(n, e, n in required) for n, e in asked.items()])
        try:
            shown_with, found = sent["key"][0], {n: answer(n, e, sent) for n, e in asked.items()}
        except (KeyError, ValueError):  # not what this form sends
            return self.show(paragraphs("Please start again from the first page."), 400)
        answers = {name: each for name, each in found.items() if each is not None}
        if age and answers.get(age["field"], age["years"]) < age["years"]:
            return self.show(paragraphs(age["title"], age["text"], age["telephone"]))
        answers |= safety["answers"]
        key = str(uuid.uuid5(uuid.NAMESPACE_URL, shown_with + json.dumps(answers)))
        reply = call("/v1/recommendations", {"answers": answers}, **{"Idempotency-Key": key})
        self.show(result(reply))

    def show_form(self, step: str, controls: list[str]) -> None:
        """Sends a form; what it is called says which step follows."""
        hidden = f'<input type="hidden" name="{step}" value="{uuid.uuid4()}">'
        self.show(f'<form method="post">{hidden}{"".join(controls)}<button>Next</button></form>')

    def show(self, content: str, status: int = 200) -> None:
        """Sends a page."""
        self.send_response(status)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.end_headers()
        self.wfile.write(PAGE.format(content).encode())


if __name__ == "__main__":
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    ThreadingHTTPServer(("127.0.0.1", port), Pages).serve_forever()
