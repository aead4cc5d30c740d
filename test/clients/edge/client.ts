/** The edge that clients are pointed at. */
export interface EdgeTarget {
  /** `http://localhost:…`: by a name, so that clients send SNI. */
  readonly plain: string;
  /** `https://localhost:…` */
  readonly secure: string;
  /** PEM of whom to trust. */
  readonly caFile: string;
}

/** What a client is asked to send. */
export interface Ask {
  readonly method: string;
  readonly path: string;
  readonly fields?: Readonly<Record<string, string>>;
  /** Content of so many octets (`contentOf`), its length declared before it or not. */
  readonly body?: { readonly bytes: number; readonly declared: boolean };
}

export type Field = readonly [name: string, value: string];

/** What a client has seen of one response. Names of fields are in lower case. */
export interface Seen {
  /** What the client says went wrong; what was seen until then may be beside it. */
  readonly error?: string;
  readonly status: number;
  /** `1.1` or `2`. */
  readonly version: string;
  readonly fields: readonly Field[];
  /** Of the content as the client hands it on. */
  readonly bytes: number;
  readonly sha256: string;
  readonly trailers: readonly Field[];
  readonly interim: readonly { readonly status: number; readonly fields: readonly Field[] }[];
  /** The same for exchanges on the same connection; empty where the client does not show it. */
  readonly connection: string;
}

/** Asks that are sent by one client, which keeps its connections from one to the next. */
export interface Session {
  /** The variant of the client, in its own words. */
  readonly client: string;
  readonly url: string;
  /** PEM of whom to trust. */
  readonly caFile: string;
  readonly order: "in turn" | "at once";
  readonly asks: readonly Ask[];
}

/** What a client cannot do, or does not show, and why. */
export interface Lacks {
  readonly trailers?: string;
  readonly interim?: string;
  /** It is confused by a 103. */
  readonly earlyHints?: string;
  readonly reuse?: string;
  readonly undeclared?: string;
}

/** One client, set to one protocol. */
export interface EdgeClientKind {
  readonly name: string;
  readonly version: "1.1" | "2";
  readonly lacks: Lacks;
  /** Connections that it keeps for what it asks in turn. */
  readonly keeps: number;
  /** It hands on what a content coding stood for, asked or not. */
  readonly decodes: boolean;
  run(asks: readonly Ask[], order?: Session["order"]): Promise<readonly Seen[]>;
}
