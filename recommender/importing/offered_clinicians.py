"""Which facts a clinician must have to be offered, and how many clinicians have them.

They are those that a hard constraint of the definition reads and whose absence excludes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.practice.definition import Practice
from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import Constraint
from recommender.values.counts import counted
from recommender.values.kinds import RawValue


@dataclass(frozen=True, slots=True)
class OfferedClinicians:
    """How many clinicians have the facts without which they are offered to nobody.

    Attributes
    ----------
    clinicians, complete
        All of them, and those with every fact that is needed for every client.
    lacking
        Fields that are needed for every client, with the number of clinicians without each.
    lacking_for_some
        The same of fields that are needed for clients with certain answers only.
    """

    clinicians: int
    complete: int
    lacking: Mapping[str, int]
    lacking_for_some: Mapping[str, int]

    @property
    def incomplete(self) -> tuple[str, ...]:
        """The fields that some clinician lacks."""
        return (*self.lacking, *self.lacking_for_some)

    def sentences(self) -> list[str]:
        """What the report says of it; empty where no clinician lacks such a fact."""
        lines = []
        if self.lacking:
            lines.append(
                f"{self.complete:,} of {counted(self.clinicians, 'clinician')} could be offered, "
                f"because without these a clinician is not offered: {self._named(self.lacking)}."
            )
        if self.lacking_for_some:
            lines.append(
                "Without these a clinician is not offered to clients who ask for them: "
                f"{self._named(self.lacking_for_some)}."
            )
        return lines

    def _named(self, lacking: Mapping[str, int]) -> str:
        """Fields, with the number of clinicians without each unless nobody has it."""
        return ", ".join(
            name if count == self.clinicians else f"{name} (empty for {count:,})"
            for name, count in lacking.items()
        )


def facts_to_be_offered(practice: Practice) -> dict[str, bool]:
    """The clinicians' fields whose empty cells exclude, in the order of the definition.

    The value is true for those that are needed for every client. A constraint with a condition, or
    on a wish that a client need not state, is about some clients only.
    """
    found: dict[str, bool] = {}
    for rule in practice.constraints.values():
        if rule.mode != "hard" or rule.unknown != "fail":
            continue
        for name in rule.clinician:
            # A list of people that is empty names nobody: it is known, and excludes nobody.
            if practice.clinician[name].kind != "ids":
                found[name] = found.get(name, False) or _is_about_everyone(rule, practice)
    return {name: found[name] for name in practice.clinician if name in found}


def _is_about_everyone(rule: Constraint, practice: Practice) -> bool:
    if rule.when is not None or rule.unless is not None or rule.ways or rule.instead is not None:
        return False
    place = RULES[rule.rule].wish
    if place is None or not rule.client or rule.excludes_on_silence:
        return True
    return practice.client[rule.client[place]].required


def offered_clinicians(
    practice: Practice, header: Sequence[str], rows: Sequence[Sequence[RawValue]]
) -> OfferedClinicians:
    """How many clinicians of a table have the facts without which they are not offered."""
    needed = facts_to_be_offered(practice)
    places = {name: header.index(name) for name in needed}
    empty = {name: sum(row[at] is None for row in rows) for name, at in places.items()}
    always = [name for name, for_everyone in needed.items() if for_everyone]
    return OfferedClinicians(
        len(rows),
        sum(all(row[places[name]] is not None for name in always) for row in rows),
        {name: empty[name] for name in always if empty[name]},
        {name: count for name, count in empty.items() if count and not needed[name]},
    )
