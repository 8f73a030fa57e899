"""Names of the roles of accounts, and what each role is for."""

from collections.abc import Mapping

from recommender.security.scopes import Role

ROLE_NAMES: Mapping[Role, str] = {
    Role.STAFF: "Intake",
    Role.SCIENTIST: "Data",
    Role.ADMIN: "Owner",
}
ROLE_HELP: Mapping[Role, str] = {
    Role.STAFF: "asks who fits, decides, books and enters ratings",
    Role.SCIENTIST: "reads models and clinicians' records, without clients or names",
    Role.ADMIN: "changes roster, accounts and keys, and answers privacy requests",
}
