"""The moving window of calls."""

import pytest

from recommender.serving.http.rate_limiter import RateLimiter


class Clock:
    """Seconds that a test sets."""

    def __init__(self) -> None:
        self.seconds = 1_000.0

    def __call__(self) -> float:
        """The present second."""
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_that_a_caller_may_call_again_one_minute_after_the_first_call(clock: Clock) -> None:
    limiter = RateLimiter(2, clock)
    assert limiter.spend("key").headers["RateLimit"] == '"calls";r=1;t=60'
    clock.seconds += 40
    assert limiter.spend("key").headers["RateLimit"] == '"calls";r=0;t=20'
    refused = limiter.spend("key")
    assert (refused.allowed, refused.headers["Retry-After"]) == (False, "20")
    clock.seconds += 19.5
    assert limiter.spend("key").headers["Retry-After"] == "1"
    clock.seconds += 0.5
    again = limiter.spend("key")
    # The second of the first two calls still counts.
    assert (again.allowed, again.headers["RateLimit"]) == (True, '"calls";r=0;t=40')


def test_that_refused_calls_and_those_of_others_do_not_count(clock: Clock) -> None:
    limiter = RateLimiter(1, clock)
    allowed = [limiter.spend(name).allowed for name in ("one", "other", "one", "one", "other")]
    assert allowed == [True, True, False, False, False]
    clock.seconds += 60
    assert limiter.spend("one").allowed


def test_that_a_caller_who_stays_away_takes_no_memory_and_one_who_returns_is_counted(
    clock: Clock,
) -> None:
    limiter = RateLimiter(1, clock)
    for number in range(100):
        limiter.spend(f"192.0.2.{number}")
    clock.seconds += 59
    limiter.spend("late")
    clock.seconds += 1
    assert not limiter.spend("late").allowed
    assert set(limiter._times) == {"late"}
