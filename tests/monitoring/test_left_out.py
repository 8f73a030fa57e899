from typing import Any

from recommender.monitoring.left_out import RuleCount, requests_of_clinician

FAR = {"text": "is too far away", "unknown": False}
FEE = {"text": "charges too much", "unknown": True}


def a_response(*shown: str, eligible: int = 2, **excluded: list[Any]) -> dict[str, Any]:
    return {
        "shortlist": [{"clinician_id": each} for each in shown],
        "excluded": [
            {"clinician_id": name, "reasons": reasons} for name, reasons in excluded.items()
        ],
        "eligible": eligible,
    }


def test_each_request_is_counted_once_as_shown_left_out_or_behind() -> None:
    responses = [
        a_response("k01", "k02"),
        a_response("k02", k01=[FAR]),
        a_response("k02", k01=[FAR, FEE]),
        a_response("k02", "k03", eligible=3),
    ]
    counted = requests_of_clinician("k01", responses)
    assert (counted.requests, counted.shown, counted.left_out, counted.behind) == (4, 1, 2, 1)
    assert counted.rules == (
        RuleCount("is too far away", False, 2, 1),
        RuleCount("charges too much", True, 1, 0),
    )


def test_a_request_on_a_roster_without_the_clinician_is_not_counted() -> None:
    assert requests_of_clinician("new", [a_response("k01", "k02")]).requests == 0
