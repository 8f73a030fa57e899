"""What a matching tool does: `sample.py < request.json` prints what it saw as JSON."""

import json
import os
import sys

from recommender_client import Client, NotFoundError

asked = json.load(sys.stdin)
saw: dict[str, object] = {}
with Client(os.environ["RECOMMENDER_URL"], os.environ["RECOMMENDER_KEY"]) as client:
    found = client.recommend(asked, include=["relaxations"])
    saw["shown"] = [shown.name for shown in found.shortlist]
    saw["changes"] = [change.text for change in found.relaxations]

    # The form was sent twice: the second time nothing new is computed or recorded.
    sent = [client.recommend(asked, idempotency_key="form-17") for _ in range(2)]
    again = client.recommendation(sent[0].recommendation_id)
    saw["same"] = sent[0] == sent[1] == again

    made = {client.recommend(asked).recommendation_id for _ in range(3)}
    made |= {found.recommendation_id, again.recommendation_id}
    listed = [each.recommendation_id for each in client.recommendations(limit=2)]
    saw["listed"] = len(listed)
    saw["each_once"] = set(listed) == made and len(listed) == len(made)

    try:
        client.recommendation("none")
    except NotFoundError as error:
        saw["problem"] = error.problem
sys.stdout.write(f"{json.dumps(saw, sort_keys=True)}\n")
