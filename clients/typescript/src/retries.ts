import { errorOf } from "./errors.js";

/** How often and after how long a request is sent again; times in milliseconds. */
export interface Retries {
  /** Requests sent at most, the first included. */
  readonly attempts: number;
  /** Doubles from attempt to attempt; each wait is drawn between half of it and all of it. */
  readonly firstWait: number;
  /** `Retry-After` is waited for in full; where it is longer than this the request fails at once. */
  readonly longestWait: number;
  /** Each attempt is given up after so long. */
  readonly timeout: number;
}

export const RETRIES: Retries = { attempts: 4, firstWait: 250, longestWait: 20_000, timeout: 10_000 };

type Fetch = (request: Request) => Promise<Response>;

const KEY_HEADER = "Idempotency-Key";
// A request that was not carried out.
const NOT_DONE = new Set([429, 503]);
const READS = new Set(["GET", "HEAD", "OPTIONS"]);

/**
 * A `fetch` that sends a request until it is answered or refused, and throws `ApiError` for a refusal.
 *
 * A POST has one Idempotency-Key for all its attempts, so that it is carried out once. Another write without a key is
 * sent again only where the server says that nothing was done.
 */
export function retrying(send: Fetch, retries: Retries): Fetch {
  return async (request) => {
    if (request.method === "POST" && !request.headers.has(KEY_HEADER)) {
      request.headers.set(KEY_HEADER, crypto.randomUUID());
    }
    const repeatable = READS.has(request.method) || request.headers.has(KEY_HEADER);
    for (let attempt = 1; ; attempt += 1) {
      const last = attempt >= retries.attempts;
      let wait = waitBefore(attempt, retries);
      try {
        const response = await withTimeout(send, request.clone(), retries.timeout);
        if (response.ok) return response;
        const asked = retryAfter(response);
        if (last || !NOT_DONE.has(response.status) || asked > retries.longestWait) {
          throw new Refused(response, asked);
        }
        await response.body?.cancel();
        wait = Math.max(wait, asked);
      } catch (error) {
        if (error instanceof Refused) throw await errorOf(error.response, error.seconds);
        if (last || !repeatable || request.signal.aborted) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  };
}

class Refused {
  constructor(
    readonly response: Response,
    private readonly asked: number,
  ) {}

  get seconds(): number | undefined {
    return this.asked > 0 ? this.asked / 1000 : undefined;
  }
}

function withTimeout(send: Fetch, request: Request, timeout: number): Promise<Response> {
  const signal = AbortSignal.any([request.signal, AbortSignal.timeout(timeout)]);
  return send(new Request(request, { signal }));
}

/** Clients that were refused together must not come back together. */
function waitBefore(attempt: number, { firstWait, longestWait }: Retries): number {
  const longest = Math.min(firstWait * 2 ** (attempt - 1), longestWait);
  return longest * (0.5 + Math.random() / 2);
}

/** Milliseconds of Retry-After, a number or a date; 0 without it or where it cannot be read. */
function retryAfter(response: Response): number {
  const text = response.headers.get("Retry-After") ?? "";
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const until = Date.parse(text);
  return Number.isNaN(until) ? 0 : Math.max(0, until - Date.now());
}
