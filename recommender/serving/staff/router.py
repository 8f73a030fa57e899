"""Every page for staff, in one tuple. Imported by `serving.app`."""

from recommender.serving.staff import (
    asking,
    checking,
    deciding,
    documenting,
    entrance,
    following,
    overseeing,
    queue,
    script,
    telling,
)

ROUTERS = (
    entrance.router,
    asking.router,
    telling.router,
    deciding.router,
    following.router,
    checking.router,
    documenting.router,
    overseeing.router,
    queue.router,
    script.router,
)
