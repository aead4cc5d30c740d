import { once } from "node:events";
import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  connect,
  constants,
  type IncomingHttpHeaders,
} from "node:http2";
import { PassThrough } from "node:stream";
import type { Connected, Connections, Target } from "./connections.ts";
import type { AnswerHead, Begun, Line } from "./line.ts";
import type { Excuse } from "./tally.ts";

/** HTTP/2 by `node:http2`; the requests of several clients may be under way on one line. */
export function http2Line(connections: Connections, target: Target): Line {
  let current: { session: ClientHttp2Session; connected: Connected } | undefined;

  function open() {
    const connected = connections.connect(target);
    const session = connect(target.url, { createConnection: () => connected.socket });
    // Its streams fail with it.
    session.on("error", () => undefined);
    return { session, connected };
  }

  function begin({ method, path, fields, body }: Parameters<Line["begin"]>[0]): Begun {
    if (current === undefined || current.session.closed || current.session.destroyed) {
      current = open();
    }
    const { session, connected } = current;
    const authority = target.host === undefined ? {} : { ":authority": target.host };
    const stream = session.request(
      { ":method": method, ":path": path, ...authority, ...fields },
      { endStream: body === undefined },
    );
    let excuse: Excuse | undefined;
    return {
      upload: stream,
      head: headOf(stream),
      whole: () => whole(stream),
      reset: () => {
        excuse = "reset by the client";
        stream.close(constants.NGHTTP2_CANCEL);
        // What has come and nobody reads would keep its session.
        stream.unpipe();
        stream.resume();
      },
      excuse: () => excuse ?? connected.tracked.excuse,
      tell: () => connections.tell(connected.tracked),
    };
  }

  return {
    begin,
    renew: () => {
      // One that is not there yet would lose what waits for it; then another time will do.
      if (current === undefined || current.session.connecting) return;
      // What is under way on it is finished.
      current.session.close();
      current = undefined;
    },
  };
}

function headOf(stream: ClientHttp2Stream): Promise<AnswerHead> {
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    stream.on("close", () => reject(new Error("closed without an answer")));
    stream.on("response", ({ ":status": status, ...fields }: Head) => {
      resolve({ status: status ?? 0, fields, content: contentOf(stream) });
    });
  });
}

/** Apart from its stream: of one that is closed before anybody begins to read nothing could be read. */
function contentOf(stream: ClientHttp2Stream): PassThrough {
  const content = new PassThrough();
  // Who reads it is told as well.
  content.on("error", () => undefined);
  // What nobody reads any more must not keep its session.
  content.on("close", () => stream.resume());
  stream.on("close", () => {
    if (!content.writableEnded) content.destroy(new Error(`cut short by ${stream.rstCode}`));
  });
  return stream.pipe(content);
}

type Head = IncomingHttpHeaders & { ":status"?: number };

/** A stream that was cancelled with its connection ends without an error. */
async function whole(stream: ClientHttp2Stream): Promise<void> {
  if (!stream.closed) await once(stream, "close");
  if (stream.aborted || (stream.rstCode ?? 0) !== constants.NGHTTP2_NO_ERROR) {
    throw new Error(`cut short by ${stream.rstCode}`);
  }
}
