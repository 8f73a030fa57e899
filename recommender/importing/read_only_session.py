"""The one place from which requests leave for a practice system: it sends GET and nothing else."""

from typing import Any

import requests

READ_METHOD = "GET"


class ReadOnlySession(requests.Session):
    """A session that refuses to send anything but GET.

    Every request of a `requests.Session`, also one that follows a redirect, passes `send`.
    """

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Sends a GET without a body.

        Raises
        ------
        AssertionError
            For any other request: that is an error of the program, and nothing is sent.
        """
        if request.method != READ_METHOD or request.body is not None:
            raise AssertionError("only GET without a body is ever sent to a practice system")
        return super().send(request, **kwargs)
