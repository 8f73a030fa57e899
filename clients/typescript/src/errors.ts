/** One fault of a request: a JSON pointer or the name of a header, a code and a sentence. */
export interface Fault {
  readonly pointer: string;
  readonly code: string;
  readonly message: string;
}

/** The server refused a request (RFC 9457); what was sent is never repeated. */
export class ApiError extends Error {
  override readonly name = "ApiError";
  /** Last segment of the problem's type, such as `invalid-request`; empty for another server's answer. */
  readonly problem: string;
  readonly title: string;
  readonly detail: string;
  readonly faults: readonly Fault[];

  constructor(
    /** HTTP status. */
    readonly status: number,
    document: Record<string, unknown>,
    /** Seconds after which the server asks to try again, if it does. */
    readonly retryAfter?: number,
  ) {
    const title = String(document["title"] ?? `HTTP status ${status}`);
    const faults = Array.isArray(document["errors"]) ? (document["errors"] as Fault[]) : [];
    const places = faults.map((each) => `${each.pointer ?? ""} ${each.message}`.trim()).join("; ");
    const text = places || String(document["detail"] ?? "");
    super(text ? `${status} ${title}: ${text}` : `${status} ${title}`);
    this.problem = String(document["type"] ?? "").split("/").pop() ?? "";
    this.title = title;
    this.detail = String(document["detail"] ?? "");
    this.faults = faults;
  }
}

/** The error of a refusal; the body of another kind of server is not shown. */
export async function errorOf(response: Response, retryAfter?: number): Promise<ApiError> {
  let document: unknown;
  try {
    document = await response.json();
  } catch {
    document = {};
  }
  const known = typeof document === "object" && document !== null ? document : {};
  return new ApiError(response.status, known as Record<string, unknown>, retryAfter);
}
