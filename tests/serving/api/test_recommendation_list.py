"""The list of recommendations over HTTP: who sees which, its pages and its filters."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from recommender.security.scopes import Role
from recommender.serving.dependencies import current_snapshot
from tests.support.server import (
    CANARY,
    RECOMMEND,
    JournalServer,
    TestClient,
    a_request,
    check_problem,
    new_key,
)


@pytest.fixture(scope="module")
def made(keeping: JournalServer) -> dict[str, str]:
    """Ids of five recommendations; the last is of a tool and decided, the one before overridden."""
    ids = {}
    for name, caller in (
        ("c0001", keeping.staff),
        ("c0002", keeping.staff),
        ("c0003", keeping.staff),
        ("c0004", keeping.staff),
        ("c0005", keeping.tool),
    ):
        ids[name] = caller.post(RECOMMEND, json=a_request(client_id=name)).json()[
            "recommendation_id"
        ]
    for name, decision in (
        ("c0005", {"clinician_id": first_of(keeping, ids["c0005"])}),
        ("c0004", {"clinician_id": "k01", "kind": "override", "reason": "client_asked"}),
    ):
        at = f"{RECOMMEND}/{ids[name]}/decisions"
        assert keeping.staff.post(at, json=decision).status_code == 201
    return ids


def first_of(keeping: JournalServer, name: str) -> str:
    return str(keeping.staff.get(f"{RECOMMEND}/{name}").json()["shortlist"][0]["clinician_id"])


def listed(caller: TestClient, **query: Any) -> list[dict[str, Any]]:
    response = caller.get(RECOMMEND, params=query)
    assert response.status_code == 200, response.text
    found: list[dict[str, Any]] = response.json()["recommendations"]
    return found


def test_staff_see_everybodys_newest_first_and_a_tool_its_own(
    keeping: JournalServer, made: dict[str, str]
) -> None:
    found = listed(keeping.staff)
    assert [each["recommendation_id"] for each in found] == list(made.values())[::-1]
    assert [each["client_id"] for each in found] == list(made)[::-1]
    (own,) = listed(keeping.tool)
    assert own["recommendation_id"] == made["c0005"]
    assert "client_id" not in own
    assert listed(keeping.other_tool) == []


def test_an_entry_says_what_became_of_it(keeping: JournalServer, made: dict[str, str]) -> None:
    decided, overridden, undecided, *_ = listed(keeping.staff)
    whole = keeping.staff.get(f"{RECOMMEND}/{made['c0005']}").json()
    assert decided["shown"] == [each["clinician_id"] for each in whole["shortlist"]]
    for name in ("eligible", "asked_on", "mode"):
        assert decided[name] == whole[name]
    assert (decided["state"], decided["clinician_id"]) == ("decided", decided["shown"][0])
    assert (overridden["state"], overridden["clinician_id"]) == ("overridden", "k01")
    assert (undecided["state"], undecided["clinician_id"]) == ("undecided", None)


def test_next_leads_through_all_pages_with_the_same_filters(
    keeping: JournalServer, made: dict[str, str]
) -> None:
    at: str | None = f"{RECOMMEND}?limit=2&mode=model&from=2020-01-01"
    found: list[str] = []
    while at is not None:
        response = keeping.staff.get(at)
        page = response.json()
        assert len(page["recommendations"]) <= 2
        found += [each["recommendation_id"] for each in page["recommendations"]]
        at = page["next"]
        assert response.headers.get("link") == (at and f'<{at}>; rel="next"')
        assert at is None or {"limit=2", "mode=model", "from=2020-01-01"} < set(
            at.partition("?")[2].split("&")
        )
    assert found == list(made.values())[::-1]


def test_each_filter_selects(keeping: JournalServer, made: dict[str, str]) -> None:
    snapshot = current_snapshot(keeping.app)
    today = datetime.now(UTC).astimezone(ZoneInfo(snapshot.practice.timezone)).date()
    for query, clients in (
        ({"client_id": "c0002"}, ["c0002"]),
        ({"client_id": "c0099"}, []),
        ({"state": "undecided"}, ["c0003", "c0002", "c0001"]),
        ({"state": "overridden"}, ["c0004"]),
        ({"clinician_id": "k01", "state": "overridden"}, ["c0004"]),
        ({"mode": "constraints_only"}, []),
        ({"from": today - timedelta(1), "to": today}, list(made)[::-1]),
        ({"from": today + timedelta(1)}, []),
        ({"to": today - timedelta(2)}, []),
    ):
        assert [each["client_id"] for each in listed(keeping.staff, **query)] == clients, query
    assert listed(keeping.tool, client_id="c0001") == []


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("limit=0", "limit"),
        ("limit=201", "200"),
        (f"cursor={CANARY}", "cursor"),
        ("cursor=MjAyNi0xMS0yOC96", "cursor"),
        ("from=yesterday", "from"),
        ("from=2026-11-02&to=2026-11-01", "exchange"),
        ("to=9999-12-31", "to"),
        ("from=0001-01-01", "from"),
        ("state=open", "state"),
        ("client=c0001", "client"),
        (f"{CANARY}!=1", "does not have"),
        ("from=1795832104", "from"),
        ("limit=1_0", "limit"),
    ],
)
def test_a_query_that_means_nothing_is_refused_and_not_ignored(
    keeping: JournalServer, query: str, named: str
) -> None:
    problem = check_problem(keeping.staff.get(f"{RECOMMEND}?{query}"), 400)
    assert named in problem["errors"][0]["message"]
    assert CANARY not in str(problem)


def test_a_role_without_the_scope_sees_no_list(keeping: JournalServer) -> None:
    for role in (Role.ADMIN, Role.SCIENTIST):
        key = new_key(keeping.store, f"no-{role}", role).text
        response = keeping.staff.get(RECOMMEND, headers={"authorization": f"Bearer {key}"})
        assert check_problem(response, 403)
