import tomllib
from pathlib import Path

from experiments.cliniko_sync.invented_account import (
    CARLTON,
    STANDARD,
    AccountSize,
    invented_account,
)
from experiments.cliniko_sync.local_cliniko import KEY, serving
from recommender.importing.cliniko.account import ClinikoAccount
from recommender.importing.cliniko.client import ClinikoClient
from recommender.importing.cliniko.mapping import read_mapping
from recommender.importing.cliniko.mapping_draft import mapping_draft
from recommender.importing.cliniko.request_pace import RequestPace
from recommender.importing.cliniko.state_file import copied_state
from recommender.importing.cliniko.synchronise import read_directory
from tests.support.cliniko_runs import CONTACT, PRACTICE


def test_a_first_mapping_lists_everything_and_is_read_once_a_first_session_is_named() -> None:
    cliniko = invented_account(AccountSize(4, 5, 1, 1), 1)
    cliniko.lists["businesses"][0] |= {"post_code": "2042", "business_name": 'The "Old"\nMill'}
    names = {"ines": "clinician  2", "psy01": "Somebody Else"}
    with serving(cliniko), copied_state(None) as state:
        account = ClinikoAccount(KEY, cliniko.address, CONTACT)
        client = ClinikoClient(account, RequestPace(999, float, print), float, print)
        directory = read_directory(client, state)
        client.close()
    text = mapping_draft(directory, PRACTICE, CONTACT, names)
    declared = tomllib.loads(text)
    assert declared["practitioners"] == {"5000": "psy02", "5001": "psy03", "5002": "ines"}
    assert declared["businesses"]["11"] == {"room": "2042"}
    assert set(declared["businesses"]) == {"11", CARLTON, "13"}
    mapping = read_mapping(text.replace("first_session = false", "first_session = true"), PRACTICE)
    assert STANDARD in mapping.first_types
    assert mapping.facts.hours == "hours"
    assert mapping.facts.weeks_free is None


def test_the_example_in_the_documentation_is_a_mapping() -> None:
    page = Path(__file__).parents[3] / "docs" / "cliniko.md"
    block = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    assert read_mapping(block, PRACTICE).practitioners
