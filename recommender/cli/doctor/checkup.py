"""Every check, in the order a person would mend what they find. Imported by `commands`."""

from collections.abc import Callable, Iterator

from recommender.cli.doctor.deployment import Deployment
from recommender.cli.doctor.environment_checks import (
    check_clock,
    check_port,
    check_registry,
    check_settings,
)
from recommender.cli.doctor.files import (
    check_bundle,
    check_definition,
    check_permissions,
    check_roster,
    check_space,
)
from recommender.cli.doctor.security_checks import (
    check_keys,
    check_open,
    check_passwords,
    check_pepper,
    check_store,
)
from recommender.errors import Fault

CHECKS: tuple[Callable[[Deployment], Iterator[Fault]], ...] = (
    check_settings,
    check_open,
    check_bundle,
    check_definition,
    check_roster,
    check_store,
    check_permissions,
    check_pepper,
    check_keys,
    check_passwords,
    check_registry,
    check_clock,
    check_space,
    check_port,
)


def run_checks(found: Deployment) -> tuple[Fault, ...]:
    """Everything that is wrong with a deployment; nothing when all is well."""
    return tuple(fault for check in CHECKS for fault in check(found))
