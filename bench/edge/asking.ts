import { once } from "node:events";
import { Agent, request } from "node:http";
import { connect } from "node:http2";

/** The Host of all requests. It is in Atoll's keys: with a port they would be others at each start. */
const HOST = "stored.example";

/** At a time. */
const CONNECTIONS = 64;
const STREAMS = 64;

/** Paths of one size, by their numbers: from the first up to but not including the end. */
export interface Span {
  readonly size: string;
  readonly first: number;
  readonly end: number;
}

/** `x-cache`, as it is to be. */
type Expected = "HIT" | "MISS";

/**
 * Asks for each once over HTTP/1.1, and leaves no connection behind.
 * @throws Error unless each was answered with 200, and from where it should
 */
export async function askOverHttp1(port: number, span: Span, expected: Expected): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  await each(span, CONNECTIONS, async (path) => {
    judge(path, await answerTo(port, path, agent), expected);
  });
  agent.destroy();
}

/** The same over HTTP/2, on one connection. */
export async function askOverHttp2(port: number, span: Span, expected: Expected): Promise<void> {
  const session = connect(`http://127.0.0.1:${port}`);
  await each(span, STREAMS, async (path) => {
    const stream = session.request({ ":authority": HOST, ":path": path });
    const [head] = (await once(stream, "response")) as [Record<string, unknown>];
    stream.resume();
    await once(stream, "end");
    judge(path, { status: head[":status"], cache: head["x-cache"] }, expected);
  });
  session.close();
  await once(session, "close");
}

/** Asks for one over HTTP/1.1, and says how many milliseconds that took. */
export async function timedAnswer(
  port: number,
  path: string,
  { agent, expected }: { readonly agent: Agent; readonly expected: Expected },
): Promise<number> {
  const startedAt = performance.now();
  const answer = await answerTo(port, path, agent);
  const tookMs = performance.now() - startedAt;
  judge(path, answer, expected);
  return tookMs;
}

interface Answer {
  readonly status: unknown;
  readonly cache: unknown;
}

async function answerTo(port: number, path: string, agent: Agent): Promise<Answer> {
  const asked = request({ host: "127.0.0.1", port, path, agent, headers: { host: HOST } }).end();
  const [response] = await once(asked, "response");
  response.resume();
  await once(response, "end");
  return { status: response.statusCode, cache: response.headers["x-cache"] };
}

function judge(path: string, { status, cache }: Answer, expected: Expected): void {
  if (status === 200 && cache === expected) return;
  throw new Error(
    `${path} was answered with ${String(status)} and ${String(cache)}, not ${expected}`,
  );
}

async function each(
  { size, first, end }: Span,
  atOnce: number,
  ask: (path: string) => Promise<void>,
): Promise<void> {
  let next = first;
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < end) {
        next += 1;
        await ask(`/${size}/${next - 1}`);
      }
    }),
  );
}
