"""The page of a trial says how far it is, and no result."""

from pathlib import Path

from recommender.journal.trials import end_trial, start_trial
from recommender.security.scopes import Role
from recommender.trial.protocol import TrialProtocol
from tests.support.page_reader import read, signed_in
from tests.support.server import locked_server, locked_settings

TRIAL = "/staff/practice/trial"


def test_the_page_counts_clients_over_both_arms(
    practice_files: Path, store_file: Path, cheap_passwords: None
) -> None:
    store = f"sqlite:///{store_file}"
    with locked_server(locked_settings(practice_files, store=store)) as server:
        owner = signed_in(server, Role.ADMIN)
        assert "No trial was started here." in read(owner, TRIAL).text
        protocol = TrialProtocol("corner", 0.2, 700, 1030, (0.5, 1.0), 0.05, 0.5)
        with server.store.writing() as connection:
            trial_id = start_trial(
                connection, protocol.to_json(), digest=protocol.digest, actor="owner"
            )
        text = read(owner, TRIAL).text
        with server.store.writing() as connection:
            end_trial(connection, trial_id, "harm", actor="owner")
        harmed = read(owner, TRIAL).text
    assert "A trial is running." in text
    assert "0 of about 1030" in text
    assert "The next at 350 ratings" in text
    assert protocol.digest[:16] in text
    assert "order is not shown" in harmed
    assert "Its last look comes next" in harmed
