// What a matching tool does: `node sample.js < request.json` prints what it saw as JSON.
import { readFileSync } from "node:fs";
import { ApiError, Client, type RecommendationRequest } from "@recommender/client";

const { RECOMMENDER_URL: url = "", RECOMMENDER_KEY: key = "" } = process.env;
const asked = JSON.parse(readFileSync(0, "utf-8")) as RecommendationRequest;
const client = new Client({ url, key });

const found = await client.recommend(asked, { include: ["relaxations"] });
const changes = found.relaxations?.map((change) => change.text);

// The form was sent twice: the second time nothing new is computed or recorded.
const first = await client.recommend(asked, { idempotencyKey: "form-17" });
const second = await client.recommend(asked, { idempotencyKey: "form-17" });
const again = await client.recommendation(first.recommendation_id);
const same = [second, again].every((each) => JSON.stringify(each) === JSON.stringify(first));

const made = new Set([found.recommendation_id, first.recommendation_id]);
for (let sent = 0; sent < 3; sent += 1) made.add((await client.recommend(asked)).recommendation_id);
const listed: string[] = [];
for await (const each of client.recommendations({ limit: 2 })) listed.push(each.recommendation_id);

const problem = await client.recommendation("none").then(
  () => undefined,
  (error: unknown) => (error instanceof ApiError ? error.problem : undefined),
);
console.log(
  JSON.stringify({
    changes,
    each_once: listed.length === made.size && listed.every((each) => made.has(each)),
    listed: listed.length,
    problem,
    same,
    shown: found.shortlist.map((each) => each.name),
  }),
);
