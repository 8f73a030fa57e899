"""What a running server holds: a model, its roster and its form, as one immutable snapshot.

A request takes the reference once and keeps it, so every response is wholly of one version.
Imported by `serving.answers` and above.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import structlog

from recommender.errors import BundleError, Fault, StaleError, TablesError
from recommender.journal.roster_versions import Cells, RosterVersion, current_roster, replace_roster
from recommender.model.alliance_model import AllianceModel, RosterEncoding
from recommender.model.bundle.io import model_digest, read_bundle
from recommender.model.evidence_prior import evidence_model
from recommender.practice.columns import cells_at
from recommender.practice.definition import Practice, practice_named
from recommender.rollout.bundle_cache import BundleCache
from recommender.serving.schemas.clinician import ClinicianSchema, build_clinician_schema
from recommender.serving.schemas.intake import RequestSchema, build_request_schema
from recommender.settings import Settings
from recommender.store.database import Store
from recommender.tables.cells import NAME_COLUMN
from recommender.tables.loader import read_roster
from recommender.tables.roster import Roster

REFUSED = "refused_bundle"
UNNAMED = "psychology"
"""The definition the evidence prior is made of where none is named: the one that ships."""

FROM_FILE = "roster-file"
"""Who is said to have written the first version of a roster that came from a file."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class ServingSnapshot:
    """One snapshot.

    Attributes
    ----------
    model, digest
        The model that answers and the digest of its bundle.
    encoding
        The roster as the model knows it.
    form, clinicians
        The questions of the model's practice definition, and the fields of its clinicians.
    stale_hours
        Age at which what is known of the clinicians is warned of.
    kept
        The roster as the store has it; None where it is a file.
    version
        Of the model in its registry, where it is known.
    """

    model: AllianceModel
    digest: str
    encoding: RosterEncoding
    form: RequestSchema
    clinicians: ClinicianSchema
    stale_hours: float
    roster_version: RosterVersion | None = None
    version: int | None = None

    @property
    def practice(self) -> Practice:
        """The definition the model learned with; nothing else is ever asked."""
        return self.model.practice

    @property
    def taken_at(self) -> datetime:
        """When what is known of the clinicians was written, UTC."""
        return self.encoding.roster.taken_at


def open_snapshot(settings: Settings, store: Store | None = None) -> ServingSnapshot:
    """A snapshot from what the settings name: a bundle, else the shelf, else a definition.

    Where nothing on the shelf can be used the evidence prior of the definition answers, so that
    a missing or refused model never keeps a server from starting.

    Raises
    ------
    BundleError
        When the one bundle that is named must not be loaded.
    DefinitionError
        When the definition that is named cannot be used.
    TablesError
        With every fault of the roster.
    """
    expected = expected_practice(settings)
    if settings.bundle is not None:
        return _opened(*read_bundle(settings.bundle, expected), settings, store)
    found = (
        None if settings.bundles is None else _from_shelf(BundleCache(settings.bundles), expected)
    )
    if found is not None:
        return replace(_opened(*found[:2], settings, store), version=found[2])
    practice = practice_named(UNNAMED) if expected is None else expected
    return _untaught(practice, settings, store)


def expected_practice(settings: Settings) -> Practice | None:
    """The definition that every bundle must have learned with; None where each brings its own."""
    return None if settings.practice is None else practice_named(settings.practice)


def read_cached_bundle(
    bundle_cache: BundleCache, digest: str, expected: Practice | None
) -> tuple[AllianceModel, str]:
    """The model of this digest on the shelf.

    Raises
    ------
    BundleError
        When it is not there, is another one, or must not be loaded.
    """
    model, found = read_bundle(bundle_cache.bundle(digest), expected)
    if found != digest:
        raise BundleError("bundle", "is not the one its directory is named for", "fetch it again")
    return model, digest


def with_model(
    state: ServingSnapshot,
    model: AllianceModel,
    digest: str,
    settings: Settings,
    version: int | None = None,
) -> ServingSnapshot:
    """The snapshot with another model, over the clinicians as they are known now.

    Raises
    ------
    TablesError
        When the model's own definition is another one and the roster does not fit it.
    """
    if model.practice.digest == state.practice.digest:
        # The form is kept: building its classes anew for each model would only be garbage.
        encoding = model.encode_roster(state.encoding.roster)
        return replace(state, model=model, digest=digest, encoding=encoding, version=version)
    kept = state.roster_version
    roster = _file(model.practice, settings) if kept is None else of_version(kept, model.practice)
    return replace(_state(model, digest, roster, settings, kept), version=version)


def with_roster(state: ServingSnapshot, kept: RosterVersion) -> ServingSnapshot:
    """The snapshot over another version of the roster; the same one where it knows this or a later.

    Raises
    ------
    IntakeError
        When a row does not fit the practice definition of the model.
    """
    if state.roster_version is not None and state.roster_version.number >= kept.number:
        return state
    roster = of_version(kept, state.practice)
    return replace(state, encoding=state.model.encode_roster(roster), roster_version=kept)


def roster_of(state: ServingSnapshot) -> RosterVersion:
    """The roster as it is told: as the store has it, or as the file was read."""
    if state.roster_version is not None:
        return state.roster_version
    roster = state.encoding.roster
    return roster.columns.view("kept", lambda: _read_back(roster, state.practice))


def of_version(kept: RosterVersion, practice: Practice) -> Roster:
    """A kept roster as the engine reads it, called by the version that finds it again."""
    return replace(kept.roster(practice), version=kept.etag)


def _from_shelf(
    bundle_cache: BundleCache, expected: Practice | None
) -> tuple[AllianceModel, str, int | None] | None:
    """What is offered, else what answered last, whichever can first be used, and its version."""
    offer = bundle_cache.read_pointer()
    offered = None if offer is None or offer.rejected else offer.digest
    for digest in dict.fromkeys((offered, bundle_cache.last_good())):
        if digest is not None:
            try:
                version = offer.version if offer is not None and digest == offered else None
                return (*read_cached_bundle(bundle_cache, digest, expected), version)
            except BundleError as error:
                log.error(REFUSED, model=digest, error=type(error).__name__, where=error.field)
    return None


def _opened(
    model: AllianceModel, digest: str, settings: Settings, store: Store | None
) -> ServingSnapshot:
    roster, kept = _roster(model.practice, settings, store)
    return _state(model, digest, roster, settings, kept)


def _state(
    model: AllianceModel,
    digest: str,
    roster: Roster,
    settings: Settings,
    kept: RosterVersion | None,
) -> ServingSnapshot:
    return ServingSnapshot(
        model,
        digest,
        model.encode_roster(roster),
        build_request_schema(model.practice, settings.top_k),
        build_clinician_schema(model.practice),
        settings.stale_hours,
        kept,
    )


def _untaught(practice: Practice, settings: Settings, store: Store | None) -> ServingSnapshot:
    """The evidence prior over the roster; made at the time the roster was, as its facts are."""
    roster, kept = _roster(practice, settings, store)
    model = evidence_model(
        practice,
        roster.columns,
        roster.ids,
        data_digest=roster.version,
        created_at=roster.taken_at.isoformat(timespec="seconds"),
    )
    return _state(model, model_digest(model), roster, settings, kept)


def _roster(
    practice: Practice, settings: Settings, store: Store | None
) -> tuple[Roster, RosterVersion | None]:
    """The clinicians of the store, where there is one, else those of the file."""
    if store is None:
        return _file(practice, settings), None
    with store.reading() as connection:
        kept = current_roster(connection)
    if kept.number == 0:
        kept = _seeded(practice, settings, store)
    return of_version(kept, practice), kept


def _seeded(practice: Practice, settings: Settings, store: Store) -> RosterVersion:
    """The clinicians of the file, put into an empty store; another server may be there first."""
    rows = _read_back(_file(practice, settings), practice).rows
    try:
        with store.writing() as connection:
            return replace_roster(connection, practice, rows, seen="", actor=FROM_FILE)
    except StaleError:
        with store.reading() as connection:
            return current_roster(connection)


def _read_back(roster: Roster, practice: Practice) -> RosterVersion:
    rows: dict[str, Cells] = {}
    for place, (clinician_id, name) in enumerate(zip(roster.ids, roster.names, strict=True)):
        cells = cells_at(practice.clinician, roster.columns, place)
        rows[clinician_id] = cells if name is None else {NAME_COLUMN: name, **cells}
    return RosterVersion(0, roster.version, roster.taken_at, MappingProxyType(rows))


def _file(practice: Practice, settings: Settings) -> Roster:
    return read_roster(settings.roster, practice, _written_at(settings.roster))


def _written_at(path: Path) -> datetime:
    """When a file was written: a server that starts today may hold last week's roster."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        remedy = "name a readable .csv or .parquet of the clinicians"
        raise TablesError([Fault(path.name, "cannot be read", remedy)]) from None
