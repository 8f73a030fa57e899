"""The pages for the owner of a practice, one after the other; signed in as the owner."""

import csv
import io
import secrets
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.filling import fill, follow, press
from experiments.screenshots.office import Office


def practice_walk(page: Page, office: Office) -> Iterator[str]:
    """The name of each state, while the page shows it."""
    practice = f"{office.url}/staff/practice"
    page.goto(practice)
    yield "practice"
    yield from _accounts(page, practice)
    yield from _keys(page, practice)
    yield from _privacy(page, practice)
    page.goto(f"{practice}/audit")
    yield "audit log"
    press(page, "Check now")
    yield "audit log, checked"
    page.goto(f"{practice}/backups")
    yield "backups"
    yield from _roster(page, office, practice)
    yield from _clinician(page, practice)
    page.goto(f"{office.url}/staff/account")
    yield "my account"
    password = {"old": "not this one", "new": "another four odd words"}
    fill(page, {**password, "again": password["new"]})
    press(page, "Change password")
    yield "my account, refused"


def _accounts(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/accounts")
    yield "accounts"
    refused, added = ("Not A Name", "accounts, refused"), (_new("person."), "accounts, added")
    yield from _sent(page, "#new-name", "Add", refused, added)


def _keys(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/keys")
    yield "keys"
    refused, made = ("Not A Name", "keys, refused"), (_new("website-"), "keys, made")
    yield from _sent(page, "#name", "Make the key", refused, made)


def _privacy(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/privacy")
    yield "privacy"
    unknown, known = "nobody", str(ANSWERS["client_id"])
    texts = (unknown, "privacy, refused"), (known, "erasure, asked again")
    yield from _sent(page, "#erase-code", "Erase this client", *texts)
    yield from _sent(page, "#again", "Erase for good", ("another", "erasure, refused"))
    page.goto(f"{practice}/privacy")
    copy = known, "client data, to print"
    yield from _sent(page, "#export-code", "Show all that is stored", copy)


def _roster(page: Page, office: Office, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/roster")
    yield "roster import"
    wrong, right = "clinician_id,places_open\nk001,many\n", _changed(office.roster)
    texts = (wrong, "roster import, refused"), (right, "roster import, preview")
    yield from _sent(page, "#table", "Show what changes", *texts)
    page.goto(f"{office.url}/staff/clinicians")
    follow(page, page.locator("main th a").first)
    follow(page, page.get_by_role("link", name="Change places, hours and absences"))
    yield "availability"
    refused = "after lunch", "availability, refused"
    yield from _sent(page, '[name="hours.mon"]', "Save", refused)


def _clinician(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/clinicians/new")
    yield "clinician form"
    page.locator("#field-name").fill("Dr New")
    refused = "not an id", "clinician form, refused"
    yield from _sent(page, "#field-clinician_id", "Add this clinician", refused)


def _sent(page: Page, field: str, button: str, *texts: tuple[str, str]) -> Iterator[str]:
    """Sends a form with each text in turn in a field; a text comes with the state it leads to."""
    for text, state in texts:
        page.locator(field).fill(text)
        press(page, button)
        yield state


def _new(beginning: str) -> str:
    """A name nothing has yet: one office is walked through several times."""
    return f"{beginning}{secrets.token_hex(3)}"


def _changed(roster: Path) -> str:
    """A roster's file with other open places of the first clinician, and without the last."""
    with roster.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:-1]
    rows[0]["places_open"] = "1"
    content = io.StringIO()
    writer = csv.DictWriter(content, list(rows[0]))
    writer.writeheader()
    writer.writerows(rows)
    return content.getvalue()
