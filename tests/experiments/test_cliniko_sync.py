import pytest

from experiments.cliniko_sync.__main__ import main


@pytest.mark.long
@pytest.mark.slow
def test_a_small_practice_is_synchronised_alike_after_being_killed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    small = ["--appointments", "400", "--practitioners", "6", "--kills", "3"]
    assert main(small) == 0, capsys.readouterr().out
