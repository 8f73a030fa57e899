"""Deprecation headers of a route that is declared with the real mechanism, on a running server."""

from datetime import date, timedelta
from typing import Annotated, Any

import pytest
from fastapi import APIRouter
from pydantic import BaseModel
from pydantic import Field as Setting
from starlette.responses import Response

from recommender.serving.app import create_app
from recommender.serving.authorization import NEEDS, Unrestricted
from recommender.serving.http.contract_versions import (
    API_VERSION,
    LIFETIME,
    VERSIONS,
    Deprecation,
)
from recommender.serving.openapi import ApiRoute
from recommender.settings import Settings
from tests.support.server import RECOMMEND, TestClient, a_request

OLD = Deprecation(date(2026, 12, 1), date(2027, 6, 30), "Use `GET /livez`.")
EXPECTED = {
    "deprecation": "@1796083200",
    "sunset": "Wed, 30 Jun 2027 23:59:59 GMT",
    "link": '</docs>; rel="deprecation"; type="text/html"',
}


@pytest.fixture
def old_route(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A caller of a server that has one deprecated operation more."""
    router = APIRouter(route_class=ApiRoute)

    @router.get("/v1/alive", openapi_extra=OLD.in_contract())
    async def get_alive(number: int = 1) -> Response:
        """Liveness by its old address."""
        return Response(f'{{"status": "alive {number}"}}', media_type="application/json")

    monkeypatch.setattr(
        "recommender.serving.authorization.NEEDS",
        {**NEEDS, "GET /v1/alive": Unrestricted.ANYBODY},
    )
    app = create_app(settings)
    app.include_router(router)
    with TestClient(app, base_url="http://localhost", client=("127.0.0.1", 50_000)) as caller:
        yield caller


def test_every_response_of_a_deprecated_operation_says_until_when_it_works(old_route: Any) -> None:
    for path, status in (("/v1/alive", 200), ("/v1/alive?number=x", 400)):
        response = old_route.get(path)
        assert response.status_code == status
        assert {name: response.headers[name] for name in EXPECTED} == EXPECTED
    assert not set(EXPECTED) & set(old_route.get("/livez").headers)


def test_the_contract_marks_a_deprecated_operation_with_its_dates(old_route: Any) -> None:
    operation = old_route.get("/openapi.json").json()["paths"]["/v1/alive"]["get"]
    assert operation["deprecated"] is True
    assert operation["x-deprecation"] == {
        "since": "2026-12-01",
        "sunset": "2027-06-30",
        "instead": "Use `GET /livez`.",
    }


def test_a_deprecated_member_has_the_same_marks_in_its_schema() -> None:
    class Old(BaseModel):
        name: Annotated[str, Setting(json_schema_extra=OLD.in_contract())]

    marked = Old.model_json_schema()["properties"]["name"]
    assert marked["deprecated"] is True
    assert marked["x-deprecation"]["sunset"] == "2027-06-30"


def test_a_sunset_before_half_a_year_is_over_cannot_be_declared() -> None:
    begun = date(2026, 12, 1)
    with pytest.raises(ValueError, match="182 days"):
        Deprecation(begun, begun + LIFETIME - timedelta(days=1), "Use another.")


def test_every_response_names_the_version_of_the_contract(caller: TestClient) -> None:
    for response in (
        caller.get("/livez"),
        caller.get("/nowhere"),
        caller.post(RECOMMEND, json=a_request()),
    ):
        assert response.headers["api-version"] == API_VERSION
    assert "api-version" not in caller.get("/staff").headers


def test_the_contract_says_what_each_version_changed(caller: TestClient) -> None:
    information = caller.get("/openapi.json").json()["info"]
    assert information["version"] == API_VERSION == VERSIONS[0].version
    assert [each["version"] for each in information["x-changelog"]] == [
        each.version for each in VERSIONS
    ]
    assert all(each["changes"] for each in information["x-changelog"])
