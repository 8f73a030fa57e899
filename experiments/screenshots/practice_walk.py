"""The pages for the owner of a practice, one after the other; signed in as the owner."""

import csv
import io
import secrets
from collections.abc import Iterator
from pathlib import Path

from playwright.sync_api import Page

from experiments.screenshots.answers import ANSWERS
from experiments.screenshots.filling import follow, press
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
    yield "audit check"
    press(page, "Check now")
    yield "audit check, done"
    page.goto(f"{practice}/backups")
    yield "backups"
    yield from _roster(page, office, practice)


def _accounts(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/accounts")
    yield "accounts"
    page.locator("#new-name").fill("Not A Name")
    press(page, "Add")
    yield "accounts, refused"
    page.locator("#new-name").fill(f"person.{secrets.token_hex(3)}")
    press(page, "Add")
    yield "accounts, added"


def _keys(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/keys")
    yield "keys"
    page.locator("#name").fill("Not A Name")
    press(page, "Make the key")
    yield "keys, refused"
    page.locator("#name").fill(f"website-{secrets.token_hex(3)}")
    press(page, "Make the key")
    yield "keys, made"


def _privacy(page: Page, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/privacy")
    yield "privacy"
    page.locator("#erase-code").fill("nobody")
    press(page, "Erase this client")
    yield "privacy, refused"
    page.locator("#erase-code").fill(str(ANSWERS["client_id"]))
    press(page, "Erase this client")
    yield "erasure, asked again"
    page.locator("#again").fill("another")
    press(page, "Erase for good")
    yield "erasure, refused"


def _roster(page: Page, office: Office, practice: str) -> Iterator[str]:
    page.goto(f"{practice}/roster")
    yield "roster import"
    page.locator("#table").fill("clinician_id,places_open\nk001,many\n")
    press(page, "Show what changes")
    yield "roster import, refused"
    page.locator("#table").fill(_changed(office.roster))
    press(page, "Show what changes")
    yield "roster import, preview"
    page.goto(f"{office.url}/staff/clinicians")
    follow(page, page.locator("main th a").first)
    follow(page, page.get_by_role("link", name="Change places, hours and absences"))
    yield "availability"
    page.locator('[name="hours.mon"]').fill("after lunch")
    press(page, "Save")
    yield "availability, refused"


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
