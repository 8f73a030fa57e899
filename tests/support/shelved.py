"""A shelf with bundles of two models that score differently, and a server that follows it."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from recommender.model.alliance_model import AllianceModel
from recommender.model.bundle.io import save_bundle
from recommender.rollout.bundle_cache import BundleCache
from recommender.settings import Settings
from tests.support.builders import DEFINITION, a_model, write_tables
from tests.support.served import TestClient


def a_bundle_cache(directory: Path) -> BundleCache:
    """An empty shelf beside a roster."""
    write_tables(directory)
    return BundleCache(directory / "shelf")


def put(bundle_cache: BundleCache, model: AllianceModel) -> str:
    """Puts a model's bundle on the shelf and gives its digest."""
    unnamed = bundle_cache.directory / "unnamed"
    digest = save_bundle(model, unnamed)
    unnamed.rename(bundle_cache.bundle(digest))
    return digest


def two(bundle_cache: BundleCache) -> tuple[str, str]:
    """Digests of two models whose predictions are half a point apart."""
    model = a_model()
    return put(bundle_cache, model), put(
        bundle_cache, replace(model, client_mean=model.client_mean + 0.5)
    )


def following(bundle_cache: BundleCache) -> Settings:
    """Settings of a server that follows the shelf and looks at it all the time."""
    given: dict[str, Any] = {
        "bundles": bundle_cache.directory,
        "roster": bundle_cache.directory.parent / "clinicians.csv",
        "practice": str(DEFINITION),
        "poll_seconds": 0.01,
    }
    return Settings(**given)


def alone(bundle_cache: BundleCache) -> Settings:
    """Settings of a server that has the roster and the definition, and no model."""
    return following(bundle_cache).model_copy(update={"bundles": None})


def damaged(bundle_cache: BundleCache, digest: str) -> str:
    """The same digest, with one byte of its bundle changed."""
    path = bundle_cache.bundle(digest) / "arrays.npz"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    return digest


def until(holds: Callable[[], bool]) -> None:
    """Waits until something holds; fails after ten seconds."""
    end = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < end, "it never came to hold"
        time.sleep(0.01)


def answering(caller: TestClient) -> str:
    """Digest of the model that answers."""
    return str(caller.get("/v1/models/current").json()["model"]["digest"])


def readiness(caller: TestClient) -> str:
    """What the server says of itself."""
    response = caller.get("/readyz")
    assert response.status_code == 200
    return str(response.json()["status"])
