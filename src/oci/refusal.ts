/** The specification's error codes, and CNCF distribution's for what it leaves out, with their status. */
const STATUS = {
  BLOB_UNKNOWN: 404,
  BLOB_UPLOAD_INVALID: 400,
  BLOB_UPLOAD_UNKNOWN: 404,
  DIGEST_INVALID: 400,
  MANIFEST_BLOB_UNKNOWN: 400,
  MANIFEST_INVALID: 400,
  MANIFEST_UNKNOWN: 404,
  NAME_INVALID: 400,
  NAME_UNKNOWN: 404,
  PAGINATION_NUMBER_INVALID: 400,
  RANGE_INVALID: 416,
  SIZE_INVALID: 400,
  TAG_INVALID: 400,
  UNAUTHORIZED: 401,
  DENIED: 403,
  UNSUPPORTED: 405,
  TOOMANYREQUESTS: 429,
  UNKNOWN: 500,
} as const;

export type ErrorCode = keyof typeof STATUS;

/** One of several things that are wrong, of one kind. */
interface FurtherError {
  readonly message: string;
  readonly detail: unknown;
}

interface RefusalOptions extends ErrorOptions {
  /** Where the code's own is not the one, as 416 for a chunk out of order. */
  readonly status?: number;
  /** For programs: what the message is about. */
  readonly detail?: unknown;
  /** More of the same code. */
  readonly further?: readonly FurtherError[];
  /** Fields of the reply that belong to it, as `www-authenticate`. */
  readonly fields?: Readonly<Record<string, string>>;
}

/** What the registry refuses, in the specification's words. One writer makes its body. */
export class Refusal extends Error {
  readonly code: ErrorCode;
  readonly status: number;
  readonly detail: unknown;
  readonly further: readonly FurtherError[];
  readonly fields: Readonly<Record<string, string>>;

  constructor(code: ErrorCode, message: string, options: RefusalOptions = {}) {
    super(message, options);
    this.name = "Refusal";
    this.code = code;
    this.status = options.status ?? STATUS[code];
    this.detail = options.detail;
    this.further = options.further ?? [];
    this.fields = options.fields ?? {};
  }
}
