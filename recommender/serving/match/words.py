"""Numbers and times as people read them."""


def dial(telephone: str) -> str:
    """A telephone number as a link has it.

    >>> dial("(02) 5550 0100")
    '0255500100'
    """
    return "".join(sign for sign in telephone if sign.isdigit() or sign == "+")


def clock(time: str) -> str:
    """A time of day as people say it.

    >>> clock("08:00"), clock("12:00"), clock("17:30"), clock("24:00")
    ('8 am', 'noon', '5.30 pm', 'midnight')
    """
    if time in ("12:00", "24:00", "00:00"):
        return "noon" if time == "12:00" else "midnight"
    hour, minutes = int(time[:2]), time[3:]
    past = "" if minutes == "00" else f".{minutes}"
    return f"{(hour - 1) % 12 + 1}{past} {'am' if hour < 12 else 'pm'}"
