from pathlib import Path

import pytest

from recommender.rollout.bundle_cache import BundleCache
from recommender.rollout.registry_cache import _cache_name, registry_cache

DIGEST = "ab" * 32


def test_bundles_moved_together_with_their_registry_are_found_again(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    registry_cache(before / "bundles", f"sqlite:///{before}/mlflow.db").store_last_good(DIGEST)
    before.rename(after)

    moved = registry_cache(after / "bundles", f"sqlite:///{after}/mlflow.db")
    assert moved.last_good() == DIGEST


def test_a_relative_and_an_absolute_address_of_one_registry_have_one_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    relative = registry_cache(Path("bundles"), "sqlite:///mlflow.db").directory
    absolute = registry_cache(tmp_path / "bundles", f"sqlite:///{tmp_path}/mlflow.db").directory
    assert relative.resolve() == absolute


def test_registries_have_caches_of_their_own(tmp_path: Path) -> None:
    addresses = ("sqlite:///a.db", "sqlite:///b.db", "http://one", "http://other")
    assert len({registry_cache(tmp_path, each).directory for each in addresses}) == 4


def test_a_cache_named_by_an_earlier_version_is_found(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/mlflow.db"
    BundleCache(tmp_path / _cache_name(uri)).store_last_good(DIGEST)
    assert registry_cache(tmp_path, uri).last_good() == DIGEST
    assert registry_cache(tmp_path, uri).last_good() == DIGEST
