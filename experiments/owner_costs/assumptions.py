"""What an estimate assumes: clients, plans of a provider, hours of people; read from TOML."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

SHIPPED = Path(__file__).with_name("assumptions.toml")

Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class PracticeVolume(_Table):
    """New clients of each clinician in a month, requests for each, and the share who rate."""

    clients_a_month: Positive
    requests_a_client: Positive
    rated_share: Annotated[float, Field(gt=0, le=1)]


class Plan(_Table):
    """A machine that can be rented, and its price in a month."""

    cores: Annotated[int, Field(gt=0)]
    memory_gib: Positive
    disk_gib: Positive
    a_month: NotNegative


class MachineChoice(_Table):
    """Plans of one provider, where their prices are from, and what else is on the machine."""

    currency: str
    source: str
    read_on: date
    system_mib: NotNegative
    backups: Annotated[int, Field(ge=1)]
    plans: Annotated[tuple[Plan, ...], Field(min_length=1)]


class WorkHours(_Table):
    """Hours of one kind of person.

    Attributes
    ----------
    once, a_clinician
        In the first year: in all, and for each clinician.
    a_year, minutes_a_client
        In each year: in all, and minutes for each new client.
    """

    who: str
    what: str
    once: NotNegative = 0
    a_year: NotNegative = 0
    a_clinician: NotNegative = 0
    minutes_a_client: NotNegative = 0


class Assumptions(_Table):
    """Everything that is assumed and not measured."""

    practice: PracticeVolume
    machine: MachineChoice
    hours: Annotated[tuple[WorkHours, ...], Field(min_length=1)]


def read_assumptions(path: Path = SHIPPED) -> Assumptions:
    """The assumptions of a file.

    Raises
    ------
    SystemExit
        With every fault of the file and its place, where it cannot be used.
    """
    try:
        return Assumptions.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, tomllib.TOMLDecodeError) as error:
        raise SystemExit(
            f"{path}: {error}; copy {SHIPPED.name} of this folder and change it"
        ) from None
    except ValidationError as error:
        faults = [
            f"{path}: {'.'.join(map(str, fault['loc']))}: {fault['msg']}"
            for fault in error.errors(include_input=False)
        ]
        raise SystemExit("\n".join(faults)) from None
