import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { argv, stdout } from "node:process";
import { percentile } from "../percentile.ts";

/**
 * An open loop over HTTP/1.1: `constant-rate.ts PORT PATH BODY_BYTES RATE SECONDS`. Requests are
 * due at a constant rate, whatever the server does, and latency counts from when each was due: a
 * stall counts for every request that it held up, where a closed loop would count it once.
 */
const [, , port = "", path = "", bodyBytes = "", rate = "", seconds = ""] = argv;

const CONNECTIONS = 64;
/** Not measured: ours and the server's first second. */
const WARM_UP_SECONDS = 1;
const DRAIN_TIMEOUT_MS = 10_000;
const READ_BYTES = 65_536;
const HEAD_END = Buffer.from("\r\n\r\n");
const STATUS = Buffer.from("HTTP/1.1 200 ");

const intervalMs = 1_000 / Number(rate);
const total = Math.ceil(Number(rate) * (Number(seconds) + WARM_UP_SECONDS));
const firstMeasured = Math.ceil(Number(rate) * WARM_UP_SECONDS);
const request = Buffer.from(`GET ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\n\r\n`);

/** From when a request was due until its answer was whole. */
const latenciesMs = new Float64Array(total);
/** From when it was due, and a connection free for it, until it was sent: our own delay. */
const latenessMs = new Float64Array(total);
let sent = 0;
let answered = 0;

interface Connection {
  readonly socket: Socket;
  /** The number of the request that it is busy with. */
  number: number;
  idleSince: number;
  head: string;
  /** Of the body that it is reading; undefined while it reads a head. */
  bodyBytesLeft: number | undefined;
}

/** Those that have nothing to do; the one that has waited longest is next. */
const idle: Connection[] = [];
/** Bytes are read before the next read begins, so one buffer is enough for all. */
const readBuffer = Buffer.allocUnsafe(READ_BYTES);

await Promise.all(Array.from({ length: CONNECTIONS }, open));
const startedAt = performance.now();
const endsAt = startedAt + total * intervalMs + DRAIN_TIMEOUT_MS;
const { promise: finished, resolve: finish, reject: fail } = Promise.withResolvers<void>();
send();
await finished;
for (const { socket } of idle) socket.destroy();

const measured = latenciesMs.subarray(firstMeasured);
const result = {
  p50Ms: percentile(measured, 0.5),
  p99Ms: percentile(measured, 0.99),
  latenessP99Ms: percentile(latenessMs.subarray(firstMeasured), 0.99),
};
stdout.write(`${JSON.stringify(result)}\n`);

/** A request that finds no idle connection waits, and its clock runs. */
function send(): void {
  const now = performance.now();
  for (; sent < total && startedAt + sent * intervalMs <= now; sent += 1) {
    const connection = idle.shift();
    if (connection === undefined) break;
    connection.number = sent;
    latenessMs[sent] = now - Math.max(startedAt + sent * intervalMs, connection.idleSince);
    connection.socket.write(request);
  }
  if (answered === total) finish();
  else if (now > endsAt) fail(new Error(`${total - answered} requests were not answered`));
  // Timers are a millisecond coarse; this core is ours to spin on.
  else setImmediate(send);
}

async function open(): Promise<void> {
  const socket = connect({
    host: "127.0.0.1",
    port: Number(port),
    noDelay: true,
    onread: {
      buffer: readBuffer,
      callback: (length, buffer) => {
        receive(connection, buffer as Buffer, length);
        return true;
      },
    },
  });
  const connection: Connection = {
    socket,
    number: 0,
    idleSince: 0,
    head: "",
    bodyBytesLeft: undefined,
  };
  await once(socket, "connect");
  socket.on("close", () => {
    if (answered < total) fail(new Error("The server closed a connection"));
  });
  idle.push(connection);
}

/** One answer at a time, for there is one request at a time. */
function receive(connection: Connection, buffer: Buffer, length: number): void {
  let bodyBytesHere = length;
  if (connection.bodyBytesLeft === undefined) {
    const headBytesHere = headEnd(connection, buffer, length);
    if (headBytesHere === undefined) return;
    bodyBytesHere = length - headBytesHere;
    connection.bodyBytesLeft = Number(bodyBytes);
  }
  connection.bodyBytesLeft -= bodyBytesHere;
  if (connection.bodyBytesLeft > 0) return;
  if (connection.bodyBytesLeft < 0) fail(new Error("A body is longer than it should be"));
  connection.idleSince = performance.now();
  latenciesMs[connection.number] =
    connection.idleSince - (startedAt + connection.number * intervalMs);
  answered += 1;
  connection.bodyBytesLeft = undefined;
  idle.push(connection);
}

/** Where in the buffer the body begins; undefined while the head is not whole. */
function headEnd(connection: Connection, buffer: Buffer, length: number): number | undefined {
  // Nearly always in one piece, which then is not made a string: our garbage is our pauses.
  const end = buffer.indexOf(HEAD_END);
  if (connection.head === "" && end !== -1 && end < length - HEAD_END.length) {
    if (!buffer.subarray(0, STATUS.length).equals(STATUS))
      fail(new Error("An answer is not a 200"));
    return end + HEAD_END.length;
  }
  const before = connection.head.length;
  connection.head += buffer.toString("latin1", 0, length);
  const whole = connection.head.indexOf("\r\n\r\n");
  if (whole === -1) return undefined;
  connection.head = "";
  return whole + HEAD_END.length - before;
}
