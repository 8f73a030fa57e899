"""A query parameter that an operation does not have is refused, not ignored."""

import re
from pathlib import Path

from fastapi import FastAPI

from recommender.security.scopes import Role
from recommender.serving.http.near_paths import VERSION
from tests.support.server import (
    RECOMMEND,
    TestClient,
    a_request,
    locked_server,
    locked_settings,
    operations,
)


def test_a_request_whose_dry_run_is_misspelt_is_not_recorded(practice_files: Path) -> None:
    with locked_server(locked_settings(practice_files)) as server:
        tool, staff = (server.keys[role].text for role in (Role.TOOL, Role.STAFF))
        for query, meant in (("dryrun=true", "dry_run"), ("Include=facts", "include")):
            refused = server.ask("POST", f"{RECOMMEND}?{query}", tool, json=a_request())
            assert refused.status_code == 400
            [error] = refused.json()["errors"]
            assert error["message"].endswith(f"; did you mean `{meant}`?")
        listed = server.ask("GET", RECOMMEND, staff)
        assert listed.json()["recommendations"] == []


def test_every_operation_of_the_contract_refuses_it_and_probes_of_health_do_not(
    caller: TestClient,
) -> None:
    assert isinstance(caller.app, FastAPI)
    for method, path in operations(caller.app):
        address = re.sub(r"{[^}]*}", "a", path)
        if not path.startswith(VERSION) or method == "HEAD":
            continue
        refused = caller.request(method, f"{address}?maria=1")
        assert refused.status_code == 400, (method, path)
        message = refused.json()["errors"][0]["message"]
        assert message.startswith("the query has a parameter that this operation does not have")
    assert caller.get("/livez?now=1").status_code == 200
