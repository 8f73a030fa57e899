"""Whatever becomes of models and of the registry, requests are answered."""

import json
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fastapi import FastAPI

from recommender.model.additive import SlopePrior
from recommender.model.alliance_model import LearnedFrom
from recommender.model.evidence_prior import evidence_model
from recommender.practice.definition import read_practice
from recommender.rollout.bundle_cache import RegistryPointer
from recommender.serving.dependencies import app_state
from recommender.serving.snapshot.holder import SnapshotHolder
from recommender.serving.snapshot.snapshot import ServingSnapshot
from tests.support.builders import a_model, a_practice, a_roster
from tests.support.server import (
    RECOMMEND,
    TestClient,
    a_request,
    cache_settings,
    captured_logs,
    damage_bundle,
    empty_bundle_cache,
    local_client,
    log_lines,
    post_bytes,
    put_bundle,
    readiness,
    served_digest,
    settings_without_model,
    two_bundles,
    wait_until,
)


def holder_of(caller: TestClient) -> SnapshotHolder:
    assert isinstance(caller.app, FastAPI)
    return app_state(caller.app).snapshots


def test_without_any_model_the_declared_sizes_answer_and_say_so(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    with local_client(settings_without_model(bundle_cache)) as caller:
        told = caller.post(RECOMMEND, json=a_request()).json()
        assert readiness(caller) == "ready"
    assert told["mode"] == "evidence_prior"
    assert told["model"]["practice"] == a_practice().id
    assert "not trained on ratings of this practice" in told["warnings"][0]
    assert told["shortlist"]


def test_a_newcomer_answers_with_what_others_contributed_and_says_who_they_are(
    tmp_path: Path,
) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    model = evidence_model(
        a_practice(),
        a_roster().columns,
        a_roster().ids,
        data_digest="none",
        created_at="",
        informed=SlopePrior(np.array([0.1, -0.4]), 0.01 * np.eye(2)),
        learned_from=(LearnedFrom("Practice by the river", "0" * 64, 900, 870, 1.0),),
    )
    bundle_cache.write_pointer(RegistryPointer(put_bundle(bundle_cache, model)))
    with local_client(cache_settings(bundle_cache)) as caller:
        response = caller.post(RECOMMEND, json=a_request()).json()
        current = caller.get("/v1/models/current").json()
        metrics = caller.get("/metrics").text

    assert response["mode"] == "pooled_prior"
    assert response["warning_details"][0]["code"] == "pooled_prior"
    assert "what other practices contributed" in response["warnings"][0]
    (listed,) = current["learned_from"]
    assert (listed["contributor"], listed["share"]) == ("Practice by the river", 1.0)
    assert 'mode="pooled_prior"' in metrics


def test_without_any_model_two_servers_answer_under_one_digest(tmp_path: Path) -> None:
    settings = settings_without_model(empty_bundle_cache(tmp_path))
    with local_client(settings) as one, local_client(settings) as other:
        assert served_digest(one) == served_digest(other)


def test_the_first_champion_is_taken_up_while_running(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    with local_client(cache_settings(bundle_cache)) as caller:
        assert caller.post(RECOMMEND, json=a_request()).json()["mode"] == "evidence_prior"
        digest, _ = two_bundles(bundle_cache)
        bundle_cache.write_pointer(RegistryPointer(digest))
        wait_until(lambda: served_digest(caller) == digest)
        assert caller.post(RECOMMEND, json=a_request()).json()["mode"] == "model"
    assert bundle_cache.last_good() == digest


def test_a_new_champion_and_a_rollback_are_taken_up_while_running(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    first, second = two_bundles(bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(first))
    with local_client(cache_settings(bundle_cache)) as caller:
        assert served_digest(caller) == first
        for digest, version in ((second, 2), (first, 1)):
            bundle_cache.write_pointer(RegistryPointer(digest, version=version))
            wait_until(lambda wanted=digest: served_digest(caller) == wanted)  # type: ignore[misc]
            wait_until(lambda wanted=digest: bundle_cache.last_good() == wanted)  # type: ignore[misc]
            told = caller.post(RECOMMEND, json=a_request()).json()["model"]
            assert (told["name"], told["version"]) == ("alliance", version)
        assert holder_of(caller).counts.loaded == 3


@pytest.mark.parametrize("offered", ["damaged", "missing", "crashed", "misnamed"])
def test_a_bundle_that_may_not_answer_leaves_the_old_one_and_raises_an_alert(
    offered: str, tmp_path: Path
) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    good, bad = two_bundles(bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(good))
    refused = None
    with captured_logs() as stream, local_client(cache_settings(bundle_cache)) as caller:
        if offered == "damaged":
            damage_bundle(bundle_cache, bad)
        elif offered == "crashed":
            refused = "Crashed"
        elif offered == "misnamed":
            bundle_cache.bundle(bad).rename(bundle_cache.bundle("ab" * 32))
            bad = "ab" * 32
        else:
            bad = "ab" * 32
        bundle_cache.write_pointer(RegistryPointer(bad, refused))
        wait_until(lambda: readiness(caller) == "degraded")
        assert served_digest(caller) == good
        assert caller.post(RECOMMEND, json=a_request()).status_code == 200
        assert caller.get("/readyz").json() == {"status": "degraded"}
        assert holder_of(caller).counts.rejected == 1
        bundle_cache.write_pointer(RegistryPointer(good))
        wait_until(lambda: readiness(caller) == "ready")
    (alert,) = (line for line in log_lines(stream) if line["event"] == "bundle_rejected")
    assert alert["level"] == "error"
    assert alert["model"] == bad
    assert alert["error"] == (refused or "BundleError")
    assert bundle_cache.last_good() == good


def test_a_model_that_cannot_answer_an_invented_request_never_answers_a_real_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    good, bad = two_bundles(bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(good))
    with local_client(cache_settings(bundle_cache)) as caller:

        def fails(_: ServingSnapshot) -> None:
            raise IndexError

        monkeypatch.setattr(holder_of(caller), "check", fails)
        bundle_cache.write_pointer(RegistryPointer(bad))
        wait_until(lambda: readiness(caller) == "degraded")
        assert served_digest(caller) == good
        monkeypatch.undo()
        bundle_cache.write_pointer(RegistryPointer(good))
        wait_until(lambda: readiness(caller) == "ready")


def test_a_model_of_another_definition_than_the_named_one_is_refused(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    good, _ = two_bundles(bundle_cache)
    practice = read_practice(a_practice().text.replace("max = 500", "max = 400"))
    manifest = replace(a_model().manifest, practice_digest=practice.digest)
    pipeline = replace(a_model().pipeline, practice=practice)
    foreign = replace(a_model(), manifest=manifest, pipeline=pipeline)
    bundle_cache.write_pointer(RegistryPointer(good))
    with local_client(cache_settings(bundle_cache)) as caller:
        bundle_cache.write_pointer(RegistryPointer(put_bundle(bundle_cache, foreign)))
        wait_until(lambda: readiness(caller) == "degraded")
        assert served_digest(caller) == good


def test_a_registry_that_is_away_changes_nothing_but_what_readiness_says(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    good, _ = two_bundles(bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(good))
    with captured_logs() as stream, local_client(cache_settings(bundle_cache)) as caller:
        bundle_cache.write_pointer(RegistryPointer(unreachable=True))
        wait_until(lambda: readiness(caller) == "degraded")
        assert served_digest(caller) == good
        assert caller.post(RECOMMEND, json=a_request()).status_code == 200
        bundle_cache.write_pointer(RegistryPointer(good))
        wait_until(lambda: readiness(caller) == "ready")
    events = [line["event"] for line in log_lines(stream)]
    assert events.count("registry_unreachable") == events.count("registry_recovered") == 1


def test_a_start_while_the_registry_is_away_serves_what_answered_last(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    _, last = two_bundles(bundle_cache)
    bundle_cache.store_last_good(last)
    bundle_cache.write_pointer(RegistryPointer(unreachable=True))
    with local_client(cache_settings(bundle_cache)) as caller:
        assert served_digest(caller) == last


def test_a_start_on_a_damaged_champion_serves_what_answered_last(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    good, bad = two_bundles(bundle_cache)
    bundle_cache.store_last_good(good)
    bundle_cache.write_pointer(RegistryPointer(damage_bundle(bundle_cache, bad)))
    with captured_logs() as stream, local_client(cache_settings(bundle_cache)) as caller:
        assert served_digest(caller) == good
        wait_until(lambda: readiness(caller) == "degraded")
    assert any(line["event"] == "bundle_rejected" for line in log_lines(stream))


def test_a_start_on_nothing_but_damage_serves_the_declared_sizes(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    good, bad = two_bundles(bundle_cache)
    bundle_cache.store_last_good(damage_bundle(bundle_cache, good))
    bundle_cache.write_pointer(RegistryPointer(damage_bundle(bundle_cache, bad)))
    with local_client(cache_settings(bundle_cache)) as caller:
        assert caller.post(RECOMMEND, json=a_request()).json()["mode"] == "evidence_prior"


def test_two_changes_at_once_are_both_kept(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    with local_client(settings_without_model(bundle_cache)) as caller:
        snapshot_holder, both = holder_of(caller), threading.Barrier(2)

        def longer(state: ServingSnapshot) -> ServingSnapshot:
            # Long enough for the other to begin from the same snapshot, if it could.
            time.sleep(0.1)
            return replace(state, digest=state.digest + "0")

        def change() -> None:
            both.wait(10)
            snapshot_holder.swap(longer)

        before = served_digest(caller)
        threads = [threading.Thread(target=change) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        assert served_digest(caller) == before + "00"


def test_no_response_mixes_two_models_while_they_are_exchanged(tmp_path: Path) -> None:
    bundle_cache = empty_bundle_cache(tmp_path)
    digests = two_bundles(bundle_cache)
    bundle_cache.write_pointer(RegistryPointer(digests[0]))
    body = json.dumps(a_request()).encode()
    found: dict[str, set[float]] = {digest: set() for digest in digests}
    with local_client(cache_settings(bundle_cache)) as caller:
        for turn in range(1, 7):
            bundle_cache.write_pointer(RegistryPointer(digests[turn % 2]))
            while served_digest(caller) != digests[turn % 2]:
                told = post_bytes(caller, body).json()
                found[told["model"]["digest"]].add(told["shortlist"][0]["predicted_alliance"])
        for digest in digests:
            bundle_cache.write_pointer(RegistryPointer(digest))
            wait_until(lambda wanted=digest: served_digest(caller) == wanted)  # type: ignore[misc]
            told = post_bytes(caller, body).json()
            found[digest].add(told["shortlist"][0]["predicted_alliance"])
    assert [len(values) for values in found.values()] == [1, 1]
    assert found[digests[0]] != found[digests[1]]
