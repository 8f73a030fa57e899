"""Which order a client is shown: drawn from the trial's seed and the client's key.

The draw is simple randomisation: with some hundred clients the arms are of nearly equal size, and
nobody who knows earlier arms can tell the next one (Schulz & Grimes 2002, Lancet 359:515).
"""

import hashlib
from typing import Literal

Arm = Literal["model", "usual"]
MODEL: Arm = "model"
USUAL: Arm = "usual"


def arm_of(seed: str, key: str, chance: float) -> Arm:
    """The arm of one client: the same whenever the client asks again.

    Parameters
    ----------
    seed
        Of the trial; who knows it can compute arms, so it stays in the database.
    key
        The client's pseudonym, or the id of their first request.
    chance
        Of the model's order, 0 to 1.

    Examples
    --------
    >>> [arm_of("seed", f"client {number}", 0.5) for number in range(5)]
    ['usual', 'usual', 'usual', 'usual', 'model']
    """
    first = hashlib.sha256(f"{seed}/{key}".encode()).digest()[:8]
    return MODEL if int.from_bytes(first) / 2**64 < chance else USUAL
