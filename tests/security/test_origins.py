import pytest

from recommender.errors import RecommenderError
from recommender.security.origins import MAX_ORIGINS, is_local, read_origins


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("https://www.practice.example", "https://www.practice.example"),
        ("HTTPS://WWW.Practice.example/", "https://www.practice.example"),
        ("https://www.practice.example:443", "https://www.practice.example"),
        ("https://www.practice.example:8443", "https://www.practice.example:8443"),
        ("https://xn--praxis-mller-llb.example", "https://xn--praxis-mller-llb.example"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1"),
        ("http://[::1]:5173", "http://[::1]:5173"),
    ],
)
def test_an_origin_is_read_as_browsers_send_it(written: str, read: str) -> None:
    assert read_origins([written]) == (read,)


@pytest.mark.parametrize(
    "written",
    [
        "",
        "*",
        "null",
        "www.practice.example",
        "https://",
        "https://*.practice.example",
        "https://www.practice.example/book",
        "https://www.practice.example?x=1",
        "https://name:word@www.practice.example",
        "https://www.practice.example:port",
        "https://praxis-müller.example",
        "https://www.practice.example\nhttps://other.example",
        "https://www.practice.example https://other.example",
        "ftp://www.practice.example",
        "http://www.practice.example",
        "http://localhost.practice.example",
        "https://[::1",
    ],
)
def test_what_is_no_safe_origin_is_refused_with_a_remedy(written: str) -> None:
    with pytest.raises(RecommenderError, match="https://") as refused:
        read_origins([written])
    assert written not in ("", "*", "null") or refused.value.field == "origin"


def test_a_key_declares_each_origin_once_and_not_too_many() -> None:
    assert read_origins(["https://b.example", "https://a.example", "https://b.example/"]) == (
        "https://a.example",
        "https://b.example",
    )
    for wrong in ([], [f"https://a{n}.example" for n in range(MAX_ORIGINS + 1)]):
        with pytest.raises(RecommenderError, match="must be given once for each site"):
            read_origins(wrong)


def test_pages_on_the_own_machine_are_recognised() -> None:
    local = ("http://localhost:3000", "https://app.localhost", "http://127.0.0.1", "http://[::1]")
    assert all(map(is_local, local))
    assert not is_local("https://www.practice.example")
