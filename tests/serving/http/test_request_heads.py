import pytest

from recommender.serving.http.raw_headers import Header
from recommender.serving.http.request_heads import is_answered

HOST = (b"host", b"localhost")


@pytest.mark.parametrize(
    ("version", "method", "target", "headers"),
    [
        ("1.1", b"GET", b"/", [HOST]),
        ("1.0", b"GET", b"/", [HOST]),
        ("1.0", b"GET", b"/", []),
        ("1.1", b"OPTIONS", b"*", [HOST]),
        ("1.1", b"POST", b"/a?b", [HOST, (b"transfer-encoding", b"Chunked")]),
    ],
)
def test_a_head_that_is_read_in_one_way_is_answered(
    version: str, method: bytes, target: bytes, headers: list[Header]
) -> None:
    assert is_answered(version, method, target, headers)


@pytest.mark.parametrize(
    ("version", "method", "target", "headers"),
    [
        ("0.9", b"GET", b"/", [HOST]),
        ("2.0", b"GET", b"/", [HOST]),
        ("1.1", b"CONNECT", b"/", [HOST]),
        ("1.1", b"GET", b"http://localhost/", [HOST]),
        ("1.1", b"GET", b"*/", [HOST]),
        ("1.1", b"GET", b"/#a", [HOST]),
        ("1.1", b"GET", b"", [HOST]),
        ("1.1", b"GET", b"/", []),
        ("1.1", b"GET", b"/", [HOST, HOST]),
        ("1.0", b"GET", b"/", [HOST, HOST]),
        ("1.1", b"POST", b"/", [HOST, (b"transfer-encoding", b"gzip, chunked")]),
        ("1.1", b"POST", b"/", [HOST, *[(b"transfer-encoding", b"chunked")] * 2]),
    ],
)
def test_a_head_that_proxies_and_this_server_may_read_differently_is_not_answered(
    version: str, method: bytes, target: bytes, headers: list[Header]
) -> None:
    assert not is_answered(version, method, target, headers)
