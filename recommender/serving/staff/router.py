"""Every page for staff, in one tuple. Imported by `serving.app`."""

from recommender.serving.staff import htmx
from recommender.serving.staff.pages import (
    clinicians,
    decisions,
    model,
    model_card,
    new_request,
    pairing,
    request,
    sign_in,
    work_list,
)

ROUTERS = (
    sign_in.router,
    new_request.router,
    request.router,
    decisions.router,
    pairing.router,
    model.router,
    model_card.router,
    clinicians.router,
    work_list.router,
    htmx.router,
)
