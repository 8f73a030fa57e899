"""What a client said on the phone, as the form of a new request sends it."""

from collections.abc import Mapping

Filled = Mapping[str, str | list[str]]

ANSWERS: Filled = {
    "client_id": "c4711",
    "answer.main_concern": "anxiety",
    "answer.concerns": ["anxiety", "stress_burnout"],
    "answer.gad7": "13",
    "answer.phq9": "9",
    "answer.cnip_directiveness": "6",
    "answer.cnip_support": "3",
    "answer.modalities_wanted": ["act", "cbt"],
    "answer.languages_needed": ["english"],
    "answer.age_years": "34",
    "answer.service": "individual",
    "answer.risk_level": "level_2",
    "answer.funding": "medicare",
    "answer.referral_held": "yes",
    "answer.rebates_left": "10",
    "answer.max_fee": "240",
    "answer.modes_wanted": ["in_person"],
    "answer.home": "-33.898, 151.179",
    "answer.max_km": "12",
    "answer.jurisdiction": "nsw",
    "answer.hours_free.times": "Mon 17-20; Tue 9-12:30; Thu 1-8 pm",
    "answer.model_consent": "yes",
}
