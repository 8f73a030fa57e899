"""Who waits, and what the practice owes each: a class, a weight, a promise already made.

Imported by `case` and above.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np

from recommender.allocation.problem import Places
from recommender.errors import Fault, IntakeError


@dataclass(frozen=True, slots=True)
class WaitingClient:
    """One client on the list.

    Attributes
    ----------
    client_id
        Pseudonym, as in the clients' table.
    priority
        Class, 1 the first: whoever is in an earlier one gets a place before anybody in a later.
    weight
        What a point of this client's alliance counts beside another's.
    since
        Day they began to wait, if known.
    told
        Clinician they were told already: nothing moves them.
    previous
        Clinician an earlier allocation gave them, without telling: kept where it costs no more
        than `recommender.allocation.terms.Terms.stay`.
    """

    client_id: str
    priority: int = 1
    weight: float = 1.0
    since: date | None = None
    promised_clinician_id: str | None = None
    former_clinician_id: str | None = None


def check_list(waiting: Sequence[WaitingClient], clinicians: Sequence[str]) -> None:
    """Refuses a list that nobody could keep to.

    Raises
    ------
    IntakeError
        With everything that is wrong: a client twice, a clinician not on the roster, a class or a
        weight that cannot be one.
    """
    faults: list[Fault] = []
    seen: set[str] = set()
    known = set(clinicians)
    for number, each in enumerate(waiting, start=1):
        where = f"row {number}, "
        if each.client_id in seen:
            faults.append(Fault(f"{where}client_id", "is there twice", "keep one row a client"))
        seen.add(each.client_id)
        if each.promised_clinician_id is not None and each.promised_clinician_id not in known:
            remedy = "mend it, or leave it empty so that somebody else is found"
            faults.append(Fault(f"{where}told", "is not on the roster", remedy))
        if each.priority < 1:
            faults.append(Fault(f"{where}priority", "is below 1", "number classes from 1"))
        if not 0 < each.weight <= HEAVIEST:
            remedy = f"give a weight above 0, at most {HEAVIEST}"
            faults.append(Fault(f"{where}weight", "is out of bounds", remedy))
    if faults:
        raise IntakeError(faults)


def ranks_of(waiting: Sequence[WaitingClient], longest_wait_days: int | None, day: date) -> Places:
    """Before whom each gets a place, from 0: whoever waited too long, then class by class."""
    late = [
        longest_wait_days is not None
        and each.since is not None
        and (day - each.since).days >= longest_wait_days
        for each in waiting
    ]
    classes = [0 if too_long else each.priority
               for too_long, each in zip(late, waiting, strict=True)]  # fmt: skip
    return np.unique(np.array(classes, dtype=np.intp), return_inverse=True)[1].reshape(-1)


HEAVIEST = 100
"""Beyond it a weight is a class: say so with `priority`."""
