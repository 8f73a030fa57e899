"""A practice is told every fact whose absence keeps a clinician from being offered."""

from recommender.importing.offered_clinicians import facts_to_be_offered, offered_clinicians
from tests.support.exports import psychology


def test_facts_behind_every_excluding_constraint_are_needed() -> None:
    practice = psychology()
    needed = facts_to_be_offered(practice)
    for name in ("consents_to_matching", "active", "min_age", "max_age", "max_risk"):
        assert needed[name], name
    for name in ("services", "modes", "languages", "ndis_registered", "registration_type"):
        assert not needed[name], name
    # An empty list of people names nobody, and an unknown fee or therapy only marks.
    assert needed.keys().isdisjoint({"blocked_clients", "modalities", "hours"})


def test_a_clinician_who_lacks_one_fact_is_counted_out() -> None:
    practice = psychology()
    needed = facts_to_be_offered(practice)
    header = ("clinician_id", *practice.clinician)
    full = ["k-1", *("x" if name in needed else None for name in practice.clinician)]
    short: list[str | None] = [*full]
    short[header.index("max_age")] = None
    found = offered_clinicians(practice, header, [full, short])
    assert (found.clinicians, found.complete, found.lacking) == (2, 1, {"max_age": 1})
    (line,) = found.sentences()
    assert line.startswith("1 of 2 clinicians could be offered, because ")
    assert line.endswith("is not offered: max_age (empty for 1).")
    assert offered_clinicians(practice, header, [full]).sentences() == []
