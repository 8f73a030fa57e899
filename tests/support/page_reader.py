"""A page as a reader's program sees it: what stands in it, its forms, and what each field is."""

import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from typing import Any

from recommender.security.accounts import add_account
from recommender.security.scopes import Role
from tests.support.server import PASSWORD, SAME_SITE, LockedServer, TestClient

FILLED = frozenset({"input", "select", "textarea"})
ANSWERS: dict[str, Any] = {
    "answer.concern": "anxiety",
    "answer.wanted": ["cbt"],
    "answer.directive": "4",
    "answer.agrees": "yes",
    "asked_on": "2026-11-23",
}


@dataclass
class Form:
    """One form: where it goes, what its fields hold, and how many are labelled."""

    action: str
    method: str
    fields: dict[str, list[str]] = field(default_factory=dict)
    unlabelled: list[str] = field(default_factory=list)
    id: str = ""


class Reader(HTMLParser):
    """What a page holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.labelled: set[str] = set()
        self.text = ""
        self._in_label = 0
        self._choices: list[str] | None = None
        self._options: list[str] = []
        self._waiting: list[tuple[Form, str, str]] = []
        self._of_other_forms: list[tuple[str, str, str]] = []
        self.feed(text)
        for owner, name, value in self._of_other_forms:
            form = next(each for each in self.forms if each.id == owner)
            form.fields.setdefault(name, []).append(value)
        for form, name, ident in self._waiting:
            if ident not in self.labelled:
                form.unlabelled.append(name)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        self.tags.append(tag)
        self.attributes += told.items()
        if tag == "form":
            self.forms.append(Form(told["action"], told["method"], id=told.get("id", "")))
        if tag == "label":
            self._in_label += 1
            self.labelled.add(told.get("for", ""))
        if tag == "option" and self._choices is not None:
            self._options.append(told["value"])
            if "selected" in told:
                self._choices.append(told["value"])
        if tag in FILLED:
            self._filled(tag, told)

    def _filled(self, tag: str, told: dict[str, str]) -> None:
        if "form" in told:
            # A tick that belongs to a form elsewhere on the page; its label is around it.
            assert self._in_label, told
            if "checked" in told:
                self._of_other_forms.append((told["form"], told["name"], told["value"]))
            return
        form, name = self.forms[-1], told["name"]
        given = form.fields.setdefault(name, [])
        if tag == "select":
            self._choices, self._options = given, []
        elif told.get("type") not in ("checkbox", "radio") or "checked" in told:
            given.append(told.get("value", ""))
        if told.get("type") != "hidden" and not self._in_label:
            self._waiting.append((form, name, told.get("id", "")))

    def handle_endtag(self, tag: str) -> None:
        if tag == "label":
            self._in_label -= 1
        if tag == "select" and self._choices is not None:
            # A browser sends the first choice where none is marked.
            self._choices += [] if self._choices else self._options[:1]
            self._choices = None

    def handle_data(self, data: str) -> None:
        self.text += data

    def form(self, ending: str) -> Form:
        """The first form whose address ends so."""
        return next(form for form in self.forms if form.action.endswith(ending))


def read(client: TestClient, address: str) -> Reader:
    """A page."""
    response = client.get(address)
    assert response.status_code == 200, response.text
    return Reader(response.text)


def send(client: TestClient, form: Form, **changes: Any) -> Any:
    """What comes of a form sent as a browser sends it, with some of its fields filled in."""
    filled = {name: values for name, values in form.fields.items() if values}
    return client.post(form.action, data=filled | changes, headers=SAME_SITE)


def ticks(text: str) -> list[str]:
    """What a page asks to be ticked as right."""
    return re.findall(r'name="confirmed" value="([^"]*)"', text)


def send_and_confirm(client: TestClient, form: Form, **changes: Any) -> Any:
    """What comes of a form sent, and sent again with whatever the page asked to be ticked."""
    response = send(client, form, **changes)
    asked = ticks(response.text)
    return send(client, form, **changes, confirmed=asked) if asked else response


def ask(client: TestClient, **changes: Any) -> Any:
    """A request made through the form."""
    form = read(client, "/staff/requests/new").form("/staff/requests")
    return send(client, form, **ANSWERS | changes)


CLIENT = {"client_id": "c9999"}


def forms(client: TestClient, address: str, ending: str) -> list[Form]:
    """Forms of a page that go to an address."""
    return [form for form in read(client, address).forms if form.action.endswith(ending)]


def deciding(client: TestClient, address: str, kind: str) -> Form:
    """The first form of a request's page that sends decisions of a kind."""
    found = forms(client, address, "/decisions")
    return next(each for each in found if each.fields["kind"] == [kind])


def decided(staff: TestClient, **changes: Any) -> str:
    """The address of a request somebody was chosen on."""
    address = str(ask(staff, **CLIENT | changes).url.path)
    choose = deciding(staff, address, "chosen")
    assert send(staff, choose, clinician_id=first(staff, address)).status_code == 200
    return address


def first(staff: TestClient, address: str) -> str:
    name = address.rsplit("/", 1)[1]
    told: dict[str, Any] = staff.get(f"/v1/recommendations/{name}").json()
    return str(told["shortlist"][0]["clinician_id"])


def begun(staff: TestClient) -> str:
    """The address of a pairing that began from a request."""
    address = decided(staff)
    (form,) = forms(staff, address, "/pairings")
    page = send_and_confirm(staff, form, booked_on="2024-10-01", pairing_id="p1")
    assert page.status_code == 200, Reader(page.text).text
    return str(page.url.path)


def by_items(staff: TestClient, address: str) -> Form:
    """The form that asks for the twelve items of the practice's questionnaire."""
    found = read(staff, f"{address}?items=wai_sr")
    form = next(form for form in found.forms if "item_12" in form.fields)
    assert form.unlabelled == []
    assert "Item 4 (goal)" in found.text
    return form


def sign_in(client: TestClient, name: str, password: str = PASSWORD) -> Any:
    """What comes of a sign-in through the page, by somebody who was not signed in."""
    client.cookies.clear()
    form = read(client, "/staff/session").form("/session")
    return send(client, form, name=name, password=password)


def signed_in(locked: LockedServer, role: Role) -> TestClient:
    """A browser of somebody with this role."""
    with locked.store.writing() as connection:
        add_account(connection, f"a.{role}", role, PASSWORD, now=datetime.now(UTC), actor="test")
    client = TestClient(locked.client.app, base_url="http://localhost")
    assert sign_in(client, f"a.{role}").status_code == 200
    return client
