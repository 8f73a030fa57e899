import createClient, { type Client as Api } from "openapi-fetch";
import { RETRIES, type Retries, retrying } from "./retries.js";
import type { components, paths } from "./schema.js";

export { ApiError, type Fault } from "./errors.js";
export { RETRIES, type Retries } from "./retries.js";
export type { components, paths } from "./schema.js";

type Schemas = components["schemas"];
export type Recommendation = Schemas["RecommendationResponse"];
export type RecommendationRequest = Schemas["RecommendationRequest"];

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
}
