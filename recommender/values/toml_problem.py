"""What is wrong with a text that is not TOML, in words of the person who wrote it."""

import re

_LINE = re.compile(r"\(at line ([0-9]+), column [0-9]+\)")
_BARE_WORD = re.compile(r"""\s*([\w.-]+)\s*=\s*([A-Za-z][^"'#\[\]{}=]*?)\s*(?:#.*)?""")
_NAMES = re.compile(r"\(('[^()]*'),?\)")


def toml_problem(text: str, error: ValueError | RecursionError) -> tuple[str, str]:
    """The problem of a text that `tomllib` refuses with an error, and the remedy.

    >>> import tomllib
    >>> text = "timezone = Australia/Sydney"
    >>> try:
    ...     tomllib.loads(text)
    ... except ValueError as error:
    ...     print(toml_problem(text, error)[1])
    put the text in quotes: timezone = "Australia/Sydney"
    """
    message = _NAMES.sub(_table_name, str(error))
    return f"is not TOML: {message}", _remedy(text, message)


def _remedy(text: str, message: str) -> str:
    if "twice" in message:
        return "give one of the two another name, or remove it"
    lines = text.splitlines()
    numbers = [int(number) for number in _LINE.findall(message)]
    bare = [_BARE_WORD.fullmatch(lines[n - 1]) for n in numbers if n <= len(lines)]
    if not bare or bare[0] is None:
        return "fix that line"
    key, value = bare[0].groups()
    if value.lower() in ("true", "false"):
        return f"write {key} = {value.lower()}"
    return f'put the text in quotes: {key} = "{value}"'


def _table_name(found: re.Match[str]) -> str:
    """A path of names as a definition writes it, for the tuple that Python prints."""
    names = re.findall(r"'([^']*)'", found[1])
    return f"[{'.'.join(names)}]"
