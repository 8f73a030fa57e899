"""Loads a model into a notebook, from a bundle folder or from an mlflow registry."""

import tempfile
from pathlib import Path

from recommender.errors import RegistryError
from recommender.model.bundle.io import load_bundle
from recommender.notebook import arguments
from recommender.notebook.practice_model import PracticeModel

MODELS = "models:/"
"""Beginning of an address in an mlflow registry."""
TRACKING_URI = "sqlite:///var/mlflow.db"
"""The registry of the command line, where none is named and mlflow was given none."""


def load_model(source: str | Path, tracking_uri: str | None = None) -> PracticeModel:
    """A model in a bundle folder, or in an mlflow registry.

    Parameters
    ----------
    source
        The folder of a bundle; or `models:/NAME@ALIAS` or `models:/NAME/VERSION`, such as
        `models:/alliance@champion`.
    tracking_uri
        The registry. By default the one that mlflow was given, by `mlflow.set_tracking_uri` or
        `MLFLOW_TRACKING_URI`; else that of the command line, `sqlite:///var/mlflow.db`. Nothing is
        written to it.

    Raises
    ------
    BundleError
        When the bundle is damaged or of another version.
    RegistryError
        When the registry cannot be reached or has no such model; the registry is named.

    Examples
    --------
    >>> tables = load_tables(folder, practice)
    >>> digest = recommender.fit(tables, progress=False).save(folder / "bundle")
    >>> load_model(folder / "bundle").digest == digest
    True
    """
    remedy = "give the folder of a bundle, or models:/alliance@champion"
    arguments.expect("source", source, arguments.PATHS, remedy)
    text = str(source)
    if not text.startswith(MODELS):
        return PracticeModel(load_bundle(Path(source)), f"Loaded from the folder {text}.")
    name, version = _registered(text)
    # Late: mlflow takes seconds to load.
    from recommender.registry.registry import Registry, address_given_to_mlflow
    from recommender.registry.versions import shown_address, tracking_reachable

    uri = tracking_uri or address_given_to_mlflow() or TRACKING_URI
    shown = shown_address(uri)
    if not tracking_reachable(uri):
        remedy = "name the registry as `tracking_uri`, or by mlflow.set_tracking_uri"
        raise RegistryError("registry", f"there is no file {shown}", remedy)
    with tempfile.TemporaryDirectory() as workspace:
        try:
            bundle = Registry(uri, name).fetch(version, Path(workspace))
        except RegistryError as error:
            if shown in error.problem:
                raise
            problem = f"{error.problem} (registry {shown})"
            raise RegistryError(error.field, problem, error.remedy) from None
        model = load_bundle(bundle)
    return PracticeModel(model, f"Loaded from {text} of {shown}.")


def _registered(address: str) -> tuple[str, str]:
    """The name, and the alias or version, in an address `models:/NAME@ALIAS`."""
    path = address.removeprefix(MODELS)
    name, at, alias = path.partition("@")
    if not at:
        name, _, alias = path.partition("/")
    if not name or not alias or "/" in alias or (not at and not alias.isdecimal()):
        remedy = "write models:/alliance@champion or models:/alliance/3"
        raise RegistryError("model", "is not an address of a registered model", remedy)
    return name, alias
