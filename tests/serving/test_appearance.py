"""The pages carry the practice's name, colour and logo, without a session too."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from recommender.errors import DefinitionError
from recommender.practice.appearance import in_dark
from recommender.serving.app import create_app
from recommender.serving.appearance import LOGO, STYLE
from recommender.settings import Settings
from tests.support.builders import DEFINITION, write_tables
from tests.support.page_reader import Reader
from tests.support.server import TestClient, local_client

ACCENT = "#7a1fa2"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 2 1"><script>1</script></svg>'


def settings_of(directory: Path) -> Settings:
    """Settings of a server whose practice has a colour, a logo and somebody to ask."""
    write_tables(directory, clinicians=6)
    text = DEFINITION.read_text(encoding="utf-8")
    own = f'accent = "{ACCENT}"\nlogo = "logo.svg"\naccounts = "Kim at the front desk"\n'
    definition = directory / "practice.toml"
    definition.write_text(text.replace("[practice]\n", f"[practice]\n{own}"), encoding="utf-8")
    return Settings(practice=str(definition), roster=directory / "clinicians.csv")


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = tmp_path_factory.mktemp("practice")
    (directory / "logo.svg").write_bytes(SVG)
    with local_client(settings_of(directory)) as client:
        yield client


def addresses(client: TestClient) -> list[str]:
    found = Reader(client.get("/staff").text)
    return [value for name, value in found.attributes if name in ("href", "src")]


def test_the_colour_is_a_style_sheet_of_this_server(client: TestClient) -> None:
    [address] = [each for each in addresses(client) if each.startswith(STYLE)]
    response = client.get(address)
    assert response.headers["content-type"].startswith("text/css")
    assert f"light-dark({ACCENT}, {in_dark(ACCENT)})" in response.text


def test_the_logo_comes_with_a_strict_type_and_may_run_nothing(client: TestClient) -> None:
    [address] = [each for each in addresses(client) if each.startswith(LOGO)]
    response = client.get(address)
    assert response.content == SVG
    assert response.headers["content-type"] == "image/svg+xml"
    assert response.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in response.headers["content-security-policy"]


def test_a_page_that_refuses_says_whom_to_ask(client: TestClient) -> None:
    page = client.get("/staff/requests/none", headers={"accept": "text/html"})
    assert page.status_code == 404
    assert "Corner practice" in page.text


def test_a_practice_without_colour_and_logo_has_neither_address(plain_practice: TestClient) -> None:
    assert not [each for each in addresses(plain_practice) if "/appearance/" in each]
    assert plain_practice.get(STYLE).status_code == plain_practice.get(LOGO).status_code == 404


@pytest.fixture(scope="module")
def plain_practice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    directory = tmp_path_factory.mktemp("plain")
    write_tables(directory, clinicians=6)
    with local_client(
        Settings(practice=str(DEFINITION), roster=directory / "clinicians.csv")
    ) as client:
        yield client


def test_a_server_does_not_start_with_a_logo_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DefinitionError) as refused:
        create_app(settings_of(tmp_path))
    assert [fault.where for fault in refused.value.faults] == ["practice.logo"]
