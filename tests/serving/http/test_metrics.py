from dataclasses import replace
from datetime import UTC, datetime
from functools import partial

from fastapi import FastAPI
from prometheus_client.parser import text_string_to_metric_families

from recommender.serving.dependencies import app_state
from recommender.serving.snapshot.snapshot import ServingSnapshot, open_snapshot
from recommender.settings import Settings
from tests.support.server import CANARY, RECOMMEND, TestClient, a_request, local_client

LABELS = {"route", "method", "status_class", "mode", "problem", "outcome", "le"}


def measured(caller: TestClient) -> dict[tuple[str, frozenset[str]], float]:
    """Every sample: its name, its labels as `name=value`, and the value."""
    samples = {}
    for family in text_string_to_metric_families(caller.get("/metrics").text):
        for sample in family.samples:
            labels = frozenset(f"{name}={value}" for name, value in sample.labels.items())
            samples[sample.name, labels] = sample.value
    return samples


def of(samples: dict[tuple[str, frozenset[str]], float], name: str, *labels: str) -> float:
    """The one sample of a name with at least these labels; 0 where there is none."""
    found = [value for (n, given), value in samples.items() if n == name and given >= set(labels)]
    assert len(found) <= 1
    return found[0] if found else 0.0


def test_a_request_is_counted_and_timed_by_its_route(settings: Settings) -> None:
    with local_client(settings) as caller:
        caller.post(RECOMMEND, json=a_request())
        caller.post(RECOMMEND, json=a_request(answers={"agrees": None}))
        caller.post(RECOMMEND, json=a_request(top_k=0))
        caller.post(RECOMMEND, content=b"", headers={"Content-Encoding": "gzip"})
        samples = measured(caller)
    route = f"route={RECOMMEND}"
    for mode in ("model", "constraints_only"):
        assert of(samples, "recommender_requests_total", route, f"mode={mode}") == 1
        assert of(samples, "recommender_request_seconds_count", route, f"mode={mode}") == 1
    refused = ("status_class=4xx", "mode=none", "method=POST")
    assert of(samples, "recommender_requests_total", route, *refused) == 1
    assert of(samples, "recommender_refusals_total", "problem=invalid-intake") == 1
    # Refused before it has a route.
    assert of(samples, "recommender_refusals_total", "problem=unsupported-media-type") == 1


def test_labels_come_from_closed_sets_whatever_is_sent(settings: Settings) -> None:
    with local_client(settings) as caller:
        for place in range(30):
            caller.request(f"{CANARY}{place}".upper(), "/livez")
            caller.get(f"/{CANARY}/{place}?{CANARY}=1", headers={"host": f"{CANARY}.example"})
            caller.get(f"/problems/{CANARY}{place}", headers={"traceparent": CANARY})
        text, samples = caller.get("/metrics").text, measured(caller)
    assert CANARY not in text.lower()
    names = {label.split("=")[0] for _, labels in samples for label in labels}
    assert names <= LABELS
    methods = {label for _, labels in samples for label in labels if label.startswith("method=")}
    assert methods <= {"method=GET", "method=other"}


def _exchanged(state: ServingSnapshot, _: ServingSnapshot) -> ServingSnapshot:
    return state


def test_models_and_rosters_that_come_to_answer_are_counted(settings: Settings) -> None:
    with local_client(settings) as caller:
        assert isinstance(caller.app, FastAPI)
        context = app_state(caller.app)
        state = open_snapshot(settings)
        roster = replace(state.encoding.roster, version="another")
        moved = replace(state, encoding=replace(state.encoding, roster=roster))
        for each in (state, moved, replace(moved, digest="f" * 64)):
            context.snapshots.swap(partial(_exchanged, each))
        context.metrics.bundle_rejected()
        samples = measured(caller)
    assert of(samples, "recommender_models_total", "outcome=loaded") == 2
    assert of(samples, "recommender_models_total", "outcome=rejected") == 1
    assert of(samples, "recommender_roster_changes_total") == 1


def test_the_age_of_what_is_known_of_the_clinicians_is_told(settings: Settings) -> None:
    written = open_snapshot(settings).taken_at
    with local_client(settings) as caller:
        age = of(measured(caller), "recommender_availability_age_seconds")
    assert 0 <= (datetime.now(UTC) - written).total_seconds() - age < 60
