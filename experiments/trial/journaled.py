"""One trial by the code of a server and a real journal, from requests to looks."""

import csv
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from datetime import timedelta
from pathlib import Path

import numpy as np

from recommender.journal.pairings import Pairing as PairingRow
from recommender.journal.pairings import PairingEvent, record_event, record_pairing
from recommender.journal.ratings import Rating, record_rating
from recommender.journal.trials import (
    end_trial,
    newest_trial,
    record_look,
    start_trial,
    trial_clients,
)
from recommender.monitoring.trial_clients import clients_of_trial
from recommender.screening.layout import DECLARED_MODES
from recommender.serving.recommendation_service import ServedRecommendation, recommend_parsed, today
from recommender.serving.schemas.intake import ParsedRequest
from recommender.serving.snapshot.snapshot import ServingSnapshot, open_snapshot
from recommender.serving.stored_recommendation import to_journal_row
from recommender.serving.trial_draws import TrialDraws
from recommender.settings import Settings
from recommender.store.database import Store, open_store
from recommender.trial.looks import CONTINUE, look_at
from recommender.trial.planning import TrialAssumptions, size_of
from recommender.trial.protocol import TrialProtocol
from recommender.trial.randomisation import MODEL
from recommender.trial.report import report_of

ACTOR = "experiment"
PLANNED = 0.6
"""Standard deviations that the trial is planned for: few clients, so that it is soon done."""
POINTS = 0.6
"""Standard deviation of ratings around 3.8 of 5."""


def journaled_trial(effect: float, seed: int) -> str:
    """The sentence of a trial whose model arm rates so many standard deviations higher."""
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory)
        sizes = ["--clinicians", "20", "--ratings", "100", "--test-clients", "600"]
        line = [sys.executable, "-m", "experiments.simulated_practice", "--out", directory]
        subprocess.run([*line, *sizes, "--seed", str(seed)], check=True, capture_output=True)
        snapshot = open_snapshot(Settings(roster=folder / "clinicians.csv", practice="psychology"))
        store = open_store(f"sqlite:///{folder}/journal.db")
        try:
            return _run(snapshot, store, folder / "truth" / "clients.csv", effect, rng)
        finally:
            store.close()


def _run(
    snapshot: ServingSnapshot, store: Store, clients: Path, effect: float, rng: np.random.Generator
) -> str:
    assumed = TrialAssumptions(icc=0.0, explained=0.0, clinicians=20)
    size = size_of(PLANNED, assumed)
    assert size.rated is not None
    assert size.randomised is not None
    protocol = TrialProtocol(snapshot.practice.id, PLANNED, size.rated, size.randomised,
                             assumed.looks, assumed.alpha, 0.5)  # fmt: skip
    with store.writing() as connection:
        trial_id = start_trial(connection, protocol.to_json(), digest=protocol.digest, actor=ACTOR)
    draws = TrialDraws(store, 0.0)
    before: list[int] = []
    for number, served in enumerate(_asked(snapshot, draws, clients)):
        if served.arm is None:
            continue
        _write(store, snapshot, served, number, effect, rng)
        if number % 4:
            continue
        with store.reading() as connection:
            so_far = clients_of_trial(trial_clients(connection, trial_id), snapshot.practice)
        if np.count_nonzero(so_far.rated) < protocol.next_due(before):
            continue
        look = look_at(so_far, protocol, before)
        before.append(look.rated)
        with store.writing() as connection:
            record_look(connection, trial_id, look.rated, look.decision, asdict(look), actor=ACTOR)
            if look.decision != CONTINUE:
                end_trial(connection, trial_id, look.decision, actor=ACTOR)
                break
    with store.reading() as connection:
        stored = newest_trial(connection)
    sentence = report_of(so_far, protocol, look).sentence
    return (
        f"By journal and server code, true effect {effect:.1f} sd: {len(stored.looks)} looks, "
        f"ended with {stored.ended}. {sentence}"
    )


def _asked(
    snapshot: ServingSnapshot, draws: TrialDraws, clients: Path
) -> Iterator[ServedRecommendation]:
    """A recommendation for each client of a table, in turn."""
    asked = snapshot.practice.asked.fields
    with clients.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            answers = {name: cell for name, cell in row.items() if name in asked and cell}
            if snapshot.practice.consent is not None:
                answers[snapshot.practice.consent] = "true"
            request = ParsedRequest(row["client_id"], answers, DECLARED_MODES, 5, None)
            yield recommend_parsed(snapshot, request, draws)


def _write(
    store: Store,
    snapshot: ServingSnapshot,
    served: ServedRecommendation,
    number: int,
    effect: float,
    rng: np.random.Generator,
) -> None:
    """What follows a recommendation: mostly a start with the first; a rating, or leaving before."""
    day, name = today(snapshot.practice), f"p{number}"
    shown = served.recommendation.shortlist
    client_id = served.request.client_id
    assert served.arm is not None
    assert client_id is not None
    whom = shown[0 if rng.random() < 0.7 else int(rng.integers(len(shown)))].clinician_id
    rating = 3.8 + POINTS * (effect * (served.arm.arm == MODEL) + rng.normal())
    score = float(np.clip(rating, 1.0, 5.0))
    practice, began = snapshot.practice, day - timedelta(days=30)
    with store.writing() as connection:
        to_journal_row(served, snapshot, actor=ACTOR)(connection)
        pairing = PairingRow(name, client_id, whom, served.recommendation_id)
        record_pairing(connection, pairing, actor=ACTOR)
        first = PairingEvent(name, "attended", began, session=1)
        record_event(connection, first, actor=ACTOR, today=day)
        if rng.random() < 0.7:
            instrument = practice.alliance.reference
            given = Rating(name, 3, instrument, "mean", score, began + timedelta(days=14))
            record_rating(connection, practice, given, actor=ACTOR, today=day)
        else:
            left = PairingEvent(name, "ended", began + timedelta(days=7), reason="other")
            record_event(connection, left, actor=ACTOR, today=day)
