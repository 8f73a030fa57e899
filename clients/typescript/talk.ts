// Asks a live server through types generated from its contract: `node talk.js URL KEY < request.json`.
// Prints what it was answered as JSON.
import { readFileSync } from "node:fs";
import createClient from "openapi-fetch";
import type { components, paths } from "./api.js";

type Request = components["schemas"]["RecommendationRequest"];

const [url, key] = process.argv.slice(2);
const asked = JSON.parse(readFileSync(0, "utf-8")) as Request;
const client = createClient<paths>({ baseUrl: url, headers: { Authorization: `Bearer ${key}` } });

function given<T>(answer: { data?: T; error?: unknown }): T {
  if (answer.data === undefined) throw new Error(JSON.stringify(answer.error));
  return answer.data;
}

const header = { "Idempotency-Key": "typescript-1" };
const send = () =>
  client.POST("/v1/recommendations", { params: { header, query: {} }, body: asked });
const made = given(await send());
const again = given(await send());
const path = { recommendation_id: made.recommendation_id };
const read = given(await client.GET("/v1/recommendations/{recommendation_id}", { params: { path } }));
const shown = made.shortlist[0]!;
const first = shown.clinician_id;

const { top_k: _, consent: __, ...rest } = asked;
const named = { ...rest, clinician_ids: [first] };
const predicted = given(await client.POST("/v1/predictions", { body: named })).pairings[0]!;

const chosen = given(
  await client.POST("/v1/recommendations/{recommendation_id}/decisions", {
    params: { path },
    body: { clinician_id: first },
  }),
);
const pairing = { pairing_id: "typescript-p", client_id: "typescript-c", clinician_id: first };
given(await client.POST("/v1/pairings", { body: { ...pairing, ...path } }));
const at = { path: { pairing_id: pairing.pairing_id } };
given(
  await client.POST("/v1/pairings/{pairing_id}/events", {
    params: at,
    body: { kind: "attended", happened_on: "2026-10-05", session: 1 },
  }),
);
const course = given(await client.GET("/v1/pairings/{pairing_id}", { params: at }));

const rated = given(
  await client.POST("/v1/ratings", {
    body: {
      pairing_id: pairing.pairing_id,
      session: 3,
      instrument: "wai_sr",
      metric: "sum",
      score: 48,
      rated_on: "2026-10-20",
    },
  }),
);
const of = { path: { rating_id: rated.rating_id } };
given(
  await client.POST("/v1/ratings/{rating_id}/corrections", {
    params: of,
    body: { expected_version: 1, reason: "typed_wrongly", rating: null },
  }),
);
const history = given(await client.GET("/v1/ratings/{rating_id}", { params: of }));

const missing = await client.GET("/v1/recommendations/{recommendation_id}", {
  params: { path: { recommendation_id: "none" } },
});
const same = [again, read].every((each) => JSON.stringify(each) === JSON.stringify(made));
console.log(
  JSON.stringify({
    chosen: chosen.clinician_id === first,
    predicted: predicted.predicted_alliance === shown.predicted_alliance,
    problem: missing.error?.type ?? null,
    same,
    started_on: course.started_on,
    versions: history.versions.map((version) => version.withdrawn),
  }),
);
