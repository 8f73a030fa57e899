"""Models from a registry, by alias and by version."""

from pathlib import Path

import pytest

from recommender.errors import RegistryError
from recommender.notebook.loading import load_model
from recommender.registry.registry import Registry
from tests.support.registries import address


@pytest.mark.parametrize(
    "address", ["models:/alliance", "models:/alliance@", "models:/a/b/c", "models:/alliance/new"]
)
def test_an_address_without_a_version_is_refused(address: str) -> None:
    with pytest.raises(RegistryError, match="write models:/alliance@champion"):
        load_model(address)


@pytest.mark.slow
def test_a_registered_model_is_loaded_by_alias_and_by_version(published_registry: Path) -> None:
    uri = address(published_registry)
    champion = load_model("models:/alliance@champion", uri)

    assert champion.digest == load_model("models:/alliance/2", uri).digest
    assert champion.digest == Registry(uri).resolve("champion").digest
    assert champion.report.rated == 602
    with pytest.raises(RegistryError, match="no rival yet"):
        load_model("models:/alliance@rival", uri)
