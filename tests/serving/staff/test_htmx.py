"""The one script there is: as it was released, kept by browsers, and never needed."""

import hashlib
import json

from recommender.serving.staff.htmx import ADDRESS, SCRIPT, SETTINGS
from tests.support.page_reader import ask
from tests.support.server import LockedServer, TestClient

RELEASED = "d6fdc75f204e6bdefa99b69bf1e6d4ac69b8a364f77929f45c13476b4000f717"


def test_the_script_is_the_released_one(staff: TestClient) -> None:
    response = staff.get(ADDRESS)
    assert hashlib.sha256(response.content).hexdigest() == RELEASED
    assert response.headers["content-encoding"] == "gzip"
    plain = staff.get(ADDRESS, headers={"accept-encoding": "identity"})
    assert plain.content == response.content == SCRIPT.plain
    assert "content-encoding" not in plain.headers
    assert response.headers["content-type"].startswith("text/javascript")
    assert "immutable" in response.headers["cache-control"]


def test_the_script_may_run_nothing_a_page_holds_and_keeps_no_page() -> None:
    told = json.loads(SETTINGS)
    assert not any(told[name] for name in ("allowEval", "allowScriptTags", "historyCacheSize"))


def test_a_page_is_never_kept_though_its_script_is(staff: TestClient) -> None:
    page = ask(staff)
    assert ADDRESS in page.text
    assert page.headers["cache-control"] == "no-store"


def test_whoever_is_signed_out_meanwhile_is_led_to_the_entrance(locked: LockedServer) -> None:
    response = locked.client.get("/staff/requests/r1", headers={"hx-request": "true"})
    assert response.status_code == 204
    assert response.headers["hx-redirect"] == "/staff/session"
