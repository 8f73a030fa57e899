import ast
import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from starlette.responses import Response

import recommender
from recommender.errors import RecommenderError, UnavailableError
from recommender.security.keys import LIFETIME, OVERLAP, Pepper, revoke_key, rotate_key
from recommender.security.scopes import ROLES, Principal, Role, Scope
from recommender.serving.api.recommendations import request_router
from recommender.serving.app import create_app
from recommender.serving.authorization import (
    NEEDS,
    Unrestricted,
    authorize,
    is_page,
    may_call,
)
from recommender.serving.openapi import RequestRoute
from recommender.settings import Settings
from tests.support.server import (
    CANARY,
    FOR_TOOLS,
    PEPPER,
    RECOMMEND,
    WHOLE,
    LockedServer,
    TestClient,
    a_request,
    captured_logs,
    check_problem,
    local_client,
    locked_server,
    locked_settings,
    log_lines,
    operations,
)

RANDOM = "0123456789abcdef0123456789abcdef"
NAMES = {
    "slug": ("not-found", CANARY),
    "recommendation_id": ("own", "foreign", RANDOM),
    "clinician_id": ("k01", RANDOM),
    "pairing_id": (RANDOM,),
    "rating_id": (RANDOM,),
    "pseudonym": (RANDOM,),
    "digest": (RANDOM,),
    "staff_id": (RANDOM,),
    "key_id": (RANDOM,),
}
"""What to write in place of each parameter of a path; a new one needs a line here."""
REFUSED_AFTER_AUTHORIZATION = (400, 404, 409, 412, 415, 422, 428)
"""Statuses of an authorized request that is refused for another reason."""
CURRENT = "/v1/models/current"
SESSION_ONLY = "/v1/session"
SPELLINGS = (
    "//v1/models/current",
    "/livez/../v1/models/current",
    "/V1/models/current",
    "/v1/models/current/",
    "/v1/models/current;/livez",
    "/v1/models/%63urrent",
)
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENTS = {
    f"00-{TRACE}-00f067aa0ba902b7-01": TRACE,
    f"00-{'0' * 32}-00f067aa0ba902b7-01": None,
    f"ff-{TRACE}-00f067aa0ba902b7-01": None,
    f"00-{TRACE}-{'0' * 16}-01": None,
    CANARY: None,
}
MALFORMED_HOSTS = (
    "",
    " ",
    "evil.example",
    "localhost.evil.example",
    "evil.example:80@localhost",
    "localhost@evil.example",
    "localhost/",
    "localhost/livez",
    "localhost/livez?",
    "localhost#",
    "localhost?",
    "localhost:80/livez?x=",
    "localhost:livez",
    "localhost:80:80",
    "localhost:",
    "localhost\\livez",
    "[::1",
    "[::1]/livez",
    "[localhost]",
    "127.0.0.1.",
    "127.0.0.1%00",
    "127.0.0.1%2flivez",
    "0x7f000001",
    "2130706433",
    "localhost,evil.example",
    "localhost evil.example",
    "*",
    "..",
    "//localhost",
    "http://localhost/livez",
    ";",
    "a" * 300,
)


@pytest.fixture(scope="module")
def guarded(
    practice_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LockedServer]:
    """A locked server whose keys, accounts and clock no test changes."""
    store = f"sqlite:///{tmp_path_factory.mktemp('guarded')}/journal.db"
    with locked_server(locked_settings(practice_files, store=store)) as server:
        yield server


def addresses(path: str) -> list[str]:
    """A path with every way to fill in its parameters."""
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    filled = []
    for values in itertools.product(*(NAMES[name] for name in names)):
        address = path
        for name, value in zip(names, values, strict=True):
            address = address.replace(f"{{{name}}}", value)
        filled.append(address)
    return filled


def call(locked: LockedServer, method: str, path: str, key: str | None, **options: Any) -> Any:
    if method == "POST" and path == RECOMMEND:
        options["json"] = a_request()
    return locked.ask(method, path, key, **options)


def test_nobody_is_answered_at_once_whom_a_dependency_of_every_route_refuses(
    settings: Settings,
) -> None:
    """`RequestRoute` calls the only one itself."""
    app = create_app(settings)
    assert [each.dependency for each in app.router.dependencies] == [authorize]
    (route,) = [each for each in request_router.routes if isinstance(each, RequestRoute)]
    assert (route.path, route.dependencies) == ("/v1/recommendations", [])


@pytest.mark.parametrize("query", ["", "?dry_run=true", "?include=facts"])
def test_a_recommendation_needs_a_key_with_a_query_and_without(
    guarded: LockedServer, query: str
) -> None:
    check_problem(guarded.ask("POST", f"{RECOMMEND}{query}", None, json=a_request()), 401)


def test_every_route_has_a_line_in_the_table_and_every_line_a_route(settings: Settings) -> None:
    declared = {f"{method} {path}" for method, path in operations(create_app(settings))}
    assert declared == set(NEEDS)


def test_only_what_holds_nothing_of_anybody_is_open() -> None:
    assert {name for name, need in NEEDS.items() if need is Unrestricted.ANYBODY} == {
        "GET /",
        "GET /livez",
        "GET /readyz",
        "GET /docs",
        "GET /openapi.json",
        "GET /problems/{slug}",
        "POST /v1/session",
        "GET /appearance/accent.css",
        "GET /appearance/logo",
        "GET /staff/session",
        "POST /staff/session",
        "GET /staff/session/provider",
        "GET /staff/session/provider/return",
        "GET /match",
        "POST /match",
        "GET /match/leave",
    }


def test_a_route_nobody_wrote_down_is_refused_to_everybody(settings: Settings) -> None:
    app = create_app(settings)

    @app.get("/v1/new")
    async def new(request: Request) -> Response:
        return Response(CANARY)

    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 1)) as client:
        assert CANARY not in check_problem(client.get("/v1/new"), 403)


def made_by(locked: LockedServer, key: str) -> str:
    """A recommendation this key asked for."""
    made = locked.ask("POST", RECOMMEND, key, json=a_request())
    return str(made.json()["recommendation_id"])


def test_what_a_tool_asked_for_is_read_by_it_and_by_staff_and_by_nobody_else(
    locked: LockedServer,
) -> None:
    other = locked.make_key("other-tool", Role.TOOL)
    keys = {str(role): key.text for role, key in locked.keys.items()} | {"other": other.text}
    made = call(locked, "POST", RECOMMEND, keys["tool"]).json()["recommendation_id"]
    at = f"{RECOMMEND}/{made}"
    seen = {name: locked.ask("GET", at, key).status_code for name, key in keys.items()}
    assert seen == {
        **{"tool": 200, "browser": 403, "staff": 200, "scientist": 403, "admin": 403},
        "other": 404,
    }
    for path in (f"{at}/explanations", f"{at}/decisions"):
        seen = {name: locked.ask("GET", path, key).status_code for name, key in keys.items()}
        assert {name for name, status in seen.items() if status == 200} == {"staff"}


@pytest.mark.parametrize("role", list(Role))
def test_a_role_may_call_what_its_scopes_cover_and_nothing_else(role: Role) -> None:
    principal = Principal("actor", "credential", role, ROLES[role])
    allowed = {name for name, need in NEEDS.items() if may_call(principal, need)}
    covered = {name for name, need in NEEDS.items() if need in ROLES[role]}
    known = {name for name, need in NEEDS.items() if need in (Unrestricted.KNOWN, Unrestricted.OWN)}
    assert allowed == covered | known
    assert not may_call(principal, None)


@pytest.mark.parametrize("role", list(Role))
@pytest.mark.parametrize(
    "operation",
    [
        "POST /v1/recommendations",
        "GET /v1/models/current",
        "PUT /v1/roster",
        "POST /v1/ratings",
        "DELETE /v1/subjects/{pseudonym}",
        "GET /v1/audit-events/verification",
        "GET /metrics",
    ],
)
def test_a_route_answers_the_roles_the_table_allows(
    guarded: LockedServer, role: Role, operation: str
) -> None:
    need, (method, path) = NEEDS[operation], operation.split(" ")
    status = call(guarded, method, addresses(path)[0], guarded.keys[role].text).status_code
    assert (status != 403) == (need in ROLES[role])
    assert status < 400 or status in (403, *REFUSED_AFTER_AUTHORIZATION)


def test_routes_of_a_session_take_no_key(guarded: LockedServer) -> None:
    for method in ("GET", "DELETE"):
        assert NEEDS[f"{method} {SESSION_ONLY}"] is Unrestricted.OWN
        for key in guarded.keys.values():
            assert guarded.ask(method, SESSION_ONLY, key.text).status_code == 401


def test_a_tool_reads_what_it_asked_for_and_nothing_of_another(locked: LockedServer) -> None:
    ours, theirs = (
        locked.make_key("ours", Role.TOOL).text,
        locked.make_key("theirs", Role.TOOL).text,
    )
    own, foreign = made_by(locked, ours), made_by(locked, theirs)
    read = [
        path
        for method, path in operations(locked.client.app)  # type: ignore[arg-type]
        if method == "GET"
        and NEEDS[f"GET {path}"] is Scope.MATCH_READ
        and "{recommendation_id}" in path
    ]
    assert read
    for path in read:
        address = path.replace("{recommendation_id}", "{}")
        assert locked.ask("GET", address.format(own), ours).status_code == 200
        hidden = check_problem(locked.ask("GET", address.format(foreign), ours), 404)
        nowhere = check_problem(locked.ask("GET", address.format(RANDOM), ours), 404)
        assert hidden | {"instance": ""} == nowhere | {"instance": ""}


def test_without_a_key_only_open_routes_answer(guarded: LockedServer) -> None:
    assert isinstance(guarded.client.app, FastAPI)
    for method, path in operations(guarded.client.app):
        if NEEDS[f"{method} {path}"] is Unrestricted.ANYBODY or is_page(path):
            continue
        for address in addresses(path):
            response = call(guarded, method, address, None)
            check_problem(response, 401)
            assert response.headers["www-authenticate"] == 'Bearer realm="recommender"'


@pytest.mark.parametrize(
    "shown",
    [
        "",
        "Bearer",
        "Bearer ",
        f"Bearer {CANARY}",
        f"Bearer rk_{CANARY}",
        "Bearer rk_zzzzzzzz_" + "A" * 43,
        "Bearer rk_zzzzzzzz_" + "A" * 10_000,
        "Basic YTpi",
        f"Digest {CANARY}",
        "Bearer null",
    ],
)
def test_whatever_is_wrong_with_a_key_is_told_alike(guarded: LockedServer, shown: str) -> None:
    response = guarded.ask("GET", CURRENT, headers={"authorization": shown})
    told = check_problem(response, 401)
    plain = check_problem(guarded.ask("GET", CURRENT), 401)
    assert told | {"instance": ""} == plain | {"instance": ""}


def test_two_keys_in_one_request_open_nothing(guarded: LockedServer) -> None:
    key = f"Bearer {guarded.keys[Role.STAFF].text}"
    headers = [("authorization", key), ("authorization", key)]
    check_problem(guarded.client.get(CURRENT, headers=headers), 401)


def test_a_key_in_the_address_opens_nothing(guarded: LockedServer) -> None:
    key = guarded.keys[Role.STAFF].text
    for name in ("key", "token", "access_token", "authorization"):
        check_problem(guarded.ask("GET", f"{CURRENT}?{name}={key}"), 401)


def test_who_may_not_is_told_which_scope_is_lacking(guarded: LockedServer) -> None:
    response = guarded.ask("GET", CURRENT, guarded.keys[Role.TOOL].text)
    check_problem(response, 403)
    assert 'error="insufficient_scope", scope="model:read"' in response.headers["www-authenticate"]


@pytest.mark.parametrize("host", MALFORMED_HOSTS)
def test_no_host_header_opens_a_route(guarded: LockedServer, host: str) -> None:
    key = guarded.keys[Role.TOOL].text
    for method, path in (("GET", CURRENT), ("GET", "/metrics"), ("POST", RECOMMEND)):
        without = call(guarded, method, path, None, headers={"host": host})
        assert without.status_code in (400, 401)
        if path != RECOMMEND:
            with_one = call(guarded, method, path, key, headers={"host": host})
            assert with_one.status_code in (400, 403)


@pytest.mark.parametrize("path", SPELLINGS)
def test_no_spelling_of_a_path_goes_past_the_door(guarded: LockedServer, path: str) -> None:
    assert guarded.ask("GET", path).status_code in (401, 404)


def test_who_asks_is_never_decided_on_the_address_as_sent() -> None:
    root = Path(recommender.__file__).parent
    deciding = [*(root / "serving" / "auth").glob("*.py"), root / "serving" / "authorization.py"]
    for file in [*deciding, *(root / "security").glob("*.py")]:
        named = {
            n.attr for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Attribute)
        }
        assert not named & {"url", "base_url", "url_for"}, file.name


def test_a_tools_answer_holds_reasons_and_no_contribution(guarded: LockedServer) -> None:
    tool, staff = (
        guarded.ask("POST", path, guarded.keys[role].text, json=a_request()).json()
        for role, path in ((Role.TOOL, FOR_TOOLS), (Role.STAFF, WHOLE))
    )
    assert not {"groups", "in_favour", "against", "gain"} & names_in(tool)
    assert {"groups", "in_favour", "against"} <= names_in(staff)
    for theirs, ours in zip(tool["shortlist"], staff["shortlist"], strict=True):
        # What a card shows clients has tests of its own.
        assert theirs == {name: ours[name] for name in theirs} | {"card": theirs["card"]}
    assert any(shown["reasons"] for shown in tool["shortlist"])


def names_in(told: Any) -> set[str]:
    """Every member name at any depth."""
    if isinstance(told, dict):
        return set(told).union(*(names_in(value) for value in told.values()))
    return set().union(*(names_in(value) for value in told)) if isinstance(told, list) else set()


def test_a_narrowed_key_gets_no_more_than_its_scopes(locked: LockedServer) -> None:
    key = locked.make_key("prometheus", Role.ADMIN, "metrics:read").text
    assert locked.ask("GET", "/metrics", key).status_code == 200
    assert locked.ask("GET", CURRENT, key).status_code == 403


def test_a_revoked_key_is_refused_at_the_very_next_request(locked: LockedServer) -> None:
    key = locked.keys[Role.STAFF]
    assert locked.ask("GET", CURRENT, key.text).status_code == 200
    with locked.store.writing() as connection:
        revoke_key(connection, key.facts.key_id, now=locked.now, actor="test")
    assert locked.ask("GET", CURRENT, key.text).status_code == 401


def test_both_keys_of_a_rotation_answer_until_the_old_one_ends(locked: LockedServer) -> None:
    old = locked.keys[Role.STAFF].text
    with locked.store.writing() as connection:
        new = rotate_key(connection, "a-staff", Pepper.of(PEPPER), now=locked.now, actor="test")
    assert [locked.ask("GET", CURRENT, key).status_code for key in (old, new.text)] == [200, 200]
    locked.later(OVERLAP)
    assert [locked.ask("GET", CURRENT, key).status_code for key in (old, new.text)] == [401, 200]


def test_an_expired_key_is_refused(locked: LockedServer) -> None:
    locked.later(LIFETIME)
    check_problem(locked.ask("GET", CURRENT, locked.keys[Role.STAFF].text), 401)


def test_no_key_is_logged_measured_or_told(locked: LockedServer) -> None:
    keys = [key.text for key in locked.keys.values()] + [f"rk_{CANARY[:8]}_{CANARY * 4}"[:55]]
    with captured_logs() as stream:
        told = [
            call(locked, method, path, key)
            for key in keys
            for method, path in (("GET", CURRENT), ("POST", RECOMMEND), ("GET", "/nowhere"))
        ]
    metrics = locked.ask("GET", "/metrics", locked.keys[Role.ADMIN].text).text
    seen = stream.getvalue() + metrics + "".join(r.text + str(r.headers) for r in told)
    for key in keys:
        assert key not in seen
        assert key.split("_", 2)[2][:12] not in seen


def test_the_log_names_the_key_that_asked_and_the_trace_it_belongs_to(locked: LockedServer) -> None:
    key = locked.keys[Role.STAFF]
    with captured_logs() as stream:
        for parent in PARENTS:
            locked.ask("GET", CURRENT, key.text, headers={"traceparent": parent})
    written = log_lines(stream)
    assert {line["caller"] for line in written} == {key.facts.key_id}
    assert [line["trace"] for line in written] == list(PARENTS.values())


def test_too_many_calls_of_one_key_wait_and_another_key_does_not(
    practice_files: Path, tmp_path: Path
) -> None:
    store = f"sqlite:///{tmp_path}/limited.db"
    with locked_server(locked_settings(practice_files, store=store, calls_per_minute=2)) as limited:
        key, other = (limited.keys[role].text for role in (Role.STAFF, Role.ADMIN))
        left = [limited.ask("GET", CURRENT, key).headers["ratelimit"] for _ in range(2)]
        refused = limited.ask("GET", CURRENT, key)
        assert limited.ask("GET", CURRENT, other).status_code == 200
    assert [said.split(";")[1] for said in left] == ["r=1", "r=0"]
    check_problem(refused, 429)
    assert refused.headers["ratelimit-policy"] == '"calls";q=2;w=60'
    assert 1 <= int(refused.headers["retry-after"]) <= 60


def test_when_the_store_is_away_callers_are_told_to_come_back(
    locked: LockedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise UnavailableError("database", CANARY, CANARY)

    monkeypatch.setattr("recommender.serving.auth_backend.authenticate_key", away)
    response = locked.ask("GET", CURRENT, locked.keys[Role.STAFF].text)
    assert check_problem(response, 503)["type"] == "/problems/store-unavailable"
    assert response.headers["retry-after"] == "1"
    assert locked.ask("GET", "/livez").status_code == 200


@pytest.mark.parametrize("address", ["192.0.2.7", "10.0.0.1", "2001:db8::1", "testclient", ""])
def test_a_server_without_keys_answers_no_other_machine(settings: Settings, address: str) -> None:
    app = create_app(settings)
    with TestClient(app, base_url="http://localhost", client=(address, 1)) as stranger:
        check_problem(stranger.get(CURRENT), 403)
        check_problem(stranger.post(RECOMMEND, json=a_request()), 403)
        assert stranger.get("/livez").status_code == 200


def test_a_server_without_keys_says_so_when_it_starts(settings: Settings) -> None:
    with captured_logs() as stream, local_client(settings) as caller:
        assert caller.get(CURRENT).status_code == 200
    assert ("serving_without_keys", "warning") in [
        (line["event"], line["level"]) for line in log_lines(stream)
    ]


def test_a_server_that_other_machines_reach_does_not_start_without_keys(
    settings: Settings,
) -> None:
    for host in ("0.0.0.0", "::", "192.0.2.7", "match.example.org"):
        with pytest.raises(RecommenderError, match="RECOMMENDER_STORE"):
            create_app(settings.model_copy(update={"host": host}))


def test_a_store_without_a_sound_pepper_is_no_door(practice_files: Path, tmp_path: Path) -> None:
    for pepper in (None, "short"):
        with pytest.raises(RecommenderError, match="pepper"):
            create_app(
                locked_settings(practice_files, store=f"sqlite:///{tmp_path}/x.db", pepper=pepper)
            )


def test_settings_hide_the_store_and_the_pepper(practice_files: Path) -> None:
    settings = locked_settings(practice_files, store=f"sqlite:///{CANARY}.db")
    assert CANARY not in repr(settings) + str(settings)
    assert PEPPER not in repr(settings) + json.dumps(settings.model_dump(mode="json"))


def test_a_key_shown_by_a_stranger_is_looked_up_even_when_many_are(locked: LockedServer) -> None:
    locked.later(timedelta(minutes=1))
    tried = [locked.ask("GET", CURRENT, f"rk_zzzzzzz{n}_" + "A" * 43) for n in range(10)]
    assert {response.status_code for response in tried} == {401}


def test_the_contract_says_what_each_operation_needs(caller: TestClient) -> None:
    told = caller.get("/openapi.json").json()
    assert set(told["components"]["securitySchemes"]) == {"key", "session"}
    assert told["paths"][RECOMMEND]["post"]["security"] == [
        {"key": ["match:create"]},
        {"session": ["match:create"]},
    ]
    assert told["paths"]["/livez"]["get"]["security"] == []
    shown = told["components"]["schemas"]["ShownClinician"]
    assert not {"in_favour", "against", "groups"} & set(shown["required"])
