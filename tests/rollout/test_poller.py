"""What the registry names comes to the shelf, tried; what goes wrong there is said."""

import shutil
import socket
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from recommender.errors import RegistryError
from recommender.registry.versions import Version
from recommender.rollout import poller
from recommender.rollout.bundle_cache import BundleCache, RegistryPointer
from recommender.rollout.poller import CRASHED, is_listening, poll, smoke_test
from tests.support.broken_bundles import with_facts
from tests.support.builders import a_bundle, a_model
from tests.support.server import damage_bundle, put_bundle

AT = datetime(2026, 11, 23, tzinfo=UTC)
AWAY = RegistryError("registry", "cannot be reached", "start it")


@dataclass
class Registry:
    """A registry of one champion, that counts what is fetched."""

    origin: Path
    champion: str | None = None
    away: bool = False
    fetched: list[str] = field(default_factory=list)

    def alias(self, alias: str) -> Version | None:
        if self.away:
            raise AWAY
        return None if self.champion is None else Version(1, self.champion, "run", AT)

    def fetch(self, alias_or_version: str | int, into: Path) -> Path:
        assert self.champion is not None
        if not (into / self.champion).exists():
            self.fetched.append(self.champion)
            if not (self.origin / self.champion).exists():
                raise AWAY
            shutil.copytree(self.origin / self.champion, into / self.champion)
        return into / self.champion


@pytest.fixture
def bundle_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BundleCache:
    monkeypatch.setattr(poller, "smoke_test", lambda bundle: None)
    return BundleCache(tmp_path / "shelf")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    origin = BundleCache(tmp_path / "origin")
    origin.directory.mkdir()
    return Registry(origin.directory, put_bundle(origin, a_model()))


def test_the_champion_is_fetched_once_and_offered(
    bundle_cache: BundleCache, registry: Registry
) -> None:
    poll(registry, bundle_cache)
    poll(registry, bundle_cache)

    assert bundle_cache.read_pointer() == RegistryPointer(registry.champion, version=1)
    assert registry.fetched == [registry.champion]


def test_no_champion_is_an_offer_of_none(bundle_cache: BundleCache, registry: Registry) -> None:
    registry.champion = None
    poll(registry, bundle_cache)

    assert bundle_cache.read_pointer() == RegistryPointer()


def test_a_registry_that_is_away_and_comes_back_is_told_each_time(
    bundle_cache: BundleCache, registry: Registry
) -> None:
    poll(registry, bundle_cache)
    registry.away = True
    poll(registry, bundle_cache)
    assert bundle_cache.read_pointer() == RegistryPointer(unreachable=True)
    registry.away = False
    poll(registry, bundle_cache)

    assert bundle_cache.read_pointer() == RegistryPointer(registry.champion, version=1)
    assert len(registry.fetched) == 1


def test_a_bundle_refused_at_its_trial_is_told_and_not_tried_again(
    bundle_cache: BundleCache, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[Path] = []

    def crash(bundle: Path) -> str:
        tried.append(bundle)
        return CRASHED

    monkeypatch.setattr(poller, "smoke_test", crash)
    poll(registry, bundle_cache)
    poll(registry, bundle_cache)

    assert bundle_cache.read_pointer() == RegistryPointer(registry.champion, CRASHED, version=1)
    assert len(tried) == 1


def test_a_fetch_that_failed_is_told_and_tried_again(
    bundle_cache: BundleCache, registry: Registry
) -> None:
    registry.origin.rename(registry.origin.with_name("gone"))
    poll(registry, bundle_cache)
    assert bundle_cache.read_pointer() == RegistryPointer(
        registry.champion, "RegistryError", version=1
    )
    registry.origin.with_name("gone").rename(registry.origin)
    poll(registry, bundle_cache)

    assert bundle_cache.read_pointer() == RegistryPointer(registry.champion, version=1)


def test_a_bundle_damaged_on_the_shelf_is_fetched_anew(
    bundle_cache: BundleCache, registry: Registry
) -> None:
    poll(registry, bundle_cache)
    assert registry.champion is not None
    damage_bundle(bundle_cache, registry.champion)
    bundle_cache.clear_pointer()
    poll(registry, bundle_cache)

    assert registry.fetched == [registry.champion] * 2


def test_an_address_where_nobody_listens_is_known_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    with socket.socket() as line:
        line.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{line.getsockname()[1]}"
        assert not is_listening(address)
        line.listen()
        assert is_listening(address)
    assert is_listening("sqlite:///var/mlflow.db")
    assert not is_listening("http://127.0.0.1:99999")


def test_what_is_reached_through_a_proxy_is_left_to_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    monkeypatch.setenv("no_proxy", "")

    assert is_listening("http://mlflow.example.org")


def test_a_trial_tells_a_sound_bundle_from_a_damaged_one_and_from_a_crash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundle = a_bundle(tmp_path)
    assert smoke_test(bundle) is None
    assert smoke_test(with_facts(bundle, lambda facts: facts.pop("stays"))) == "BundleError"
    monkeypatch.setattr(poller, "_COMMAND", ("/bin/false",))
    assert smoke_test(bundle) == CRASHED
