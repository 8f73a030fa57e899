import re
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from typer.testing import CliRunner, Result

from recommender.cli.main import app
from recommender.security import accounts
from recommender.security.linked_identities import identity_code
from tests.support.server import PASSWORD, PEPPER


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(accounts, "_hasher", PasswordHasher(1, 64, 1))
    store = f"sqlite:///{tmp_path}/recommender.db"
    return {"RECOMMENDER_STORE": store, "RECOMMENDER_PEPPER": PEPPER, "COLUMNS": "200"}


def run(environment: dict[str, str], *words: str, typed: str | None = None) -> Result:
    return CliRunner().invoke(app, words, env=environment, input=typed)


def test_help_teaches_how_a_key_is_sent_and_replaced() -> None:
    said = run({}, "keys", "--help").output
    for word in ("Authorization: Bearer", "rotate", "revoke", "RECOMMENDER_PEPPER"):
        assert word in said


def test_a_key_is_printed_once_and_alone_on_standard_output(environment: dict[str, str]) -> None:
    made = run(environment, "keys", "create", "website")
    assert made.exit_code == 0
    assert re.fullmatch(r"rk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\n", made.stdout)
    assert "only time" in made.stderr
    listed = run(environment, "keys", "list").output
    assert "website" in listed
    assert made.stdout.strip().split("_", 2)[2] not in listed


def test_a_key_of_a_page_and_a_sandbox_key_say_what_they_are(environment: dict[str, str]) -> None:
    page = ("--origin", "https://www.practice.example", "--origin", "http://localhost:3000")
    made = run(environment, "keys", "create", "form", "--role", "browser", *page)
    assert re.fullmatch(r"pk_[a-z0-9]{8}_[A-Za-z0-9_-]{43}\n", made.stdout)
    assert "may be in a public page" in made.stderr
    trial = run(environment, "keys", "create", "trial", "--sandbox")
    assert "nothing that is sent with it is stored" in trial.stderr
    listed = run(environment, "keys", "list").output
    assert "http://localhost:3000 https://www.practice.example" in listed
    assert listed.count("nothing") == 1
    refused = run(environment, "keys", "create", "other", "--role", "browser")
    assert refused.exit_code == 1
    assert "origin" in refused.output


def test_with_nothing_to_list_the_next_command_is_named(environment: dict[str, str]) -> None:
    assert "recommender keys create" in run(environment, "keys", "list").output
    assert "recommender staff add" in run(environment, "staff", "list").output


def test_a_key_is_rotated_then_revoked(environment: dict[str, str]) -> None:
    old = run(environment, "keys", "create", "website").stdout
    assert "rotate website" in run(environment, "keys", "create", "website").output
    new = run(environment, "keys", "rotate", "website")
    assert new.stdout != old
    assert "7 more days" in new.output
    key_id = old.split("_")[1]
    assert "is revoked" in run(environment, "keys", "revoke", key_id).output
    assert run(environment, "keys", "revoke", key_id).exit_code == 1
    listed = run(environment, "keys", "list").output
    assert listed.count("live") == 1
    assert listed.count("revoked") == 1


def test_a_key_is_revoked_by_its_name_where_one_live_key_has_it(
    environment: dict[str, str],
) -> None:
    old = run(environment, "keys", "create", "website").stdout.split("_")[1]
    new = run(environment, "keys", "rotate", "website").stdout.split("_")[1]
    refused = run(environment, "keys", "revoke", "website")
    assert refused.exit_code == 1
    assert "is the name of 2 live keys" in refused.output
    assert refused.output.index(old) < refused.output.index(new)
    assert run(environment, "keys", "revoke", old).exit_code == 0
    assert (
        f"Key {new} of website is revoked" in run(environment, "keys", "revoke", "website").output
    )
    assert "is no live key" in run(environment, "keys", "revoke", "website").output


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("keys", "create", "Web Site"), "cannot name a key"),
        (("keys", "create", "website", "--role", "root"), "tool, browser, staff, scientist, admin"),
        (("keys", "create", "website", "--only", "explain:read"), "names scopes that"),
        (("keys", "rotate", "website"), "no live key"),
        (("staff", "remove", "nobody"), "has no account"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_remedy(
    environment: dict[str, str], words: tuple[str, ...], said: str
) -> None:
    result = run(environment, *words)
    assert result.exit_code == 1
    assert said in " ".join(result.output.replace("│", " ").split())


def test_without_a_pepper_no_key_is_made(environment: dict[str, str]) -> None:
    result = run(environment | {"RECOMMENDER_PEPPER": ""}, "keys", "create", "website")
    assert result.exit_code == 1
    assert "openssl rand" in result.output


def test_without_a_store_the_variable_is_named() -> None:
    result = run({"RECOMMENDER_STORE": ""}, "keys", "list")
    assert result.exit_code != 0
    assert "RECOMMENDER_STORE" in result.output or "sqlite:///PATH" in result.output


def test_an_account_is_added_changed_and_removed(environment: dict[str, str]) -> None:
    for words, typed, said in (
        (("add", "intake.desk"), PASSWORD, "may log in as staff"),
        (("password", "intake.desk", "--temporary"), "another four words", "must log in again"),
        (("list",), None, "password to be changed"),
        (("remove", "intake.desk"), None, "can no longer log in"),
        (("list",), None, "removed"),
    ):
        result = run(environment, "staff", *words, typed=typed)
        assert result.exit_code == 0, result.output
        assert said in result.output
        assert PASSWORD not in result.output


def test_a_password_that_can_be_guessed_makes_no_account(environment: dict[str, str]) -> None:
    result = run(environment, "staff", "add", "intake.desk", typed="password\n")
    assert result.exit_code == 1
    assert "There is no account" in run(environment, "staff", "list").output


def test_an_account_is_linked_by_code_or_subject_and_unlinked(environment: dict[str, str]) -> None:
    environment["RECOMMENDER_OIDC_ISSUER"] = "https://login.example.org"
    assert "may log in" in run(environment, "staff", "add", "ines", "--no-password").output
    assert "give one of the two" in run(environment, "staff", "link", "ines").output
    assert run(environment, "staff", "link", "ines", "--subject", "8c1f").exit_code == 0
    assert " yes " in run(environment, "staff", "list").output
    code = ("--code", identity_code("https://login.example.org", "8c1f"))
    assert "linked to an account" in run(environment, "staff", "link", "ines", *code).output
    assert run(environment, "staff", "unlink", "ines").exit_code == 0
    assert run(environment, "staff", "link", "ines", *code).exit_code == 0
    del environment["RECOMMENDER_OIDC_ISSUER"]
    assert "--issuer" in run(environment, "staff", "link", "ines", "--subject", "x").output
