"""How many cases properties are tried on."""

import os

_ALL = os.environ.get("EXAMPLES") == "all"


def examples(few: int, all_of_them: int) -> int:
    """The small number, or all with `EXAMPLES=all` in the environment, as `make trust` has it.

    A fault that one case in ten shows is missed by 25 cases once in 14, by 60 once in 560.
    """
    return all_of_them if _ALL else few
