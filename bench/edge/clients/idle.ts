import { once } from "node:events";
import { connect } from "node:net";
import { argv, exit, stdin, stdout } from "node:process";

/**
 * `idle.ts PORT PATH BODY_BYTES COUNT`: opens connections, gets one answer on each, and keeps them
 * open until its stdin ends. Prints a line when all are there, and fails if one is closed.
 */
const [, , port = "", path = "", bodyBytes = "", count = ""] = argv;

/** At a time: less than any server's backlog. */
const OPENING_MAX = 100;

const request = `GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`;
let opened = 0;

await Promise.all(
  Array.from({ length: OPENING_MAX }, async () => {
    while (opened < Number(count)) {
      opened += 1;
      await openAndAsk();
    }
  }),
);
stdout.write("open\n");
stdin.resume();
await once(stdin, "end");
exit();

async function openAndAsk(): Promise<void> {
  const socket = connect(Number(port), "127.0.0.1");
  socket.on("close", () => {
    throw new Error("The server closed a connection");
  });
  await once(socket, "connect");
  socket.write(request);
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  while (!isWhole(received)) await once(socket, "data");
  received = "";
}

function isWhole(reply: string): boolean {
  const end = reply.indexOf("\r\n\r\n");
  return end !== -1 && reply.length - (end + 4) >= Number(bodyBytes);
}
