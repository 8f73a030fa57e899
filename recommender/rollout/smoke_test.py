"""Opens one bundle and ends: `python -m recommender.rollout.smoke_test BUNDLE`.

Ends with 0 where it may be loaded and with `REFUSED` where it is refused; with anything else where
the process came to harm. Started by `follower`.
"""

import sys
from pathlib import Path

from recommender.errors import BundleError

REFUSED = 3
"""Not 1, with which Python ends at an error nobody foresaw."""


def main() -> None:
    """Loads the bundle of the command line."""
    # Late: `follower` wants the word `REFUSED` and nothing of what opens a bundle.
    from recommender.model.bundle.io import load_bundle

    try:
        load_bundle(Path(sys.argv[1]))
    except BundleError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(REFUSED)


if __name__ == "__main__":
    main()
