"""The mappings that ship with the package."""

from importlib.resources import files
from pathlib import Path

from recommender.errors import Fault
from recommender.importing.mapping_file import MappingError, MappingFile, read_mapping
from recommender.values.near_names import with_near_name

FOLDER = files("recommender") / "importing" / "shipped"


def shipped_names() -> tuple[str, ...]:
    """The names of the shipped mappings, sorted."""
    names = (each.name for each in FOLDER.iterdir())
    return tuple(sorted(name.removesuffix(".toml") for name in names if name.endswith(".toml")))


def shipped_mapping_text(name: str) -> str:
    """The text of a shipped mapping, to be copied and edited.

    Raises
    ------
    MappingError
        When none has this name.
    """
    if name not in shipped_names():
        remedy = f"name one of {', '.join(shipped_names())}, or a TOML file"
        remedy = with_near_name(name, shipped_names(), remedy)
        raise MappingError([Fault(name, "is not a shipped mapping", remedy)])
    return (FOLDER / f"{name}.toml").read_text(encoding="utf-8")


def how_to_edit(name: str, setting: str) -> str:
    """How to change a setting of a mapping, to follow a remedy; "" for one of the practice's own.

    >>> how_to_edit("my-mapping.toml", "files.visits")
    ''
    """
    if name.endswith(".toml"):
        return ""
    return (
        f": recommender import show {name} > my-mapping.toml, edit {setting} in it, then "
        f"recommender import files my-mapping.toml FILES (in place of {name})"
    )


def mapping_named(name: str) -> MappingFile:
    """The mapping in a file `NAME.toml`, or the shipped one of that name.

    Raises
    ------
    MappingError
        When there is none, or with everything that is wrong with its form.
    """
    if not name.endswith(".toml"):
        return read_mapping(shipped_mapping_text(name), name)
    path = Path(name)
    try:
        return read_mapping(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError:
        remedy = "check the path; `recommender import list` has the shipped mappings"
        raise MappingError([Fault(name, "does not exist", remedy)]) from None
    except (OSError, UnicodeDecodeError):
        remedy = "name a readable UTF-8 TOML file"
        raise MappingError([Fault(name, "cannot be read as text", remedy)]) from None
