/** A request that is explained, and not served. */
export interface ExplainedRequest {
  /** Over TLS, and not in the clear. */
  readonly isTls: boolean;
  /** As the Host field has it. */
  readonly host: string;
  /** Path and query. */
  readonly target: string;
  readonly method: string;
  /** Names in lower case and values, alternating; Host is not among them. */
  readonly fields: readonly string[];
}

/** A question for what would become of a request. */
export interface ExplainQuery {
  readonly request: ExplainedRequest;
  /** Milliseconds since the epoch: the same for all who are asked. */
  readonly now: number;
}

/** What is decided about, in the order in which it is. */
export type ExplainedStepName =
  | "request"
  | "tls"
  | "endpoint"
  | "gate"
  | "key"
  | "lookup"
  | "stored"
  | "answer"
  | "origin"
  | "storage";

/** One step, in words. */
export interface ExplainedStep {
  readonly step: ExplainedStepName;
  /** At least one. */
  readonly lines: readonly string[];
}

/** What one worker would do. */
export interface ExplainAnswer {
  /** Of the endpoint that the request is for; absent: there is none. */
  readonly endpointId?: string;
  /** The host is a name of the platform's own: of that everybody may know. */
  readonly isPlatform?: boolean;
  /** What is decided before anything is looked for: the same in all workers. */
  readonly decided: readonly ExplainedStep[];
  /** What follows from what this worker finds. */
  readonly found: readonly ExplainedStep[];
}

/** What all workers would do. */
export interface Explained extends Pick<ExplainAnswer, "endpointId" | "isPlatform" | "decided"> {
  /** Those that would do the same, together; in the order of their slots. */
  readonly workers: readonly {
    readonly slots: readonly number[];
    readonly found: readonly ExplainedStep[];
  }[];
  /** Workers that did not answer in time. */
  readonly missing: number;
}
