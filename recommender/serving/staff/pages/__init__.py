"""Routes of the staff pages."""

from recommender.serving.staff.pages import (
    availability,
    clinician,
    clinicians,
    decisions,
    drafts,
    model,
    my_account,
    new_request,
    pairing,
    provider_sign_in,
    request,
    sign_in,
    work_list,
)
from recommender.serving.staff.pages.owner import (
    accounts,
    audit,
    backups,
    clinician_form,
    keys,
    overview,
    privacy,
    roster,
    trial,
)

ROUTERS = (
    sign_in.router,
    provider_sign_in.router,
    my_account.router,
    new_request.router,
    drafts.router,
    request.router,
    decisions.router,
    pairing.router,
    model.router,
    clinicians.router,
    # After the page of records, whose address would be one of a clinician.
    clinician.router,
    availability.router,
    work_list.router,
    overview.router,
    audit.router,
    backups.router,
    accounts.router,
    keys.router,
    privacy.router,
    roster.router,
    clinician_form.router,
    trial.router,
)
