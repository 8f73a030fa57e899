"""Whether a mapping leaves out clients who did not agree that models learn from their ratings.

It cannot be known from the tables: it is no column of theirs.
"""

from recommender.importing.cell_values import folded
from recommender.importing.mapping_file import MappingFile

WORDS = ("agree", "consent", "learn")
"""A filter of which the column or the reason has one of these is taken to ask for agreement."""
NO_AGREEMENT = (
    "Nothing in the mapping leaves out clients who did not agree that models learn from their "
    'ratings: see "Who must be left out" in docs/importing.md.'
)


def filters_by_agreement(mapping: MappingFile) -> bool:
    """Whether a filter of the clients, or of their appointments, names agreement to learning.

    A filter of a file that only adds answers would leave the client in.
    """
    files = {*mapping.clients.rows, mapping.pairings.appointments}
    texts = [
        folded(text)
        for key in files
        for each in (*mapping.files[key].drop, *mapping.files[key].keep)
        for text in (*each.column, each.reason)
    ]
    return any(word in text for text in texts for word in WORDS)
