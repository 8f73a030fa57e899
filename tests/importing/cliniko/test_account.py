import pytest

from recommender.errors import RecommenderError
from recommender.importing.cliniko.account import (
    ADDRESS_VARIABLE,
    KEY_VARIABLE,
    account_of,
    checked_rate,
)

CONTACT = "Invented Practice (it@practice.example)"
SECRET = "MS0xLWl4SzYYYYdtR3V2HNOTAREALKEY"


@pytest.mark.parametrize(
    ("ending", "host"), [("-au2", "au2"), ("-uk1", "uk1"), ("-CA1", "ca1"), ("", "au1")]
)
def test_a_key_names_the_address_of_its_shard(ending: str, host: str) -> None:
    account = account_of({KEY_VARIABLE: SECRET + ending}, CONTACT)
    assert account.address == f"https://api.{host}.cliniko.com/v1"
    assert account.key == SECRET + ending


def test_no_form_of_an_account_shows_the_key() -> None:
    account = account_of({KEY_VARIABLE: SECRET}, CONTACT)
    assert SECRET not in f"{account!r} {account}"


@pytest.mark.parametrize("key", ["", "  ", "short", "two words of a key", f'"{SECRET}"'])
def test_a_key_that_is_missing_or_mangled_is_refused_without_being_repeated(key: str) -> None:
    with pytest.raises(RecommenderError) as refused:
        account_of({KEY_VARIABLE: key}, CONTACT)
    assert refused.value.field == KEY_VARIABLE
    assert not key.strip() or key.strip() not in str(refused.value)


@pytest.mark.parametrize("contact", ["", "Practice", "it@practice.example", "A (nobody)"])
def test_a_contact_without_name_and_e_mail_is_refused(contact: str) -> None:
    with pytest.raises(RecommenderError, match="NAME"):
        account_of({KEY_VARIABLE: SECRET}, contact)


@pytest.mark.parametrize("address", ["https://elsewhere.example/v1", "ftp://127.0.0.1", "api"])
def test_the_key_is_sent_to_cliniko_or_to_this_machine_only(address: str) -> None:
    with pytest.raises(RecommenderError, match="this machine"):
        account_of({KEY_VARIABLE: SECRET, ADDRESS_VARIABLE: address}, CONTACT)


def test_cliniko_is_asked_no_faster_than_it_answers() -> None:
    real = account_of({KEY_VARIABLE: SECRET}, CONTACT)
    here = account_of({KEY_VARIABLE: SECRET, ADDRESS_VARIABLE: "http://127.0.0.1:1/v1/"}, CONTACT)
    assert here.address == "http://127.0.0.1:1/v1"
    assert checked_rate(real, 200) == 200
    assert checked_rate(here, 5000) == 5000
    for rate in (201, 0):
        with pytest.raises(RecommenderError, match="1 to 200"):
            checked_rate(real, rate)
