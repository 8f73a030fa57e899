"""Every page for staff, in one tuple. Imported by `serving.app`."""

from recommender.serving.staff import (
    asking,
    deciding,
    entrance,
    following,
    measuring,
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
    measuring.router,
    queue.router,
    script.router,
)
