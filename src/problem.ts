/**
 * Every way a control-plane request can fail, with its status (CONTRACT §1.1, §1.5).
 * Adding one here is an API change.
 */
const STATUS = {
  bad_request: 400,
  unauthorized: 401,
  forbidden: 403,
  not_found: 404,
  method_not_allowed: 405,
  conflict: 409,
  precondition_failed: 412,
  payload_too_large: 413,
  unprocessable_entity: 422,
  too_many_requests: 429,
  server_error: 500,
} as const;

export type ProblemId = keyof typeof STATUS;

/** The one error the domain throws on purpose. Anything else that escapes is a bug. */
export class Problem extends Error {
  readonly id: ProblemId;
  readonly status: (typeof STATUS)[ProblemId];
  /** Fields of the reply that belong to this failure, as `allow` on a 405. */
  readonly fields: Readonly<Record<string, string>>;

  constructor(
    id: ProblemId,
    message: string,
    options?: ErrorOptions & { readonly fields?: Readonly<Record<string, string>> },
  ) {
    super(message, options);
    this.name = "Problem";
    this.id = id;
    this.status = STATUS[id];
    this.fields = options?.fields ?? {};
  }
}

/** What a known thing that is not there answers, whatever it is and whoever it belongs to. */
export function notFound(message = "The resource you requested could not be found."): Problem {
  return new Problem("not_found", message);
}

/** The data folder's disk is full: the one failure of ours that its owner can mend. */
export function diskFull(cause: unknown): Problem {
  const message = "The disk of Atoll's data folder is full: nothing was written.";
  return new Problem("server_error", message, { cause });
}
