"""One immutable snapshot of model, roster and schemas, from which requests are answered."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import structlog
from pydantic_core import to_json

from recommender.errors import BundleError, Fault, StaleError, TablesError
from recommender.journal.roster_versions import Cells, RosterVersion, current_roster, replace_roster
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.model.bundle.io import model_digest, read_bundle
from recommender.model.evidence_prior import evidence_model
from recommender.plan.compiling import plan_for
from recommender.practice.columns import cells_at
from recommender.practice.definition import Practice, practice_named
from recommender.rollout.bundle_cache import BundleCache
from recommender.serving.schemas.clinician import ClinicianSchema, build_clinician_schema
from recommender.serving.schemas.intake import RequestSchema, build_request_schema
from recommender.serving.schemas.responses import CONTRACT_VERSION, AllianceScale, ModelInUse
from recommender.settings import Settings
from recommender.store.database import Store
from recommender.tables.cells import NAME_COLUMN
from recommender.tables.loader import read_roster
from recommender.tables.roster import Roster

BUNDLE_REJECTED = "bundle_rejected"
DEFAULT_PRACTICE = "psychology"
"""Shipped practice definition of the evidence prior if none is configured."""

FILE_ACTOR = "roster-file"
"""Actor of the first roster version, which comes from a file."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class ServingSnapshot:
    """One snapshot.

    Attributes
    ----------
    model, digest
        The model and the digest of its bundle.
    encoding
        The roster encoded for the model.
    form, clinicians
        Request models for clients and clinicians, from the model's practice definition.
    stale_hours
        Age of the roster from which responses carry a warning.
    roster_version
        The stored version of the roster; None where the roster is a file.
    version
        Version of the model in the registry, if known.
    ready
        The members of a response that only the snapshot decides, as JSON.
    """

    model: AllianceModel
    digest: str
    encoding: RosterEncoding
    form: RequestSchema
    clinicians: ClinicianSchema
    stale_hours: float
    roster_version: RosterVersion | None = None
    version: int | None = None
    ready: Mapping[str, bytes] = field(init=False)

    def __post_init__(self) -> None:
        """Compiles the plan of scores, so that no request waits for it."""
        members = {
            "contract_version": CONTRACT_VERSION,
            "model": ModelInUse.of(self.model.manifest, self.digest, self.version),
            "roster_version": self.encoding.roster.version,
            "availability_as_of": self.taken_at,
            "scale": AllianceScale.of(self.model),
        }
        ready = {name: to_json(value) for name, value in members.items()}
        object.__setattr__(self, "ready", ready)
        plan_for(self.model, self.encoding)

    @property
    def practice(self) -> Practice:
        """The practice definition the model was trained with."""
        return self.model.practice

    @property
    def taken_at(self) -> datetime:
        """When the roster was written, UTC."""
        return self.encoding.roster.taken_at


def open_snapshot(settings: Settings, store: Store | None = None) -> ServingSnapshot:
    """The first snapshot: of the bundle, the bundle cache or the evidence prior.

    Without a usable bundle in the cache the evidence prior is used, so that a missing or rejected
    model does not prevent a start.

    Raises
    ------
    BundleError
        When the configured bundle must not be loaded.
    DefinitionError
        When the configured practice definition is invalid.
    TablesError
        With every fault of the roster.
    """
    expected = expected_practice(settings)
    if settings.bundle is not None:
        return _opened(*read_bundle(settings.bundle, expected), settings, store)
    if settings.bundles is not None:
        cached = _from_bundle_cache(BundleCache(settings.bundles), expected)
        if cached is not None:
            return replace(_opened(*cached[:2], settings, store), version=cached[2])
    practice = practice_named(DEFAULT_PRACTICE) if expected is None else expected
    return _with_evidence_prior(practice, settings, store)


def expected_practice(settings: Settings) -> Practice | None:
    """The practice definition required of bundles; None accepts each bundle's own."""
    return None if settings.practice is None else practice_named(settings.practice)


def load_cached_bundle(
    bundle_cache: BundleCache, digest: str, expected: Practice | None
) -> tuple[AllianceModel, str]:
    """A model in the bundle cache, by its digest.

    Raises
    ------
    BundleError
        When it is missing, has another digest, or must not be loaded.
    """
    model, actual = read_bundle(bundle_cache.bundle(digest), expected)
    if actual != digest:
        raise BundleError("bundle", "does not have the digest of its directory", "fetch it again")
    return model, digest


def with_model(
    state: ServingSnapshot,
    model: AllianceModel,
    digest: str,
    settings: Settings,
    version: int | None = None,
) -> ServingSnapshot:
    """The snapshot with another model and the same clinicians.

    Raises
    ------
    TablesError
        When the roster does not fit another practice definition of the model.
    """
    if model.practice.digest == state.practice.digest:
        # Reuses the request models: they depend on the practice definition only.
        encoding = model.encode_roster(state.encoding.roster)
        return replace(state, model=model, digest=digest, encoding=encoding, version=version)
    stored = state.roster_version
    roster = (
        _file(model.practice, settings)
        if stored is None
        else roster_from_version(stored, model.practice)
    )
    return replace(_snapshot(model, digest, roster, settings, stored), version=version)


def with_roster(state: ServingSnapshot, stored: RosterVersion) -> ServingSnapshot:
    """The snapshot with another version of the roster; unchanged if its version is not older.

    Raises
    ------
    IntakeError
        When a row does not fit the practice definition of the model.
    """
    if state.roster_version is not None and state.roster_version.number >= stored.number:
        return state
    roster = roster_from_version(stored, state.practice)
    return replace(state, encoding=state.model.encode_roster(roster), roster_version=stored)


def roster_version_of(state: ServingSnapshot) -> RosterVersion:
    """The roster as stored, or as read from the file."""
    if state.roster_version is not None:
        return state.roster_version
    roster = state.encoding.roster
    return roster.columns.view("roster_version", lambda: _read_back(roster, state.practice))


def roster_from_version(stored: RosterVersion, practice: Practice) -> Roster:
    """A stored roster in the form of the engine, with its ETag as version."""
    return replace(stored.roster(practice), version=stored.etag)


def _from_bundle_cache(
    bundle_cache: BundleCache, expected: Practice | None
) -> tuple[AllianceModel, str, int | None] | None:
    """The champion, else the last good model: model, digest and registry version."""
    pointer = bundle_cache.read_pointer()
    champion = None if pointer is None or pointer.rejected else pointer.digest
    for digest in dict.fromkeys((champion, bundle_cache.last_good())):
        if digest is not None:
            try:
                version = pointer.version if pointer is not None and digest == champion else None
                return (*load_cached_bundle(bundle_cache, digest, expected), version)
            except BundleError as error:
                log.error(
                    BUNDLE_REJECTED, model=digest, error=type(error).__name__, where=error.field
                )
    return None


def _opened(
    model: AllianceModel, digest: str, settings: Settings, store: Store | None
) -> ServingSnapshot:
    roster, stored = _roster(model.practice, settings, store)
    return _snapshot(model, digest, roster, settings, stored)


def _snapshot(
    model: AllianceModel,
    digest: str,
    roster: Roster,
    settings: Settings,
    stored: RosterVersion | None,
) -> ServingSnapshot:
    return ServingSnapshot(
        model,
        digest,
        model.encode_roster(roster),
        build_request_schema(model.practice, settings.top_k),
        build_clinician_schema(model.practice),
        settings.stale_hours,
        stored,
    )


def _with_evidence_prior(
    practice: Practice, settings: Settings, store: Store | None
) -> ServingSnapshot:
    """A snapshot of the evidence prior; its creation time is that of the roster."""
    roster, stored = _roster(practice, settings, store)
    model = evidence_model(
        practice,
        roster.columns,
        roster.ids,
        data_digest=roster.version,
        created_at=roster.taken_at.isoformat(timespec="seconds"),
    )
    return _snapshot(model, model_digest(model), roster, settings, stored)


def _roster(
    practice: Practice, settings: Settings, store: Store | None
) -> tuple[Roster, RosterVersion | None]:
    """The stored roster if there is a store, else that of the file."""
    if store is None:
        return _file(practice, settings), None
    with store.reading() as connection:
        stored = current_roster(connection)
    if stored.number == 0:
        stored = _seeded(practice, settings, store)
    return roster_from_version(stored, practice), stored


def _seeded(practice: Practice, settings: Settings, store: Store) -> RosterVersion:
    """Initialises an empty store from the file, unless another server was first."""
    rows = _read_back(_file(practice, settings), practice).rows
    try:
        with store.writing() as connection:
            return replace_roster(connection, practice, rows, seen="", actor=FILE_ACTOR)
    except StaleError:
        with store.reading() as connection:
            return current_roster(connection)


def _read_back(roster: Roster, practice: Practice) -> RosterVersion:
    return RosterVersion(0, roster.version, roster.taken_at, rows_of(roster, practice))


def rows_of(roster: Roster, practice: Practice) -> Mapping[str, Cells]:
    """The cells of every clinician by id, each value in one form: equal values have equal cells."""
    rows: dict[str, Cells] = {}
    for place, (clinician_id, name) in enumerate(zip(roster.ids, roster.names, strict=True)):
        cells = cells_at(practice.clinician, roster.columns, place)
        rows[clinician_id] = cells if name is None else {NAME_COLUMN: name, **cells}
    return MappingProxyType(rows)


def _file(practice: Practice, settings: Settings) -> Roster:
    taken_at = _written_at(settings.roster)
    return read_roster(settings.roster, practice, taken_at, settings.table_format)


def _written_at(path: Path) -> datetime:
    """Modification time of a file, UTC."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        remedy = "name a readable table of the clinicians"
        raise TablesError([Fault(path.name, "cannot be read", remedy)]) from None
