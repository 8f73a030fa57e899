"""Every page for staff, in one tuple. Imported by `serving.app`."""

from recommender.serving.staff import asking, entrance, queue, telling

ROUTERS = (entrance.router, asking.router, telling.router, queue.router)
