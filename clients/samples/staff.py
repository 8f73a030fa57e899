"""What a practice's own system does, with a key of role `staff`.

`staff.py URL KEY < request.json` prints what it was answered as JSON. The package generated
from the whole contract must be importable as `generated`.
"""

import json
import sys
from datetime import date

from generated import AuthenticatedClient
from generated.api.decisions import record_decision
from generated.api.pairings import get_pairing, record_event, record_pairing
from generated.api.ratings import correct_rating, get_rating, record_rating
from generated.api.recommendations import get_recommendation, predict, recommend
from generated.models import (
    CorrectionRequest,
    DecisionRequest,
    EventRequest,
    EventRequestKind,
    PairingRequest,
    PredictionRequest,
    Problem,
    RatingRequest,
    RatingRequestMetric,
    RecommendationRequest,
)

url, key = sys.argv[1:]
client = AuthenticatedClient(base_url=url, token=key)
asked = json.load(sys.stdin)
told = {}

body = RecommendationRequest.from_dict(asked)
made = recommend.sync(client=client, body=body, idempotency_key="python-1")
again = recommend.sync(client=client, body=body, idempotency_key="python-1")
read = get_recommendation.sync(made.recommendation_id, client=client)
told["same"] = made == again == read
first = made.shortlist[0].clinician_id

named = PredictionRequest.from_dict(asked | {"clinician_ids": [first]})
predicted = predict.sync(client=client, body=named).pairings[0].predicted_alliance
told["predicted"] = predicted == made.shortlist[0].predicted_alliance

chosen = record_decision.sync(
    made.recommendation_id, client=client, body=DecisionRequest(clinician_id=first)
)
told["chosen"] = chosen.clinician_id == first
about = PairingRequest("python-p", "python-c", first, recommendation_id=made.recommendation_id)
record_pairing.sync(client=client, body=about)
event = EventRequest(EventRequestKind.ATTENDED, date(2026, 10, 5), session=1)
record_event.sync("python-p", client=client, body=event)
told["started_on"] = get_pairing.sync("python-p", client=client).started_on.isoformat()

scored = RatingRequest(
    "python-p", 3, "wai_sr", RatingRequestMetric.SUM, date(2026, 10, 20), score=48
)
rated = record_rating.sync(client=client, body=scored)
correction = CorrectionRequest(1, "typed_wrongly", rating=None)
correct_rating.sync(rated.rating_id, client=client, body=correction)
versions = get_rating.sync(rated.rating_id, client=client).versions
told["versions"] = [version.withdrawn for version in versions]

missing = get_recommendation.sync("none", client=client)
told["problem"] = missing.type_ if isinstance(missing, Problem) else None
sys.stdout.write(f"{json.dumps(told, sort_keys=True)}\n")
