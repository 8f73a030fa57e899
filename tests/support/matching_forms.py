"""The matching page without a browser: its forms, filled in and sent on, up to a list."""

import json
from typing import Any

from tests.support.page_reader import Form, Reader
from tests.support.server import TestClient

DONE = {"age_years": 34, "main_concern": "anxiety", "funding": "private"}
"""Answers to the questions without which nobody is shown."""


def form_of(response: Any) -> Form:
    """The form of a page that is not a refusal."""
    assert response.status_code in (200, 422), response.text
    return Reader(response.text).forms[0]


def send(client: TestClient, form: Form, **changes: str) -> Any:
    fields = {name: texts[0] for name, texts in form.fields.items() if texts}
    named = {name.replace("__", "."): text for name, text in changes.items()}
    buttons = {"go", "agreed"} - set(named) - {"agreed"}
    kept = {name: text for name, text in fields.items() if name not in buttons}
    return client.post("/match", data={**kept, **named})


def at_first_question(client: TestClient) -> Form:
    """The form that asks for the age."""
    form = form_of(client.get("/match"))
    form = form_of(send(client, form, agreed="yes"))
    return form_of(send(client, form, safety__0="no", go="next"))


def listed_for(client: TestClient, answers: dict[str, Any]) -> Any:
    """The list for these answers beside those without which nobody is shown."""
    form = form_of(send(client, at_first_question(client), answer__age_years="34", go="next"))
    return send(client, form, step="check", answers=json.dumps(DONE | answers), go="show")
