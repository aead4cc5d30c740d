import {
  Agent,
  type ClientRequest,
  type IncomingMessage,
  request as startRequest,
} from "node:http";
import type { Connected, Connections, Target } from "./connections.ts";
import type { AnswerHead, Begun, Line } from "./line.ts";

/** HTTP/1.1 by `node:http`, over whatever the connection is. */
export function http1Line(connections: Connections, target: Target): Line {
  let connected: Connected | undefined;
  let agent = newAgent();

  function newAgent(): Agent {
    return Object.assign(new Agent({ keepAlive: true, maxSockets: 1 }), {
      createConnection: () => {
        connected = connections.connect(target);
        return connected.socket;
      },
    });
  }

  function begin({ method, path, fields, body }: Parameters<Line["begin"]>[0]): Begun {
    const length = body === undefined ? {} : lengthOf(path, body);
    const request = startRequest({
      host: "127.0.0.1",
      path,
      method,
      headers: {
        ...(target.host === undefined ? {} : { host: target.host }),
        ...fields,
        ...length,
      },
      agent,
    });
    if (body === undefined) request.end();
    let used: Connected | undefined;
    // The agent has one connection: the one that it made last.
    request.on("socket", () => {
      used = connected;
    });
    return {
      upload: request,
      head: headOf(request),
      // What ends before its time is an error of the content.
      whole: async () => undefined,
      reset: () => used?.reset(),
      excuse: () => used?.tracked.excuse,
      tell: () => (used === undefined ? "no connection" : connections.tell(used.tracked)),
    };
  }

  return {
    begin,
    renew: () => {
      agent.destroy();
      agent = newAgent();
    },
  };
}

/** Every other body goes without a length, in chunks. */
function lengthOf(path: string, body: Buffer): Readonly<Record<string, string>> {
  const chunked = (path.length + body.length) % 2 === 0;
  return chunked ? { "transfer-encoding": "chunked" } : { "content-length": String(body.length) };
}

function headOf(request: ClientRequest): Promise<AnswerHead> {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("close", () => reject(new Error("closed without an answer")));
    request.on("response", (response: IncomingMessage) => {
      const { statusCode: status = 0, headers: fields } = response;
      resolve({ status, fields, content: response });
    });
  });
}
