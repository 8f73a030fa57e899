"""What a running server holds: a model, its roster and its form, as one immutable snapshot.

A request takes the reference once and keeps it, so every response is wholly of one version.
Imported by `serving.answers` and above.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from recommender.bundle import bundle_digest, load_bundle
from recommender.errors import Fault, TablesError
from recommender.model import AllianceModel, Standing
from recommender.practice import Practice
from recommender.serving.form import Form, build_form
from recommender.settings import Settings
from recommender.tables.checked import read_roster


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
    """

    model: AllianceModel
    digest: str
    standing: Standing
    form: Form

    @property
    def practice(self) -> Practice:
        """The definition the model learned with; nothing else is ever asked."""
        return self.model.practice

    @property
    def taken_at(self) -> datetime:
        """When what is known of the clinicians was written, UTC."""
        return self.standing.roster.taken_at


def open_state(settings: Settings) -> State:
    """A snapshot from the bundle and the roster file of the settings.

    Raises
    ------
    BundleError
        When the bundle must not be loaded.
    TablesError
        With every fault of the roster.
    """
    model = load_bundle(settings.bundle)
    roster = read_roster(settings.roster, model.practice, _written_at(settings.roster))
    return State(
        model=model,
        digest=bundle_digest(settings.bundle),
        standing=model.standing(roster),
        form=build_form(model.practice, settings.top_k),
    )


def _written_at(path: Path) -> datetime:
    """When a file was written: a server that starts today may hold last week's roster."""
    try:
        return datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        remedy = "name a readable .csv or .parquet of the clinicians"
        raise TablesError([Fault(path.name, "cannot be read", remedy)]) from None
