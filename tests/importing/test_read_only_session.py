import pytest

from experiments.cliniko_sync.invented_account import AccountSize, invented_account
from experiments.cliniko_sync.local_cliniko import serving
from recommender.importing.read_only_session import ReadOnlySession

SMALL = AccountSize(practitioners=2, appointments=5, inactive=0, blocks=1)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "get"])
def test_nothing_but_a_get_is_ever_sent(method: str) -> None:
    with serving(invented_account(SMALL, 1)) as cliniko, ReadOnlySession() as session:
        if method == "get":
            session.request(method, f"{cliniko.address}/businesses")
            assert cliniko.methods == {"GET"}
            return
        with pytest.raises(AssertionError, match="only GET"):
            session.request(method, f"{cliniko.address}/businesses")
        assert cliniko.received == []


def test_a_get_with_a_body_is_not_sent() -> None:
    with serving(invented_account(SMALL, 1)) as cliniko, ReadOnlySession() as session:
        with pytest.raises(AssertionError, match="without a body"):
            session.get(f"{cliniko.address}/businesses", json={"name": "changed"})
        assert cliniko.received == []
