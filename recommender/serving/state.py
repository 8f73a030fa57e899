"""What a running server holds: a model, its roster and its form, as one immutable snapshot.

A request takes the reference once and keeps it, so every response is wholly of one version.
Imported by `serving.answers` and above.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import structlog

from recommender.bundle import model_digest, read_bundle
from recommender.errors import BundleError, Fault, TablesError
from recommender.model import AllianceModel, Standing
from recommender.practice import Practice, practice_named
from recommender.prior import evidence_model
from recommender.roster import Roster
from recommender.serving.form import Form, build_form
from recommender.settings import Settings
from recommender.shelf import Shelf
from recommender.tables.checked import read_roster

REFUSED = "refused_bundle"
UNNAMED = "psychology"
"""The definition the evidence prior is made of where none is named: the one that ships."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class State:
    """One snapshot.

    Attributes
    ----------
    model, digest
        The model that answers and the digest of its bundle.
    standing
        The roster as the model knows it.
    form
        The questions of the model's practice definition.
    version
        Of the model in its registry, where it is known.
    """

    model: AllianceModel
    digest: str
    standing: Standing
    form: Form
    version: int | None = None

    @property
    def practice(self) -> Practice:
        """The definition the model learned with; nothing else is ever asked."""
        return self.model.practice

    @property
    def taken_at(self) -> datetime:
        """When what is known of the clinicians was written, UTC."""
        return self.standing.roster.taken_at


def open_state(settings: Settings) -> State:
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
        return _of_bundle(*read_bundle(settings.bundle, expected), settings)
    found = None if settings.shelf is None else _from_shelf(Shelf(settings.shelf), expected)
    if found is not None:
        return replace(_of_bundle(*found[:2], settings), version=found[2])
    practice = practice_named(UNNAMED) if expected is None else expected
    return _untaught(practice, settings)


def expected_practice(settings: Settings) -> Practice | None:
    """The definition that every bundle must have learned with; None where each brings its own."""
    return None if settings.practice is None else practice_named(settings.practice)


def read_shelved(shelf: Shelf, digest: str, expected: Practice | None) -> tuple[AllianceModel, str]:
    """The model of this digest on the shelf.

    Raises
    ------
    BundleError
        When it is not there, is another one, or must not be loaded.
    """
    model, found = read_bundle(shelf.bundle(digest), expected)
    if found != digest:
        raise BundleError("bundle", "is not the one its directory is named for", "fetch it again")
    return model, digest


def succeeded_by(
    state: State,
    model: AllianceModel,
    digest: str,
    settings: Settings,
    version: int | None = None,
) -> State:
    """The snapshot with another model, over the clinicians as they are known now.

    Raises
    ------
    TablesError
        When the model's own definition is another one and the roster does not fit it.
    """
    if model.practice.digest == state.practice.digest:
        # The form is kept: building its classes anew for each model would only be garbage.
        standing = model.standing(state.standing.roster)
        return replace(state, model=model, digest=digest, standing=standing, version=version)
    return replace(_of_bundle(model, digest, settings), version=version)


def _from_shelf(
    shelf: Shelf, expected: Practice | None
) -> tuple[AllianceModel, str, int | None] | None:
    """What is offered, else what answered last, whichever can first be used, and its version."""
    offer = shelf.offered()
    offered = None if offer is None or offer.refused else offer.digest
    for digest in dict.fromkeys((offered, shelf.last_good())):
        if digest is not None:
            try:
                version = offer.version if offer is not None and digest == offered else None
                return (*read_shelved(shelf, digest, expected), version)
            except BundleError as error:
                log.error(REFUSED, model=digest, error=type(error).__name__, where=error.field)
    return None


def _of_bundle(model: AllianceModel, digest: str, settings: Settings) -> State:
    roster = _roster(model.practice, settings)
    form = build_form(model.practice, settings.top_k)
    return State(model, digest, model.standing(roster), form)


def _untaught(practice: Practice, settings: Settings) -> State:
    """The evidence prior over the roster; made at the time the roster was, as its facts are."""
    roster = _roster(practice, settings)
    model = evidence_model(
        practice,
        roster.columns,
        roster.ids,
        data_digest=roster.version,
        created_at=roster.taken_at.isoformat(timespec="seconds"),
    )
    form = build_form(practice, settings.top_k)
    return State(model, model_digest(model), model.standing(roster), form)


def _roster(practice: Practice, settings: Settings) -> Roster:
    return read_roster(settings.roster, practice, _written_at(settings.roster))


def _written_at(path: Path) -> datetime:
    """When a file was written: a server that starts today may hold last week's roster."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        remedy = "name a readable .csv or .parquet of the clinicians"
        raise TablesError([Fault(path.name, "cannot be read", remedy)]) from None
