"""The registry against a real SQLite store: publish, name, promote, roll back, fetch."""

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from experiments.trust.tracking import tracking_server
from recommender.errors import BundleError, RegistryError
from recommender.model.bundle.archive import listing
from recommender.model.bundle.io import bundle_digest
from recommender.practice.columns import read_rows
from recommender.practice.definition import Practice, shipped_practice
from recommender.registry.locations import artifact_paths, pending_move
from recommender.registry.mlflow_model import invented_row, model_table
from recommender.registry.registry import Registry
from recommender.registry.versions import Version
from recommender.training.mlflow_run import tracked_run
from tests.support.registries import empty_registry

pytestmark = pytest.mark.slow

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


@pytest.fixture(scope="module")
def practice() -> Practice:
    return shipped_practice()


def a_small_bundle(tmp_path: Path, content: str = "{}") -> Path:
    """Whole by its digest, which is all a registry asks of a bundle; no model is in it."""
    bundle = tmp_path / "made" / "here"
    bundle.mkdir(parents=True, exist_ok=True)
    (bundle / "manifest.json").write_text(content)
    listed = {"manifest.json": hashlib.sha256(content.encode()).hexdigest()}
    (bundle / "digest.json").write_bytes(listing(listed, "2026-11-23"))
    return bundle


def a_version(registry: Registry, tmp_path: Path, practice: Practice, number: int = 1) -> Version:
    bundle = a_small_bundle(tmp_path, f'{{"bundle": {number}}}')
    with tracked_run(registry, "training", "a run", {}) as run:
        tags = {"commit": "abc"}
        return registry.publish(run.run_id, bundle, practice, bundle_digest(bundle), tags)


@contextmanager
def no_download(registry: Registry) -> Iterator[None]:
    """Anything that is not on disk already can no longer be had."""
    root = registry.artifacts
    assert root is not None
    root.rename(root.with_name("away"))
    yield
    root.with_name("away").rename(root)


def test_mlflow_reports_nothing_to_its_makers() -> None:
    from mlflow.telemetry.utils import is_telemetry_disabled

    assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    assert os.environ["DO_NOT_TRACK"] == "true"
    assert is_telemetry_disabled()


def test_a_published_version_tells_its_digest_run_and_time(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    version = a_version(registry, tmp_path, practice)

    assert version.version == 1
    assert version.digest == bundle_digest(tmp_path / "made" / "here")
    assert abs(datetime.now(UTC) - version.created_at) < timedelta(minutes=1)
    assert registry.version(1) == version
    assert registry.versions() == (version,)
    with registry.client() as client:
        kept = client.get_model_version(registry.name, "1")
        assert client.get_run(version.run_id).info.status == "FINISHED"
    assert kept.tags["commit"] == "abc"
    assert kept.tags["practice"] == practice.id
    assert kept.tags["practice_digest"] == practice.digest


def test_versions_are_counted_upwards(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    numbers = [a_version(registry, tmp_path, practice, n).version for n in (1, 2)]

    assert numbers == [1, 2]
    assert [version.version for version in registry.versions()] == [1, 2]


def test_publishing_writes_only_where_it_was_told(
    registry: Registry, tmp_path: Path, practice: Practice, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    a_version(registry, tmp_path, practice)
    registry.fetch(1, tmp_path / "bundles")

    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_a_published_model_holds_no_pickle_and_pins_what_it_needs(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    a_version(registry, tmp_path, practice)
    with registry.client() as client:
        place = Path(
            client.get_model_version_download_uri(registry.name, "1").removeprefix("file://")
        )
    files = {file.name for file in place.rglob("*") if file.is_file()}
    pins = (place / "requirements.txt").read_text().split()

    assert "pyfunc.py" in files
    assert not [name for name in files if name.endswith((".pkl", ".pickle", ".cloudpickle"))]
    assert pins
    assert all("==" in pin for pin in pins)
    assert not [pin for pin in pins if pin.startswith("recommender")]


def test_an_alias_stands_for_the_version_it_was_last_given(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    first, second = (a_version(registry, tmp_path, practice, n) for n in (1, 2))
    assert registry.alias("challenger") is None
    registry.set_alias("challenger", first.version)
    assert registry.alias("challenger") == first
    registry.set_alias("challenger", second.version)

    assert registry.alias("challenger") == second


def test_an_alias_of_a_model_nobody_published_is_none(registry: Registry) -> None:
    assert registry.alias("champion") is None
    assert registry.previous() is None
    assert registry.history() == ()


def test_a_missing_champion_says_what_to_run(registry: Registry, tmp_path: Path) -> None:
    with pytest.raises(RegistryError) as refused:
        registry.fetch("champion", tmp_path)

    steps = "run `recommender train FOLDER`, then `recommender promote`"
    assert str(refused.value) == f"{registry.name}: no champion yet; {steps}"


def test_who_mistypes_a_version_learns_which_there_are(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    with pytest.raises(RegistryError, match="no version 99, nor any other; run `recommender train"):
        registry.version(99)
    first, second = (a_version(registry, tmp_path, practice) for _ in range(2))
    for number in (99, 0, "99"):
        with pytest.raises(RegistryError) as refused:
            registry.resolve(number)
        assert str(refused.value) == (
            f"{registry.name}: there is no version {number}; choose from {first.version}, "
            f"{second.version}; `recommender history` shows which were champion, and when"
        )


def test_an_alias_cannot_be_given_to_a_version_that_is_not_there(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    a_version(registry, tmp_path, practice)

    with pytest.raises(RegistryError, match="refused"):
        registry.set_alias("challenger", 7)


def test_a_promotion_keeps_who_when_why_and_what_it_replaced(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    first, second = (a_version(registry, tmp_path, practice, n) for n in (1, 2))
    registry.promote(first.version, by="j.lee", at=START, reason="the first")
    later = START + timedelta(days=30)
    newest = registry.promote(second.version, by="a.ng", at=later, reason="gate passed")

    assert registry.alias("champion") == second
    assert newest.previous == 1
    assert [(p.version, p.by, p.at, p.reason, p.previous) for p in registry.history()] == [
        (1, "j.lee", START, "the first", None),
        (2, "a.ng", later, "gate passed", 1),
    ]


def test_a_version_that_returns_to_duty_keeps_both_of_its_records(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    for number in (1, 2):
        a_version(registry, tmp_path, practice, number)
    for day, number in enumerate((1, 2, 1)):
        at = START + timedelta(days=day)
        registry.promote(number, by="j.lee", at=at, reason=f"day {day}")

    assert [(p.version, p.previous) for p in registry.history()] == [(1, None), (2, 1), (1, 2)]


def test_rolling_back_twice_goes_two_steps_back(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    for day, number in enumerate((1, 2, 3)):
        a_version(registry, tmp_path, practice, number)
        at = START + timedelta(days=day)
        registry.promote(number, by="j.lee", at=at, reason="gate passed")
    walked = []
    for day in (4, 5):
        back = registry.previous()
        assert back is not None
        at = START + timedelta(days=day)
        registry.promote(back.version, by="j.lee", at=at, reason="rolled back")
        walked.append(back.version)

    assert walked == [2, 1]
    assert registry.previous() is None


def test_a_text_kept_with_a_run_is_read_back_and_one_that_is_not_says_what_to_do(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    bundle = a_small_bundle(tmp_path)
    with tracked_run(registry, "training", "a run", {}) as run:
        run.log_text("card.md", "# A card\n")
        version = registry.publish(run.run_id, bundle, practice, bundle_digest(bundle), {})

    assert registry.text(version, "card.md") == "# A card\n"
    with pytest.raises(RegistryError, match=r"version 1 has no other\.md; train again"):
        registry.text(version, "other.md")


def test_a_promotion_at_a_time_without_a_zone_is_refused(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    a_version(registry, tmp_path, practice)

    with pytest.raises(RegistryError, match="no time zone"):
        registry.promote(1, by="j.lee", at=START.replace(tzinfo=None), reason="r")
    assert registry.alias("champion") is None


def test_a_fetched_bundle_is_the_published_one_under_its_digest(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    version = a_version(registry, tmp_path, practice)
    registry.promote(1, by="j.lee", at=START, reason="r")
    fetched = registry.fetch("champion", tmp_path / "bundles")

    assert fetched == tmp_path / "bundles" / version.digest
    assert (fetched / "manifest.json").read_text() == '{"bundle": 1}'
    assert [path.name for path in (tmp_path / "bundles").iterdir()] == [version.digest]
    assert registry.fetch("1", tmp_path / "bundles") == fetched


def test_a_bundle_on_disk_is_not_downloaded_again(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    a_version(registry, tmp_path, practice)
    first = registry.fetch(1, tmp_path / "bundles")
    with no_download(registry):
        assert registry.fetch(1, tmp_path / "bundles") == first
        with pytest.raises(RegistryError):
            registry.fetch(1, tmp_path / "other")

    assert list((tmp_path / "other").iterdir()) == []


def test_a_digest_that_would_leave_the_directory_is_refused(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    a_version(registry, tmp_path, practice)
    with registry.client() as client:
        client.set_model_version_tag(registry.name, "1", "digest", "../../etc")

    with pytest.raises(RegistryError, match="not a hexadecimal digest"):
        registry.fetch(1, tmp_path / "bundles")


def test_a_bundle_changed_since_its_digest_is_neither_taken_nor_given(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    bundle = a_small_bundle(tmp_path)
    with pytest.raises(RegistryError, match="does not have the digest it was published with"):
        registry.publish("any", bundle, practice, "0" * 64, {})
    a_version(registry, tmp_path, practice)
    with registry.client() as client:
        client.set_model_version_tag(registry.name, "1", "digest", "0" * 64)

    with pytest.raises(RegistryError, match="does not have the digest it was published with"):
        registry.fetch(1, tmp_path / "bundles")
    assert list((tmp_path / "bundles").iterdir()) == []


def test_a_bundle_that_is_not_there_is_refused_by_its_own_name(
    registry: Registry, tmp_path: Path, practice: Practice
) -> None:
    with pytest.raises(BundleError, match=r"nothing: has no readable digest\.json"):
        registry.publish("any", tmp_path / "nothing", practice, "0" * 64, {})


def test_a_registry_that_does_not_run_says_so_within_seconds(tmp_path: Path) -> None:
    began = time.monotonic()
    with pytest.raises(RegistryError) as refused:
        Registry("http://someone:secret@127.0.0.1:9").fetch("champion", tmp_path)

    assert time.monotonic() - began < 10
    shown = "registry: cannot reach the mlflow registry at http://127.0.0.1:9"
    assert str(refused.value).startswith(shown)
    assert "secret" not in str(refused.value)


def test_an_address_mlflow_does_not_know_is_refused_without_its_password() -> None:
    with pytest.raises(RegistryError) as refused:
        Registry("bogus://someone:secret@host/x").alias("champion")

    assert "secret" not in str(refused.value)


def test_the_invented_row_is_readable_by_the_practice_it_was_made_for(practice: Practice) -> None:
    row = invented_row(practice)
    for side, fields in (("client", practice.fields("client", "score", "filter")),):
        cells = {name: row[f"{side}.{name}"] for name in fields}
        assert read_rows(fields, [cells]).size == 1
    cells = {name: row[f"clinician.{name}"] for name in practice.clinician}
    assert read_rows(practice.clinician, [cells]).size == 1


def test_the_model_is_never_handed_what_is_kept_for_audits(practice: Practice) -> None:
    example, signature = model_table(practice)
    audited = {field.label for field in practice.fields("client", "audit").values()}

    assert audited
    assert not audited & set(example.columns)
    assert not audited & set(signature.inputs.input_names())
    assert signature.outputs.input_names() == ["predicted_alliance", "lower", "upper"]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    with tracking_server(tmp_path) as tracking:
        yield tracking.url


def test_a_server_keeps_and_gives_bundles_as_a_database_does(
    server: str, tmp_path: Path, practice: Practice
) -> None:
    registry = Registry(server)
    version = a_version(registry, tmp_path, practice)
    registry.promote(version.version, by="j.lee", at=START, reason="r")
    fetched = registry.fetch("champion", tmp_path / "bundles")

    assert (fetched / "manifest.json").read_text() == '{"bundle": 1}'
    assert [p.version for p in registry.history()] == [1]
    # It names no place on a disk, so that nothing is rewritten when its folder is moved.
    assert artifact_paths(tmp_path / "tracking.db") == ()
    assert pending_move(tmp_path / "tracking.db", tmp_path / "moved", registry.name) is None
    with pytest.raises(RegistryError, match="no challenger yet; run `recommender train FOLDER`"):
        registry.fetch("challenger", tmp_path)
