"""A real registry followed by a real process."""

import time
from dataclasses import replace
from pathlib import Path

import pytest

from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import save_bundle
from recommender.registry.registry import Registry
from recommender.registry.versions import CHAMPION, Version
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.rollout.poller import polling, wait_for_pointer
from recommender.training.mlflow_run import tracked_run
from tests.support.builders import a_model
from tests.support.registries import empty_registry


def published(registry: Registry, directory: Path, model: AllianceModel) -> Version:
    digest = save_bundle(model, directory)
    with tracked_run(registry, "training", "a run", {}) as run:
        return registry.publish(run.run_id, directory, model.practice, digest, {})


def wait_for(bundle_cache: BundleCache, offer: RegistryPointer) -> None:
    until = time.monotonic() + 30
    while bundle_cache.read_pointer() != offer:
        assert time.monotonic() < until, f"{bundle_cache.read_pointer()} is offered and not {offer}"
        time.sleep(0.1)


@pytest.mark.long
def test_a_promotion_and_a_rollback_come_to_the_shelf_within_seconds(tmp_path: Path) -> None:
    uri = empty_registry(tmp_path)
    registry = Registry(uri)
    registry.experiment("training")
    with polling(uri, tmp_path / "bundles") as bundle_cache:
        assert wait_for_pointer(bundle_cache, 60) == RegistryPointer()
        one = published(registry, tmp_path / "one", a_model())
        other = published(registry, tmp_path / "other", replace(a_model(), client_mean=3.0))
        for version in (one, other, one):
            registry.set_alias(CHAMPION, version.version)
            wait_for(bundle_cache, RegistryPointer(version.digest, version=version.version))
            assert bundle_cache.bundle(version.digest).is_dir()


def test_a_registry_that_says_nothing_in_time_is_taken_to_be_away(tmp_path: Path) -> None:
    assert wait_for_pointer(BundleCache(tmp_path), patience=0.1) == RegistryPointer(
        unreachable=True
    )


@pytest.mark.slow
def test_a_registry_nobody_made_is_not_made_and_offers_nothing(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/nowhere/mlflow.db"
    with polling(uri, tmp_path / "bundles") as bundle_cache:
        assert wait_for_pointer(bundle_cache, 60) == RegistryPointer()
    assert not (tmp_path / "nowhere").exists()


def test_bundles_of_two_registries_have_each_a_shelf(tmp_path: Path) -> None:
    with polling("sqlite:///one.db", tmp_path) as one, polling("sqlite:///b.db", tmp_path) as b:
        assert one.directory != b.directory
