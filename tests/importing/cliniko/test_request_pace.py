from recommender.importing.cliniko.request_pace import MINUTE, RequestPace


def test_only_a_long_wait_is_named() -> None:
    now = [0.0]
    lines: list[str] = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = RequestPace(2, lambda: now[0], sleep, lines.append)
    pace.wait()
    now[0] += 57.0
    for _ in range(3):
        pace.wait()
    assert lines == ["2 requests were sent within a minute: waiting 57 s"]


def test_no_minute_has_more_requests_than_allowed() -> None:
    now = [0.0]
    sent = []

    def sleep(seconds: float) -> None:
        now[0] += seconds

    pace = RequestPace(180, lambda: now[0], sleep)
    for _ in range(1000):
        pace.wait()
        sent.append(now[0])
        now[0] += 0.05
    for moment in sent:
        assert sum(moment <= each < moment + MINUTE for each in sent) <= 180
