import { once } from "node:events";
import http, { type IncomingMessage } from "node:http";
import http2, { type ClientHttp2Stream, type IncomingHttpHeaders } from "node:http2";
import https from "node:https";
import { buffer } from "node:stream/consumers";

export interface Question {
  readonly method?: string;
  readonly fields?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  /** Sent after the body, which then has no Content-Length. */
  readonly trailers?: Readonly<Record<string, string>>;
  /** PEM of the only authority to trust, for https. */
  readonly ca?: string;
}

type Fields = Readonly<Record<string, string | string[] | undefined>>;

/** An answer with all that may come before and after it. */
interface Answer {
  readonly status: number;
  readonly fields: Fields;
  readonly text: string;
  readonly trailers: Fields;
  readonly interim: readonly { readonly status: number; readonly fields: Fields }[];
}

/** Asks once, on a connection of its own. */
export type Ask = (url: string, question?: Question) => Promise<Answer>;

/** The same question in each version of HTTP. */
export const ASK: Readonly<Record<"HTTP/1.1" | "HTTP/2", Ask>> = {
  "HTTP/1.1": askHttp1,
  "HTTP/2": askHttp2,
};

async function askHttp1(url: string, question: Question = {}): Promise<Answer> {
  const { body, trailers, ca } = question;
  const counted = body !== undefined && trailers === undefined;
  const client = url.startsWith("https:") ? https : http;
  const request = client.request(url, {
    method: question.method ?? "GET",
    agent: false,
    headers: {
      ...(counted ? { "content-length": Buffer.byteLength(body) } : {}),
      ...(trailers === undefined
        ? {}
        : { "transfer-encoding": "chunked", trailer: Object.keys(trailers).join(", ") }),
      ...question.fields,
    },
    ...(ca === undefined ? {} : { ca }),
  });
  const interim: Answer["interim"][number][] = [];
  request.on("information", ({ statusCode, headers }) => {
    interim.push({ status: statusCode, fields: headers });
  });
  const answered = once(request, "response") as Promise<[IncomingMessage]>;
  if (trailers !== undefined) request.addTrailers(trailers);
  request.end(body);
  const [response] = await answered;
  const content = await buffer(response);
  return {
    status: response.statusCode ?? 0,
    fields: response.headers,
    text: content.toString("latin1"),
    trailers: response.trailers,
    interim,
  };
}

async function askHttp2(url: string, question: Question = {}): Promise<Answer> {
  const { pathname, search } = new URL(url);
  const { method = "GET", fields, body, trailers, ca } = question;
  const session = http2.connect(url, ca === undefined ? {} : { ca });
  // Its streams fail with it, and are waited for.
  session.on("error", () => undefined);
  try {
    const stream = session.request(
      { ":method": method, ":path": pathname + search, ...fields },
      {
        endStream: body === undefined && trailers === undefined,
        waitForTrailers: trailers !== undefined,
      },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ ...trailers }));
    if (body !== undefined || trailers !== undefined) stream.end(body);
    return await answerOn(stream);
  } finally {
    session.destroy();
  }
}

async function answerOn(stream: ClientHttp2Stream): Promise<Answer> {
  const interim: Answer["interim"][number][] = [];
  stream.on(
    "headers",
    ({ ":status": status, ...fields }: IncomingHttpHeaders & { ":status"?: number }) => {
      interim.push({ status: status ?? 0, fields });
    },
  );
  let ending: Fields = {};
  stream.on("trailers", (fields: IncomingHttpHeaders) => {
    ending = fields;
  });
  const [{ ":status": status, ...fields }] = (await once(stream, "response")) as [
    IncomingHttpHeaders & { ":status"?: number },
  ];
  const text = (await buffer(stream)).toString("latin1");
  return { status: status ?? 0, fields, text, trailers: ending, interim };
}
