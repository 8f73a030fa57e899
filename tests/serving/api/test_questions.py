"""The form over HTTP: whom it addresses, its versions, and a practice without one."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.security.scopes import Role
from tests.support.builders import a_practice, corner_with_a_form
from tests.support.server import LockedServer, check_problem, locked_server, locked_settings

QUESTIONS = "/v1/questions"


@pytest.fixture(scope="module")
def server(
    practice_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LockedServer]:
    folder = tmp_path_factory.mktemp("questions")
    store = f"sqlite:///{folder}/recommender.db"
    practice = str(corner_with_a_form(folder))
    with locked_server(locked_settings(practice_files, store=store, practice=practice)) as running:
        yield running


@pytest.mark.parametrize("role", [Role.TOOL, Role.BROWSER])
def test_tools_and_pages_get_the_questions_to_clients(server: LockedServer, role: Role) -> None:
    response = server.ask("GET", QUESTIONS, server.keys[role].text)
    assert response.status_code == 200
    assert response.headers["content-language"] == "en-AU"
    assert response.headers["cache-control"] == "private, no-cache"
    form = response.json()
    assert (form["audience"], form["title"]) == ("client", "Find someone who fits")
    assert form["schema"]["properties"]["concern"]["title"] == "What brings you here?"
    assert form["definition"] == {
        "id": "corner",
        "version": "1",
        "digest": a_practice().digest,
    }


def test_staff_get_their_own_questions_unless_they_ask_for_those_to_clients(
    server: LockedServer,
) -> None:
    key = server.keys[Role.STAFF].text
    assert server.ask("GET", QUESTIONS, key).json()["audience"] == "staff"
    as_client = server.ask("GET", f"{QUESTIONS}?audience=client", key).json()
    assert as_client["sections"][0] == {
        "id": "you",
        "title": "About you",
        "help": "",
        "first": ["concern"],
        "later": ["wanted"],
    }


def test_a_tool_does_not_get_the_questions_of_staff(server: LockedServer) -> None:
    response = server.ask("GET", f"{QUESTIONS}?audience=staff", server.keys[Role.TOOL].text)
    problem = check_problem(response, 403)
    assert "explain:read" in problem["errors"][0]["message"]


def test_a_role_that_asks_for_nobody_gets_no_questions(server: LockedServer) -> None:
    check_problem(server.ask("GET", QUESTIONS, server.keys[Role.SCIENTIST].text), 403)


def test_an_unchanged_form_is_not_sent_again(server: LockedServer) -> None:
    key = server.keys[Role.TOOL].text
    tag = server.ask("GET", QUESTIONS, key).headers["etag"]
    assert not tag.startswith("W/")
    again = server.ask("GET", QUESTIONS, key, headers={"if-none-match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    short = server.ask("GET", f"{QUESTIONS}?later=false", key, headers={"if-none-match": tag})
    assert short.status_code == 200
    assert list(short.json()["schema"]["properties"]) == ["concern"]


def test_a_practice_that_asks_clients_nothing_says_so(locked: LockedServer) -> None:
    response = locked.ask("GET", QUESTIONS, locked.keys[Role.TOOL].text)
    problem = check_problem(response, 404)
    assert "forms.client" in str(problem["errors"])


def test_the_form_filled_in_is_the_answers_of_a_request(server: LockedServer) -> None:
    key = server.keys[Role.TOOL].text
    answers = {"concern": "grief", "wanted": ["cbt"]}
    made = server.ask("POST", "/v1/recommendations", key, json={"answers": answers})
    assert made.status_code == 201
