"""The mlflow model registry: publish, name, promote and fetch bundles, each downloaded complete.

Import this module late: mlflow takes seconds to load.
"""

import logging
import shutil
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import mlflow.artifacts
from mlflow import MlflowClient
from mlflow.entities import LoggedModelOutput, Metric
from mlflow.exceptions import MlflowException
from mlflow.models import Model
from requests.exceptions import RequestException
from sqlalchemy.exc import SQLAlchemyError

from recommender.errors import RegistryError
from recommender.model.alliance_model import NAME
from recommender.model.bundle.archive import is_digest
from recommender.model.bundle.io import bundle_digest
from recommender.practice.definition import Practice
from recommender.registry.descriptions import DESCRIPTION, EXPERIMENT_TAGS
from recommender.registry.locations import BRING_BACK, artifact_folder, follow_move, local_path
from recommender.registry.mlflow_model import write_model
from recommender.registry.versions import (
    CHALLENGER,
    CHAMPION,
    PROMOTED,
    Promotion,
    Version,
    in_utc,
    promotion_tags,
    read_promotions,
    registry_file,
    shown_address,
)

ABANDONED_AFTER_SECONDS = 3600.0
"""More than any download takes."""

ABSENT = "RESOURCE_DOES_NOT_EXIST"
"""mlflow's code of an error about a version or a model that is not there."""
MAX_NUMBERS = 10
"""Numbers of versions in one message, the newest."""
_UNFINISHED = ".fetching-"


def install_bundle(into: Path, digest: str, download: Callable[[Path], Path]) -> Path:
    """The directory `into/<digest>`, downloaded unless it is there.

    It is filled under another name, then renamed. Its content is validated when it is loaded.
    `download` downloads the bundle to a path below the given directory and returns the path.
    """
    target = into / checked_digest(digest)
    if target.is_dir():
        return target
    into.mkdir(parents=True, exist_ok=True)
    for abandoned in into.glob(f"{_UNFINISHED}*"):
        if time.time() - abandoned.stat().st_mtime > ABANDONED_AFTER_SECONDS:
            shutil.rmtree(abandoned, ignore_errors=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=_UNFINISHED) as unfinished:
        got = download(Path(unfinished))
        try:
            got.rename(target)
        except OSError:
            # Another process finished first, with the same content.
            if not target.is_dir():
                raise
    return target


def checked_digest(digest: str) -> str:
    """The digest, if it is hexadecimal: a registry is not trusted to choose paths."""
    if not is_digest(digest):
        remedy = "publish the bundle again with `recommender train FOLDER`"
        raise RegistryError("digest", "is not a hexadecimal digest", remedy)
    return digest


def verified_bundle(bundle: Path, digest: str) -> Path:
    """The bundle, if its content has this digest; else raises `BundleError` or `RegistryError`."""
    if bundle_digest(bundle) != digest:
        remedy = "do not use it; find out who changed it, then train and publish again"
        raise RegistryError("bundle", "does not have the digest it was published with", remedy)
    return bundle


logging.getLogger("mlflow").setLevel(logging.WARNING)


@dataclass(frozen=True, slots=True)
class Registry:
    """One named model in one mlflow registry.

    Attributes
    ----------
    uri
        `http(s)://` of an mlflow server, or a database such as `sqlite:///var/mlflow.db`.
    name
        The registered model.
    artifacts
        Folder for the files of a store without a server; by default beside its SQLite file.

    Examples
    --------
    >>> from tempfile import TemporaryDirectory
    >>> with TemporaryDirectory() as directory:
    ...     registry = Registry(f"sqlite:///{directory}/mlflow.db")
    ...     registry.alias("champion"), registry.versions()
    (None, ())
    """

    uri: str = "sqlite:///var/mlflow.db"
    name: str = NAME
    artifacts: Path | None = None

    @property
    def home(self) -> Path | None:
        """The folder for the files of a registry without a server; None for any other."""
        file = registry_file(self.uri)
        if self.artifacts is not None:
            return self.artifacts.resolve()
        return None if file is None else artifact_folder(file)

    @contextmanager
    def client(self) -> Iterator[MlflowClient]:
        """An mlflow client whose failures become `RegistryError`s.

        The locations of a registry that was moved are rewritten first, or it is refused.
        """
        file, home = registry_file(self.uri), self.home
        if file is not None and home is not None and file.is_file():
            follow_move(file, home, self.name)
        with warnings.catch_warnings():
            # Deprecations inside mlflow 3.17, on SQLAlchemy 2.1 and pandas 3.
            warnings.filterwarnings("ignore", message=r"The ``noload`` loader strategy")
            warnings.filterwarnings("ignore", message=r"Operation with range is deprecated")
            try:
                yield MlflowClient(tracking_uri=self.uri, registry_uri=self.uri)
            except (MlflowException, RequestException, SQLAlchemyError, OSError) as error:
                # The cause is not chained: its text can hold the password of the address.
                raise _registry_error(self.uri, error) from None

    def experiment(self, name: str) -> str:
        """The id of the experiment of this name, created at its first use.

        Raises
        ------
        RegistryError
            When its files would be written outside of the registry's folder.
        """
        home = self.home
        with self.client() as client:
            experiment = client.get_experiment_by_name(name)
            if experiment is None:
                location = None if home is None else home.as_uri()
                return client.create_experiment(name, location, EXPERIMENT_TAGS)
        place = local_path(experiment.artifact_location)
        if home is not None and place is not None and not place.resolve().is_relative_to(home):
            problem = f"writes to {place}, outside of the registry's folder {home}"
            remedy = "rename that experiment in mlflow, or name another --registry"
            raise RegistryError(f"experiment {name}", problem, remedy)
        return str(experiment.experiment_id)

    def publish(
        self,
        run_id: str,
        bundle: Path,
        practice: Practice,
        digest: str,
        tags: Mapping[str, str],
        *,
        description: str | None = None,
        figures: Mapping[str, float] = MappingProxyType({}),
    ) -> Version:
        """Registers a copy of a bundle as the next version, beside the run that trained it.

        Parameters
        ----------
        run_id
            The run that trained it.
        bundle, practice, digest
            The bundle, the definition that gives the columns of the published model, and the
            bundle's digest in hexadecimal.
        tags, description
            Further tags of the version, such as the commit, and a text in Markdown.
        figures
            Finite metrics of the model, which mlflow shows with the run and with the version.
        """
        verified_bundle(bundle, digest)
        version_tags = {**tags, "digest": checked_digest(digest), "practice": practice.id}
        version_tags |= {"practice_version": practice.version, "practice_digest": practice.digest}
        with self.client() as client, tempfile.TemporaryDirectory() as workspace:
            experiment = client.get_run(run_id).info.experiment_id
            logged = client.create_logged_model(experiment, self.name, run_id)
            number, place = logged.model_id, logged.artifact_location
            write_model(
                Path(workspace),
                bundle,
                practice,
                Model(artifact_path=place, model_uuid=number, model_id=number, run_id=run_id),
            )
            client.log_model_artifacts(number, str(Path(workspace) / "model"))
            client.finalize_logged_model(number, "READY")
            client.log_outputs(run_id, [LoggedModelOutput(number, step=0)])
            at = time.time_ns() // 1_000_000
            measured = [Metric(n, v, at, 0, model_id=number) for n, v in figures.items()]
            client.log_batch(run_id, metrics=measured)
            self._describe(client)
            # A `models:/` source would be resolved by mlflow's global address, not by ours.
            created = client.create_model_version(
                self.name, place, run_id, version_tags, description=description, model_id=number
            )
            return _version(created)

    def _describe(self, client: MlflowClient) -> None:
        """Creates the registered model, or describes one of an earlier release."""
        with _ignoring("RESOURCE_ALREADY_EXISTS"):
            client.create_registered_model(self.name, description=DESCRIPTION)
            return
        if not client.get_registered_model(self.name).description:
            client.update_registered_model(self.name, DESCRIPTION)

    def versions(self) -> tuple[Version, ...]:
        """Every published version, oldest first."""
        return tuple(_version(each) for each in self._search())

    def _search(self) -> list[Any]:
        versions: list[Any] = []
        with self.client() as client:
            token: str | None = ""
            while token is not None:
                page = client.search_model_versions(f"name='{self.name}'", page_token=token or None)
                versions += page
                token = page.token or None
        return sorted(versions, key=lambda each: int(each.version))

    def version(self, number: int) -> Version:
        """The version of this number.

        Raises
        ------
        RegistryError
            When there is none, with the numbers there are.
        """
        with self.client() as client, _ignoring(ABSENT):
            return _version(client.get_model_version(self.name, str(number)))
        numbers = [str(each.version) for each in self.versions()]
        if not numbers:
            remedy = "run `recommender train FOLDER`, which publishes one"
            raise RegistryError(self.name, f"there is no version {number}, nor any other", remedy)
        earlier = " and earlier ones" if len(numbers) > MAX_NUMBERS else ""
        remedy = (
            f"choose from {', '.join(numbers[-MAX_NUMBERS:])}{earlier}; `recommender history` "
            "shows which were champion, and when"
        )
        raise RegistryError(self.name, f"there is no version {number}", remedy)

    def set_alias(self, alias: str, version: int) -> None:
        """Points an alias to a version; for the champion use `promote`, which records why."""
        with self.client() as client:
            client.set_registered_model_alias(self.name, alias, str(version))

    def alias(self, alias: str) -> Version | None:
        """The version an alias points to, or None."""
        with self.client() as client, _ignoring(ABSENT):
            number = client.get_registered_model(self.name).aliases.get(alias)
            if number is not None:
                return _version(client.get_model_version(self.name, str(number)))
        return None

    def promote(
        self,
        version: int,
        *,
        by: str,
        at: datetime,
        reason: str,
        kind: str = PROMOTED,
        notes: tuple[str, ...] = (),
    ) -> Promotion:
        """Makes a version the champion, and records who did it, when, why, and what it replaced.

        The record is written first: a record without effect is better than the reverse.
        """
        chosen, champion = self.version(version), self.alias(CHAMPION)
        previous = champion.version if champion else None
        promotion = Promotion(in_utc(at), version, chosen.digest, by, reason, previous, kind, notes)
        with self.client() as client:
            for key, value in promotion_tags(promotion).items():
                client.set_model_version_tag(self.name, str(version), key, value)
        self.set_alias(CHAMPION, version)
        return promotion

    def history(self) -> tuple[Promotion, ...]:
        """Every promotion, oldest first."""
        promotions = (read_promotions(_version(found), found.tags) for found in self._search())
        return tuple(sorted((one for each in promotions for one in each), key=lambda one: one.at))

    def previous(self) -> Version | None:
        """The version to roll back to: the champion before the current one was first promoted.

        So two rollbacks go two steps back and never return to the version just withdrawn.
        """
        champion = self.alias(CHAMPION)
        if champion is None:
            return None
        first = next((p for p in self.history() if p.version == champion.version), None)
        return None if first is None or first.previous is None else self.version(first.previous)

    def text(self, version: Version, name: str) -> str:
        """A text artifact of the run that trained a version.

        Raises
        ------
        RegistryError
            When the run has none of this name.
        """
        with self.client() as client, tempfile.TemporaryDirectory() as workspace:
            folder = local_path(client.get_run(version.run_id).info.artifact_uri)
            if folder is not None and not folder.is_dir():
                problem = f"files of its run not found at {folder}"
                raise RegistryError(f"version {version.version}", problem, BRING_BACK)
            names = [file.path for file in client.list_artifacts(version.run_id)]
            if name not in names:
                remedy = "train again with this version of recommender"
                raise RegistryError(self.name, f"version {version.version} has no {name}", remedy)
            got = client.download_artifacts(version.run_id, name, workspace)
            return Path(got).read_text(encoding="utf-8")

    def resolve(self, alias_or_version: str | int) -> Version:
        """The version of a number or an alias.

        Raises
        ------
        RegistryError
            When the alias points to no version yet, with the command to run.
        """
        if isinstance(alias_or_version, int) or alias_or_version.isdecimal():
            return self.version(int(alias_or_version))
        version = self.alias(alias_or_version)
        if version is None:
            steps = "run `recommender train FOLDER`"
            steps += ", then `recommender promote`" if alias_or_version == CHAMPION else ""
            raise RegistryError(self.name, f"no {alias_or_version} yet", steps)
        return version

    def version_or_champion(self, number: int | None) -> Version:
        """The version of a number; without one the champion, or the challenger before there is one.

        Raises
        ------
        RegistryError
            As `version` and `resolve` do.
        """
        if number is not None:
            return self.version(number)
        return self.alias(CHAMPION) or self.resolve(CHALLENGER)

    def fetch(self, alias_or_version: str | int, into: Path) -> Path:
        """The directory `into/<digest>` of the bundle, downloaded unless it exists."""
        wanted = self.resolve(alias_or_version)

        def download(unfinished: Path) -> Path:
            with self.client() as client:
                place = client.get_model_version_download_uri(self.name, str(wanted.version))
                folder = local_path(f"{place}/artifacts/bundle")
                if folder is not None and not folder.is_dir():
                    problem = f"bundle not found at {folder}"
                    raise RegistryError(f"version {wanted.version}", problem, BRING_BACK)
                got = mlflow.artifacts.download_artifacts(
                    artifact_uri=f"{place}/artifacts/bundle",
                    dst_path=str(unfinished),
                    tracking_uri=self.uri,
                    registry_uri=self.uri,
                )
            return verified_bundle(Path(got), wanted.digest)

        return install_bundle(into, wanted.digest, download)


def address_given_to_mlflow() -> str | None:
    """The address of `mlflow.set_tracking_uri` or `MLFLOW_TRACKING_URI`; None where none is set."""
    given = mlflow.is_tracking_uri_set()  # type: ignore[no-untyped-call]
    return mlflow.get_tracking_uri() if given else None


def _version(entity: Any) -> Version:
    created_at = datetime.fromtimestamp(entity.creation_timestamp / 1000, UTC)
    digest = entity.tags.get("digest", "")
    return Version(int(entity.version), digest, entity.run_id or "", created_at)


@contextmanager
def _ignoring(code: str) -> Iterator[None]:
    """Ignores mlflow errors of one code."""
    try:
        yield
    except MlflowException as error:
        if error.error_code != code:
            raise


def _registry_error(uri: str, error: Exception) -> RegistryError:
    shown = shown_address(uri)
    lost = RequestException | SQLAlchemyError
    if isinstance(error, lost) or isinstance(error.__context__, lost):
        remedy = "start it, or set the registry's address to one that runs"
        return RegistryError("registry", f"cannot reach the mlflow registry at {shown}", remedy)
    message = (str(error).splitlines() or [""])[0].replace(uri, shown)
    remedy = "fix what it names; nothing after this step was done"
    return RegistryError("registry", f"{shown} refused: {message}", remedy)
