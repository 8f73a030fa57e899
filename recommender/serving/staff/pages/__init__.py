"""Routes of the staff pages."""

from recommender.serving.staff.pages import (
    clinicians,
    decisions,
    model,
    new_request,
    pairing,
    provider_sign_in,
    request,
    sign_in,
    work_list,
)

ROUTERS = (
    sign_in.router,
    provider_sign_in.router,
    new_request.router,
    request.router,
    decisions.router,
    pairing.router,
    model.router,
    clinicians.router,
    work_list.router,
)
