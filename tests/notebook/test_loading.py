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


@pytest.mark.slow
def test_the_registry_that_mlflow_was_given_is_read_and_none_is_made(
    published_registry: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address(published_registry))
    model = load_model("models:/alliance@champion")

    assert str(published_registry) in model.source
    with pytest.raises(RegistryError, match=rf"no rival yet \(registry .*{published_registry}"):
        load_model("models:/alliance@rival")
    assert not list(tmp_path.iterdir())


def test_a_registry_that_is_not_there_is_named_and_not_created_by_reading(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for uri in (None, f"sqlite:///{tmp_path}/other.db"):
        with pytest.raises(RegistryError, match=uri or "sqlite:///var/mlflow.db"):
            load_model("models:/alliance@champion", uri)

    assert not list(tmp_path.iterdir())
