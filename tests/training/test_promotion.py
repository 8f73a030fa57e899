"""Promotion, rollback and the standing champion against a real SQLite registry."""

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from recommender.errors import BundleError, RefusedError, RegistryError
from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.archive import listing
from recommender.model.bundle.io import bundle_digest, save_bundle
from recommender.model.evaluation_report import ComparedChampion, EvaluationReport
from recommender.practice.definition import Practice, read_practice
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER, CHAMPION, ROLLED_BACK, Version
from recommender.training.mlflow_run import tracked_run
from recommender.training.promotion import (
    champion_model,
    declared_otherwise,
    judge,
    promote,
    rated_pairings_per_year,
    rollback,
)
from recommender.training.promotion_case import Outcome
from tests.support.builders import a_model, a_practice
from tests.support.registries import empty_registry
from tests.support.reports import a_report, incumbent

slow = pytest.mark.slow
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for the module; the names of models keep its tests apart."""
    folder: Path = tmp_path_factory.mktemp("store")
    empty_registry(folder)
    return folder


@pytest.fixture
def registry(store: Path, request: pytest.FixtureRequest) -> Registry:
    return Registry(f"sqlite:///{store}/mlflow.db", request.node.name, store / "artifacts")


def published(
    registry: Registry,
    tmp_path: Path,
    report: EvaluationReport,
    model: AllianceModel | None = None,
) -> Version:
    """A model with this report, as the newest version and challenger."""
    bundle = tmp_path / f"bundle{len(list(tmp_path.iterdir()))}"
    model = replace(model or a_model(), report=report)
    digest = save_bundle(model, bundle)
    with tracked_run(registry, "training", "r", {}) as run:
        version = registry.publish(run.run_id, bundle, model.practice, digest, {})
    registry.set_alias(CHALLENGER, version.version)
    return version


def promoted(registry: Registry, version: int | None = None, *, day: int = 0, force: bool = False,
             reason: str = "passed the gate") -> None:  # fmt: skip
    at = START + timedelta(days=day)
    promote(registry, version, by="j.lee", at=at, reason=reason, force=force)


def champions(registry: Registry, tmp_path: Path, count: int) -> None:
    """So many versions, each promoted in the place of the one before."""
    for day in range(count):
        published(registry, tmp_path, a_report(rated=700 + day))
        promoted(registry, day=day, force=True, reason="a trial")


def active_number(registry: Registry) -> int:
    champion = registry.alias(CHAMPION)
    assert champion is not None
    return champion.version


@slow
def test_a_first_model_on_few_ratings_is_promoted_and_its_record_says_how_few(
    registry: Registry, tmp_path: Path
) -> None:
    published(registry, tmp_path, a_report(rated=84))
    promoted(registry, reason="our first")

    (record,) = registry.history()
    assert (record.by, record.reason, record.previous) == ("j.lee", "our first", None)
    assert record.notes[0].startswith("decided on 84 ratings, too few to measure a gain")
    assert record.notes[1].startswith("agreement with the evidence prior: scores correlate 0.80")
    assert [note.partition(".")[0] for note in record.notes[2:]] == [
        "Matching: shown", "An order better than chance: shown"
    ]  # fmt: skip


@slow
def test_a_challenger_above_the_champion_takes_its_place(
    registry: Registry, tmp_path: Path
) -> None:
    first = published(registry, tmp_path, a_report())
    promoted(registry)
    published(registry, tmp_path, a_report(champion=first.digest))
    promoted(registry, day=1)

    assert active_number(registry) == 2
    notes = registry.history()[-1].notes
    assert notes[0] == "measured: decided on 800 ratings since version 1 learned"


@slow
def test_a_refusal_changes_nothing_and_a_forced_promotion_stores_every_objection(
    registry: Registry, tmp_path: Path
) -> None:
    first = published(registry, tmp_path, a_report())
    promoted(registry)
    lost = incumbent(gain=(-0.1, -0.2, -0.02))
    report = a_report(coverage=0.5, champion=first.digest, incumbent=lost)
    published(registry, tmp_path, report)
    with pytest.raises(RefusedError) as refused:
        promoted(registry, day=1)
    assert {fault.where for fault in refused.value.faults} == {"gain", "interval"}
    assert active_number(registry) == 1
    assert len(registry.history()) == 1

    promoted(registry, day=1, force=True, reason="a trial in one clinic")
    notes = registry.history()[-1].notes
    assert active_number(registry) == 2
    forced = "forced against interval: the interval held 50%"
    assert [note for note in notes if note.startswith(forced)]


@slow
def test_a_small_practice_replaces_its_first_model_within_a_year(
    registry: Registry, tmp_path: Path
) -> None:
    first = published(registry, tmp_path, a_report(rated=43))
    promoted(registry)
    few = incumbent(gain=(0.005, -0.12, 0.13), rated=100)
    published(registry, tmp_path, a_report(rated=20, champion=first.digest, incumbent=few))
    promoted(registry, day=1)
    assert active_number(registry) == 2
    assert "too few to measure a gain" in registry.history()[-1].notes[0]
    rollback(registry, None, by="j.lee", at=START + timedelta(days=2), reason="back again")
    assert active_number(registry) == 1


def test_the_rate_counts_each_rated_pairing_once_over_the_days_of_the_pairings() -> None:
    manifest = replace(
        a_model().manifest, ratings=250, pairings=100, left_unrated=30, first_day="2026-01-01"
    )
    assert rated_pairings_per_year(replace(manifest, last_day="2026-07-02")) == pytest.approx(
        200.7, abs=1
    )
    assert rated_pairings_per_year(replace(manifest, last_day="2026-01-20")) is None
    assert rated_pairings_per_year(replace(manifest, last_day=None)) is None


@slow
def test_judging_promotes_nothing(registry: Registry, tmp_path: Path) -> None:
    published(registry, tmp_path, a_report())
    judged = judge(registry, None)

    assert judged.objections == ()
    assert not judged.is_champion
    assert [line.partition(":")[0] for line in judged.decided_by] == [
        "A gain of +0.031 is expected over the evidence prior",
        "Agreement with the evidence prior",
    ]
    assert Outcome.PASSES in {each.outcome for each in judged.findings}
    assert registry.alias(CHAMPION) is None


@slow
def test_a_model_whose_card_nobody_filled_is_refused_with_each_empty_field(
    registry: Registry, tmp_path: Path
) -> None:
    text = a_practice().text
    start, end = text.index("owner ="), text.index("[alliance]")
    practice = read_practice(text[:start] + text[end:])
    model = a_model()
    manifest = replace(model.manifest, practice_digest=practice.digest)
    pipeline = replace(model.pipeline, practice=practice)
    model = replace(model, manifest=manifest, pipeline=pipeline)
    published(registry, tmp_path, a_report(), model)
    with pytest.raises(RefusedError) as refused:
        promoted(registry)

    said = [(fault.where, fault.problem) for fault in refused.value.faults]
    fields = ("owner", "contact", "review", "intended_use", "out_of_scope")
    assert said == [("card", f"the entry {field} is empty") for field in fields]


@slow
def test_rolling_back_returns_what_stood_before_and_is_recorded_as_such(
    registry: Registry, tmp_path: Path
) -> None:
    champions(registry, tmp_path, 2)
    back = rollback(registry, None, by="a.ng", at=START + timedelta(days=9), reason="complaints")

    assert active_number(registry) == 1
    assert (back.kind, back.version, back.previous) == (ROLLED_BACK, 1, 2)
    assert registry.history()[-1] == back
    with pytest.raises(RefusedError, match="there is no previous champion"):
        rollback(registry, None, by="a.ng", at=START + timedelta(days=10), reason="r")


@slow
def test_a_version_that_was_rolled_back_is_not_promoted_again_by_a_slip(
    registry: Registry, tmp_path: Path
) -> None:
    champions(registry, tmp_path, 2)
    rollback(registry, None, by="a.ng", at=START + timedelta(days=9), reason="complaints")
    with pytest.raises(RefusedError) as refused:
        promoted(registry, day=10)

    assert "was withdrawn on 2026-12-02: complaints" in str(refused.value)


@slow
def test_of_the_champion_nothing_is_judged(registry: Registry, tmp_path: Path) -> None:
    champions(registry, tmp_path, 1)
    judged = judge(registry, None)
    assert judged.is_champion
    assert (judged.findings, judged.objections) == ((), ())
    with pytest.raises(RefusedError, match="1 is already champion; nothing to do"):
        promoted(registry, day=1)


@slow
def test_an_earlier_champion_is_referred_to_a_rollback_and_not_to_training(
    registry: Registry, tmp_path: Path
) -> None:
    champions(registry, tmp_path, 2)
    (fault,) = judge(registry, 1).objections
    assert fault.problem == "this version was champion before, and version 2 is champion now"
    command = f'recommender rollback --registry {registry.uri} --to 1 --reason "..."'
    assert command in fault.remedy


@slow
def test_remedies_name_the_registry_the_version_and_what_it_was_trained_with(
    registry: Registry, tmp_path: Path
) -> None:
    lost = incumbent(gain=(-0.1, -0.2, -0.02))
    published(registry, tmp_path, a_report(incumbent=lost))
    (fault,) = judge(registry, 1).objections
    evaluate = f"recommender evaluate FOLDER --practice FILE --registry {registry.uri}"
    assert f"`{evaluate}`" in fault.remedy
    force = f'recommender promote --registry {registry.uri} --version 1 --force --reason "..."'
    assert f"`{force}`" in fault.remedy


@slow
def test_who_asks_for_version_0_does_not_get_the_challenger_promoted(
    registry: Registry, tmp_path: Path
) -> None:
    published(registry, tmp_path, a_report())
    with pytest.raises(RegistryError, match="there is no version 0; choose from 1"):
        promoted(registry, 0)
    assert registry.alias(CHAMPION) is None


@slow
def test_one_may_go_back_further_but_only_to_what_was_champion(
    registry: Registry, tmp_path: Path
) -> None:
    champions(registry, tmp_path, 3)
    published(registry, tmp_path, a_report())
    for to, problem in ((4, "version 4 was never champion"), (3, "version 3 is champion")):
        with pytest.raises(RefusedError, match=problem):
            rollback(registry, to, by="a.ng", at=START, reason="r")
    rollback(registry, 1, by="a.ng", at=START + timedelta(days=9), reason="both were wrong")

    assert active_number(registry) == 1


@slow
def test_one_does_not_go_back_to_a_bundle_that_no_longer_opens(
    registry: Registry, tmp_path: Path
) -> None:
    champions(registry, tmp_path, 1)
    bundle = tmp_path / "odd"
    save_bundle(replace(a_model(), clinician_ids=()), bundle)
    (bundle / "manifest.json").write_text("{}")
    sums = {p.name: hashlib.sha256(p.read_bytes()).hexdigest()
            for p in bundle.iterdir() if p.name != "digest.json"}  # fmt: skip
    (bundle / "digest.json").write_bytes(listing(sums, "2026-11-23"))
    with tracked_run(registry, "training", "r", {}) as run:
        odd = registry.publish(run.run_id, bundle, a_practice(), bundle_digest(bundle), {})
    registry.promote(odd.version, by="x", at=START + timedelta(days=1), reason="r")
    registry.promote(1, by="x", at=START + timedelta(days=2), reason="r")
    with pytest.raises(BundleError, match="is missing"):
        rollback(registry, odd.version, by="a.ng", at=START + timedelta(days=3), reason="r")
    assert active_number(registry) == 1


@slow
def test_the_champion_is_handed_over_to_be_measured_beside(
    registry: Registry, tmp_path: Path
) -> None:
    assert champion_model(registry, a_practice()).facts is None
    champion = published(registry, tmp_path, a_report())
    promoted(registry)
    found = champion_model(registry, a_practice())

    assert found.model is not None
    assert found.model.manifest == a_model().manifest
    assert found.facts == ComparedChampion(
        version=1, digest=champion.digest, mode="model", known_until=a_model().manifest.known_until
    )


@slow
def test_a_champion_that_cannot_be_fetched_is_said_and_stops_nothing(
    registry: Registry, tmp_path: Path
) -> None:
    published(registry, tmp_path, a_report())
    promoted(registry)
    with registry.client() as client:
        client.set_model_version_tag(registry.name, "1", "digest", "0" * 64)
    found = champion_model(registry, a_practice())

    assert found.model is None
    assert found.facts is not None
    assert found.facts.not_compared


@slow
def test_a_champion_of_another_definition_is_said_to_be_and_by_what(
    registry: Registry, tmp_path: Path
) -> None:
    published(registry, tmp_path, a_report())
    promoted(registry)
    other = changed('levels = ["anxiety", "grief", "sleep"]', 'levels = ["anxiety", "grief"]')
    found = champion_model(registry, other)

    assert found.model is None
    assert found.facts is not None
    assert "client.concern" in (found.facts.not_compared or "")


def changed(before: str, after: str) -> Practice:
    text = a_practice().text
    assert before in text
    return read_practice(text.replace(before, after))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('phrase = "main concern"', 'phrase = "what matters"'),
        ("prior = 0.2", "prior = 0.3"),
        ('owner = "The corner practice\'s lead"', 'owner = "Somebody else"'),
        ('family = "time"\nmode = "soft"', 'family = "time"\nmode = "hard"'),
        ("[clinician.offers]", '[client.new]\nkind = "flag"\nphrase = "n"\npurpose = "p"\n'
         'missing = "m"\nuse = "score"\ngroup = "style"\n\n[clinician.offers]'),
    ],
)  # fmt: skip
def test_a_change_that_a_champion_does_not_read_leaves_it_comparable(
    before: str, after: str
) -> None:
    assert declared_otherwise(a_practice(), changed(before, after)) == ()


@pytest.mark.parametrize(
    ("before", "after", "named"),
    [
        ('max = 10\nphrase = "wish', 'max = 20\nphrase = "wish', "client.directive"),
        ('operator = "distance"', 'operator = "difference"', "matches.guidance_apart"),
        ('per = "concern"\n', "", "history.per"),
    ],
)
def test_a_change_in_what_a_champion_reads_is_named(before: str, after: str, named: str) -> None:
    assert declared_otherwise(a_practice(), changed(before, after)) == (named,)
