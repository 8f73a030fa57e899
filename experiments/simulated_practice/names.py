"""Display names for invented clinicians.

Initials and plant names, so that no name suggests a gender, a language or a real person.
"""

from experiments.simulated_practice.draws import Random

PLANTS = (
    "Acacia Alder Almond Aspen Aster Bamboo Banksia Bay Beech Birch Boronia Bracken Bramble Briar "
    "Calla Camellia Caraway Cassia Cedar Celery Chicory Clover Coral Correa Cypress Dahlia Daphne "
    "Dill Elder Elm Fennel Fern Fig Flax Gorse Grevillea Hakea Hawthorn Hazel Heath Holly Hop Iris "
    "Ivy Jarrah Juniper Karri Kauri Laurel Lavender Lilac Linden Lotus Maple Marri Melaleuca "
    "Mulberry Myrtle Nettle Nutmeg Oak Olive Orchid Palm Pea Pine Plum Poplar Protea Quince Reed "
    "Rowan Rush Saffron Sage Sedge Sorrel Spruce Sumac Tamarind Tansy Teak Thistle Thyme Tulip "
    "Verbena Violet Waratah Wattle Willow Yarrow Yew Zinnia"
)
INITIALS = "ABCDEFGHJKLMNPRSTVWZ"


def display_names(rng: Random, size: int) -> list[str]:
    """Names such as `R. Banksia`, all different while the list lasts, then numbered."""
    every = [f"{initial}. {plant}" for plant in PLANTS.split() for initial in INITIALS]
    order = rng.permutation(len(every))
    return [
        every[order[row % len(every)]] + ("" if row < len(every) else f" {row // len(every) + 1}")
        for row in range(size)
    ]
