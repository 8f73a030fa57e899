"""Style, icon and script: as they were released, compressed, and cached by browsers for good."""

import hashlib
import json

import pytest

from recommender.serving.staff.page import (
    FOUNDATION,
    ICON,
    SCRIPT,
    SCRIPT_SETTINGS,
    STATIC,
    STATIC_FOLDER,
    STYLE,
    static_address,
)
from tests.support.page_reader import ask
from tests.support.server import LockedServer, TestClient

RELEASED = {
    SCRIPT: ("text/javascript", "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"),
    FOUNDATION: ("text/css", "271d2b00e839547c3f9179e21b3b2ead0ab2789e616642adc8bc07b9a35692cd"),
}


@pytest.mark.parametrize("name", RELEASED)
def test_what_others_wrote_is_as_they_released_it(staff: TestClient, name: str) -> None:
    media_type, digest = RELEASED[name]
    response = staff.get(static_address(name))
    assert hashlib.sha256(response.content).hexdigest() == digest
    assert response.headers["content-type"].startswith(media_type)


@pytest.mark.parametrize("name", [FOUNDATION, STYLE, ICON, SCRIPT])
def test_a_static_file_is_sent_without_a_session_and_cached_for_good(
    locked: LockedServer, name: str
) -> None:
    response = locked.client.get(static_address(name))
    assert response.content == (STATIC_FOLDER / name).read_bytes()
    assert response.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_large_static_files_are_compressed_for_browsers_that_can_read_it(
    staff: TestClient,
) -> None:
    packed = staff.get(static_address(STYLE))
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.headers["vary"].lower() == "accept-encoding"
    plain = staff.get(static_address(STYLE), headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert plain.content == packed.content


@pytest.mark.parametrize("name", ["none.css", "../page.py", "%2e%2e/page.py", ""])
def test_nothing_else_is_sent(staff: TestClient, name: str) -> None:
    response = staff.get(f"{STATIC}/{name}", follow_redirects=False)
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


def test_the_script_may_run_nothing_a_page_holds_and_stores_no_page() -> None:
    settings = json.loads(SCRIPT_SETTINGS)
    assert not any(settings[name] for name in ("allowEval", "allowScriptTags", "historyCacheSize"))


def test_a_page_is_neither_cached_nor_compressed(staff: TestClient) -> None:
    page = ask(staff)
    assert static_address(SCRIPT) in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "content-encoding" not in page.headers


def test_a_part_of_a_page_asked_for_without_a_session_leads_to_signing_in(
    locked: LockedServer,
) -> None:
    response = locked.client.get("/staff/requests/r1", headers={"hx-request": "true"})
    assert response.status_code == 204
    assert response.headers["hx-redirect"] == "/staff/session?then=/staff/requests/r1"
