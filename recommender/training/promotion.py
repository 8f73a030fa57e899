"""Judges a challenger, promotes it, and rolls back; each change is recorded with who and why."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from recommender.errors import BundleError, Fault, RefusedError, RegistryError
from recommender.model.alliance_model import MODEL, AllianceModel, Manifest
from recommender.model.bundle.io import load_bundle
from recommender.model.card import card_of
from recommender.model.claims import Claim, claims_of
from recommender.model.evaluation_report import ComparedChampion
from recommender.practice.definition import Practice, shipped_practice
from recommender.registry.registry import Registry
from recommender.registry.versions import CHALLENGER, CHAMPION, ROLLED_BACK, Promotion, Version
from recommender.training.promotion_case import Finding, Outcome, PromotionCase
from recommender.training.promotion_gate import findings, objections

SHORTEST_SPAN_DAYS = 30
"""Days of pairings from which a yearly number is computed: of fewer it would be a guess."""
DAYS_A_YEAR = 365.25
DECIDING = ("gain", "agreement")
"""Rules that compare the order with the incumbent's; all others are conditions."""
PEOPLE = "card."
"""How the names of those entries of a card begin that people write."""


@dataclass(frozen=True, slots=True)
class PromotionVerdict:
    """A version, the champion it would replace, what every rule found, and what is shown of it.

    Without a finding where it is that champion: there is nothing to promote.
    """

    version: Version
    champion: Version | None
    findings: tuple[Finding, ...]
    claims: tuple[Claim, ...] = ()

    @property
    def objections(self) -> tuple[Fault, ...]:
        """Every rule that fails; empty when it may be promoted."""
        return objections(self.findings)

    @property
    def is_champion(self) -> bool:
        """Whether it is champion already."""
        return self.champion is not None and self.champion.version == self.version.version

    @property
    def decided_by(self) -> tuple[str, ...]:
        """What decides a promotion, as sentences: the expected gain, and the agreement."""
        return tuple(
            f"{each.text[:1].upper()}{each.text[1:]}."
            for each in self.findings
            if each.rule in DECIDING
        )

    @property
    def decided_on(self) -> tuple[str, ...]:
        """What the decision rests on and what is shown, to be stored with the promotion."""
        held = [each for each in self.findings if each.outcome is not Outcome.FAILS]
        decided = [
            each.text for rule in ("ratings", "agreement") for each in held if each.rule == rule
        ]
        return (*decided, *(f"{claim.title}. {claim.text}" for claim in self.claims))


@dataclass(frozen=True, slots=True)
class ChampionModel:
    """The champion a challenger is measured beside.

    Attributes
    ----------
    model
        None while there is none, or where it cannot be measured beside the challenger.
    facts
        For the report; None while there is no champion.
    """

    model: AllianceModel | None = None
    facts: ComparedChampion | None = None


def champion_model(registry: Registry, practice: Practice) -> ChampionModel:
    """The champion as far as it can be measured; one that cannot be loaded stops no training."""
    champion = registry.alias(CHAMPION)
    if champion is None:
        return ChampionModel()
    number, digest = champion.version, champion.digest
    try:
        model = _model(registry, champion)
    except (RegistryError, BundleError) as error:
        why = f"{error.field} {error.problem}"
        return ChampionModel(
            None, ComparedChampion(version=number, digest=digest, not_compared=why)
        )
    mode = model.manifest.mode
    changed = declared_otherwise(model.practice, practice)
    if changed:
        why = f"it learned with another definition of {_first_five(changed)}"
        facts = ComparedChampion(version=number, digest=digest, mode=mode, not_compared=why)
        return ChampionModel(None, facts)
    until = model.manifest.known_until
    facts = ComparedChampion(version=number, digest=digest, mode=mode, known_until=until)
    return ChampionModel(model, facts)


def declared_otherwise(champion: Practice, now: Practice) -> tuple[str, ...]:
    """Names of what a champion reads that a definition now lacks or declares differently.

    Phrases, purposes, groups, constraints, sizes and the card change nothing a model computes, and
    a question that is new does not concern one that never read it.
    """
    before, after = _read_of(champion), _read_of(now)
    return tuple(name for name in before if before[name] != after.get(name))


def _read_of(practice: Practice) -> dict[str, object]:
    compared = {f.label for m in practice.matches.values() for f in (*m.client, *m.clinician)}
    read: dict[str, object] = {
        "alliance.reference": practice.reference,
        "alliance.rater": practice.alliance.rater,
        "history.per": practice.history.per,
    }
    for field in (*practice.client.values(), *practice.clinician.values()):
        if field.use == "score" or field.label in compared:
            bounds = (field.unit, field.min, field.max, field.levels)
            read[field.label] = (field.kind, field.use == "audit", *bounds)
    for match in practice.matches.values():
        sides = [tuple(field.label for field in side) for side in (match.client, match.clinician)]
        read[f"matches.{match.name}"] = (match.operator, *sides, match.indifferent, match.parts)
    return read


def judge(registry: Registry, version: int | None) -> PromotionVerdict:
    """Judges a version, or the challenger when none is named, by every rule of the gate."""
    chosen = registry.resolve(CHALLENGER if version is None else version)
    champion = registry.alias(CHAMPION)
    if champion is not None and champion.version == chosen.version:
        return PromotionVerdict(chosen, champion, ())
    model = _model(registry, chosen)
    served = {promotion.version for promotion in registry.history()}
    case = PromotionCase(
        model.report,
        champion,
        _withdrawal(registry, chosen.version),
        rated_pairings_per_year(model.manifest),
        known_until=model.manifest.known_until,
        former=chosen.version if chosen.version in served else None,
        registry=registry.uri,
        own_definition=model.manifest.practice_digest != shipped_practice().digest,
        pooled=bool(model.manifest.learned_from),
        chosen="" if version is None else f" --version {chosen.version}",
    )
    claims = claims_of(model.report) if model.manifest.mode == MODEL else ()
    return PromotionVerdict(chosen, champion, (*findings(case), *_card(model)), claims)


def rated_pairings_per_year(manifest: Manifest) -> float | None:
    """How many rated pairings a year a model learned from; None where they span under a month.

    From the first to the last day on which a pairing began.
    """
    if manifest.first_day is None or manifest.last_day is None:
        return None
    first, last = map(date.fromisoformat, (manifest.first_day, manifest.last_day))
    days = (last - first).days
    return None if days < SHORTEST_SPAN_DAYS else manifest.pairings * DAYS_A_YEAR / days


def promote(
    registry: Registry,
    version: int | None,
    *,
    by: str,
    at: datetime,
    reason: str,
    force: bool,
) -> Promotion:
    """Makes a version (the challenger when none is named) champion, if no rule fails.

    Raises
    ------
    RefusedError
        When it is champion already. With every objection, unless forced; a forced promotion stores
        them with its record.
    """
    judged = judge(registry, version)
    if judged.is_champion:
        remedy = "nothing to do; train again for a new challenger"
        number = judged.version.version
        raise RefusedError([Fault("version", f"{number} is already champion", remedy)])
    faults = judged.objections
    if faults and not force:
        raise RefusedError(faults)
    notes = (*judged.decided_on, *(f"forced against {fault}" for fault in faults))
    return registry.promote(judged.version.version, by=by, at=at, reason=reason, notes=notes)


def rollback(
    registry: Registry, to: int | None, *, by: str, at: datetime, reason: str
) -> Promotion:
    """Makes the previous champion, or an earlier one, champion again.

    No rule applies, but the bundle must load: a champion that cannot be served would be worse.

    Raises
    ------
    RefusedError
        When there is no previous champion, or the version was never champion or is champion now.
    BundleError
        When the bundle can no longer be opened.
    """
    back = _before(registry) if to is None else _earlier(registry, to)
    _model(registry, back)
    return registry.promote(back.version, by=by, at=at, reason=reason, kind=ROLLED_BACK)


def _before(registry: Registry) -> Version:
    back = registry.previous()
    if back is None:
        remedy = "name an earlier champion with --to; `recommender history` shows them"
        raise RefusedError([Fault("rollback", "there is no previous champion", remedy)])
    return back


def _earlier(registry: Registry, to: int) -> Version:
    champion = registry.alias(CHAMPION)
    if champion is not None and champion.version == to:
        remedy = "name an earlier champion, or none for the one before"
        raise RefusedError([Fault("rollback", f"version {to} is champion", remedy)])
    if to not in {promotion.version for promotion in registry.history()}:
        remedy = "see `recommender history`, or promote it through the gate"
        raise RefusedError([Fault("rollback", f"version {to} was never champion", remedy)])
    return registry.version(to)


def _withdrawal(registry: Registry, version: int) -> Promotion | None:
    """The newest rollback that took a version out of service."""
    taken = [p for p in registry.history() if p.kind == ROLLED_BACK and p.previous == version]
    return taken[-1] if taken else None


def _card(model: AllianceModel) -> tuple[Finding, ...]:
    empty = card_of(model).empty
    if not empty:
        return (Finding("card", Outcome.PASSES, "the card has every entry"),)
    retrain = "train again with `recommender train FOLDER`"
    write = f"write it under [card] of the practice definition and {retrain}"
    return tuple(
        Finding(
            "card",
            Outcome.FAILS,
            f"the entry {name.removeprefix(PEOPLE)} is empty",
            write if name.startswith(PEOPLE) else retrain,
        )
        for name in empty
    )


def _model(registry: Registry, version: Version) -> AllianceModel:
    with tempfile.TemporaryDirectory() as directory:
        return load_bundle(registry.fetch(version.version, Path(directory)))


def _first_five(names: Sequence[str]) -> str:
    more = f" and {len(names) - 5} more" if len(names) > 5 else ""
    return ", ".join(names[:5]) + more
