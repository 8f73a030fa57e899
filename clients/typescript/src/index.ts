import createClient, { type Client as Api } from "openapi-fetch";
import { RETRIES, type Retries, retrying } from "./retries.js";
import type { components, paths } from "./schema.js";

export { ApiError, type Fault } from "./errors.js";
export { RETRIES, type Retries } from "./retries.js";
export type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
type List = paths["/v1/recommendations"]["get"];
export type Recommendation = Schemas["RecommendationResponse"];
export type RecommendationRequest = Schemas["RecommendationRequest"];
export type RecommendationSummary = Schemas["RecommendationSummary"];
export type Filters = NonNullable<List["parameters"]["query"]>;
/** Parts of a recommendation that are absent unless they are asked for. */
export type Part = NonNullable<
  NonNullable<paths["/v1/recommendations"]["post"]["parameters"]["query"]>["include"]
>[number];

export interface Options {
  /** Address of the server, with its path behind a proxy if it has one. */
  readonly url: string;
  /** A key of the server, `rk_...`; it appears in no error and no property. */
  readonly key: string;
  readonly retries?: Partial<Retries>;
  /** Sends one request; the global `fetch` by default. */
  readonly fetch?: (request: Request) => Promise<Response>;
}

/** Calls one recommender server. Every call that is refused throws `ApiError`. */
export class Client {
  /** All operations of the contract, typed; with the same key, retries and errors. */
  readonly api: Api<paths>;

  constructor({ url, key, retries, fetch }: Options) {
    const send = fetch ?? ((request: Request) => globalThis.fetch(request));
    this.api = createClient<paths>({
      baseUrl: url,
      headers: { Authorization: `Bearer ${key}` },
      fetch: retrying(send, { ...RETRIES, ...retries }),
    });
  }

  /**
   * Asks for one client's shortlist, which the server records.
   *
   * With an `idempotencyKey` of your own, stored with the form, a program that starts anew gets the recommendation of
   * its first attempt. Without it, retries of this call share a new one.
   */
  async recommend(
    body: RecommendationRequest,
    { include, idempotencyKey }: { include?: Part[]; idempotencyKey?: string } = {},
  ): Promise<Recommendation> {
    const header = idempotencyKey === undefined ? {} : { "Idempotency-Key": idempotencyKey };
    const params = { header, query: include === undefined ? {} : { include } };
    return given(await this.api.POST("/v1/recommendations", { params, body }));
  }

  /** Reads a recommendation again, as it was computed. */
  async recommendation(id: string, { include }: { include?: Part[] } = {}): Promise<Recommendation> {
    const query = include === undefined ? {} : { include };
    const params = { path: { recommendation_id: id }, query };
    return given(await this.api.GET("/v1/recommendations/{recommendation_id}", { params }));
  }

  /** Every recommendation of this key, newest first; pages are read as they are needed. */
  async *recommendations(filters: Filters = {}): AsyncGenerator<RecommendationSummary> {
    let query = filters;
    for (;;) {
      const page = given(await this.api.GET("/v1/recommendations", { params: { query } }));
      yield* page.recommendations;
      if (page.next === null) return;
      // Only the cursor: the address is the server's own, which a proxy may show elsewhere.
      query = { ...filters, cursor: new URLSearchParams(page.next.split("?")[1]).get("cursor") };
    }
  }
}

/** A refusal was thrown before, so that an answer without data is none of this contract. */
function given<T>(answer: { data?: T }): T {
  if (answer.data === undefined) throw new Error("the server's answer has no content");
  return answer.data;
}
