"""What happens to clinicians who do not meet an answer: said, or chosen, beside its question."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from recommender.practice.definition import Practice
from recommender.practice.fields import Field, small_label
from recommender.practice.rules.catalogue import RULES
from recommender.practice.rules.constraint import Constraint, client_fields
from recommender.serving.http.submitted_form import FormData
from recommender.serving.staff import wording
from recommender.serving.staff.views.intake_answers import MODE, modes_sent

OUTCOMES: Mapping[str, str] = {
    "hard": "left out",
    "soft": "shown with a caution",
    "off": "shown",
}
"""What happens to those who do not meet an answer, by the mode of the constraint about it."""
DECLINED = frozenset({"has_none", "not_listed"})
"""Rules met by those who do not have what the answer names."""

Binding = tuple[Constraint, ...]


@dataclass(frozen=True, slots=True)
class UnmetAnswer:
    """What happens to clinicians who do not meet an answer.

    `who` they are and the `outcome`; with `choices`, mode and text of what a request may choose
    under `name`, of which `given` is chosen.
    """

    who: str
    outcome: str
    name: str = ""
    given: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class UnmetAnswers:
    """The outcomes of one form, by question.

    `chosen` are the modes of this request by constraint. Constraints about one question are chosen
    together where they allow the same modes and have the same one; the others are `apart`, each
    with its own choice.
    """

    practice: Practice
    bound: Mapping[str, Binding]
    chosen: Mapping[str, str]
    read: frozenset[str]
    matched: frozenset[str]

    def of(self, field: Field) -> UnmetAnswer | None:
        """The outcome for a question; None where nothing can be said in few words."""
        bound = self.bound.get(field.name, ())
        if not bound:
            is_score = field.kind in ("number", "scale")
            is_compared = (
                field.name in self.matched and field.name not in self.read and not is_score
            )
            return UnmetAnswer("Nobody", OUTCOMES["hard"]) if is_compared else None
        first, who = bound[0], self._who(bound)
        if self._is_together(bound):
            given = self._mode(first)
            return UnmetAnswer(
                who,
                OUTCOMES[given],
                f"{MODE}{','.join(each.name for each in bound)}",
                given,
                tuple((mode, OUTCOMES[mode]) for mode in modes_of(first)),
                is_changed=given != first.mode,
            )
        can_state = first.clinician and first.rule not in DECLINED and len(self._modes(bound)) == 1
        return UnmetAnswer(who, OUTCOMES[self._mode(first)]) if can_state else None

    @property
    def apart(self) -> Sequence[Constraint]:
        """The constraints whose modes are not chosen beside a question."""
        together = {
            each.name for bound in self.bound.values() if self._is_together(bound) for each in bound
        }
        constraints = self.practice.constraints.values()
        return [each for each in constraints if each.may_be and each.name not in together]

    def _is_together(self, bound: Binding) -> bool:
        allowed = {frozenset(modes_of(each)) for each in bound}
        return bool(bound[0].may_be) and len(allowed) == 1 and len(self._modes(bound)) == 1

    def _modes(self, bound: Binding) -> frozenset[str]:
        return frozenset(map(self._mode, bound))

    def _mode(self, constraint: Constraint) -> str:
        given = self.chosen.get(constraint.name, "")
        return given if given in modes_of(constraint) else constraint.mode

    def _who(self, bound: Binding) -> str:
        """Who does not meet an answer, with the ways of meeting it is about if it is not all."""
        who = "They" if bound[0].rule in DECLINED else "Others"
        ways = self.practice.client[self.practice.ways.client] if self.practice.ways else None
        about = frozenset(way for each in bound for way in each.ways)
        if ways is None or not about or about >= frozenset(ways.levels):
            return who
        named = " or ".join(
            small_label(ways.label_of(each)) for each in ways.levels if each in about
        )
        return f"{wording.sentence(named)}: {small_label(who)}"


def unmet_answers(practice: Practice, sent: FormData) -> UnmetAnswers:
    """What happens to those who do not meet an answer, with the modes chosen on a form."""
    bound: defaultdict[str, list[Constraint]] = defaultdict(list)
    for each in practice.constraints.values():
        if (name := _question_of(practice, each)) is not None:
            bound[name].append(each)
    return UnmetAnswers(
        practice,
        {name: tuple(each) for name, each in bound.items()},
        modes_sent(practice, sent),
        frozenset(
            name
            for each in practice.constraints.values()
            for name in client_fields(each, practice.first_session)
        ),
        frozenset(field.name for each in practice.matches.values() for field in each.client),
    )


def modes_of(constraint: Constraint) -> tuple[str, ...]:
    """The modes that a request may choose, the usual one first."""
    return tuple(dict.fromkeys((constraint.mode, *constraint.may_be)))


def _question_of(practice: Practice, constraint: Constraint) -> str | None:
    """The question whose answer states what a constraint is about."""
    rule = RULES[constraint.rule]
    if constraint.client:
        if rule.wish is None and not constraint.may_be:
            return None
        return constraint.client[rule.wish or 0]
    when = constraint.when
    is_yes = when is not None and practice.client[when.client].kind == "flag" and not when.has
    return when.client if when is not None and is_yes else None
