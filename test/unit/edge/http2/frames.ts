import { ErrorCode, Flag, FrameType } from "#edge/wire/http2/frames.ts";

/** What a test sends and receives. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

export function frame(type: number, flags: number, streamId: number, payload = ""): Buffer {
  const octets = Buffer.from(payload, "latin1");
  const head = Buffer.alloc(9);
  head.writeUIntBE(octets.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, octets]);
}

/** As many octets of network order, one character each. */
export function number(value: number, octets = 4): string {
  let text = "";
  for (let i = octets - 1; i >= 0; i -= 1) {
    text += String.fromCharCode(Math.floor(value / 256 ** i) % 256);
  }
  return text;
}

/** A field block of literals without indexing (RFC 7541 §6.2.2); one character per octet. */
export function block(fields: readonly string[]): string {
  let text = "";
  for (let i = 0; i < fields.length; i += 2) {
    text += `\0${string(fields[i] ?? "")}${string(fields[i + 1] ?? "")}`;
  }
  return text;
}

/** RFC 7541 §5.1, §5.2: a prefix of seven bits. */
function string(text: string): string {
  if (text.length < 127) return String.fromCharCode(text.length) + text;
  let length = String.fromCharCode(127);
  let rest = text.length - 127;
  for (; rest >= 128; rest = Math.floor(rest / 128)) {
    length += String.fromCharCode(128 + (rest % 128));
  }
  return length + String.fromCharCode(rest) + text;
}

export const GET: readonly string[] = Object.entries({
  ":method": "GET",
  ":scheme": "https",
  ":authority": "a.test",
  ":path": "/",
}).flat();

export const POST: readonly string[] = [":method", "POST", ...GET.slice(2)];

export const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
export const endStream: number = Flag.endStream;
export const endHeaders: number = Flag.endHeaders;
export const whole: number = Flag.endStream | Flag.endHeaders;

export const headers = (streamId: number, flags = whole, fields = GET): Buffer =>
  frame(FrameType.headers, flags, streamId, block(fields));
export const continuation = (streamId: number, flags: number, payload = ""): Buffer =>
  frame(FrameType.continuation, flags, streamId, payload);
export const data = (streamId: number, flags: number, payload = ""): Buffer =>
  frame(FrameType.data, flags, streamId, payload);
export const priority = (streamId: number, payload = `${number(0)}\0`): Buffer =>
  frame(FrameType.priority, 0, streamId, payload);
export const rstStream = (streamId: number, payload = number(ErrorCode.cancel)): Buffer =>
  frame(FrameType.rstStream, 0, streamId, payload);
export const settings = (...pairs: readonly number[]): Buffer =>
  frame(FrameType.settings, 0, 0, pairs.map((n, i) => number(n, i % 2 === 0 ? 2 : 4)).join(""));
export const settingsAck: Buffer = frame(FrameType.settings, Flag.ack, 0);
export const ping = (payload = "12345678", flags = 0): Buffer =>
  frame(FrameType.ping, flags, 0, payload);
export const goAway = (streamId = 0, payload = number(0, 8)): Buffer =>
  frame(FrameType.goAway, 0, streamId, payload);
export const windowUpdate = (streamId: number, payload: number | string): Buffer =>
  frame(
    FrameType.windowUpdate,
    0,
    streamId,
    typeof payload === "number" ? number(payload) : payload,
  );

/** Cuts octets into the frames that they are; what is left over is an error of the test's. */
export function framesOf(octets: Buffer): { readonly frames: Frame[]; readonly rest: Buffer } {
  const frames: Frame[] = [];
  let at = 0;
  while (at + 9 <= octets.length) {
    const end = at + 9 + octets.readUIntBE(at, 3);
    if (end > octets.length) break;
    frames.push({
      type: octets[at + 3] ?? 0,
      flags: octets[at + 4] ?? 0,
      streamId: octets.readUInt32BE(at + 5),
      payload: octets.subarray(at + 9, end),
    });
    at = end;
  }
  return { frames, rest: octets.subarray(at) };
}

const screaming = (name: string): string => name.replace(/[A-Z]/g, (c) => `_${c}`).toUpperCase();
const typeNames = new Map(Object.entries(FrameType).map(([name, type]) => [type, screaming(name)]));
const codeNames = new Map(Object.entries(ErrorCode).map(([name, code]) => [code, screaming(name)]));

function codeAt(payload: Buffer, at: number): string {
  return codeNames.get(payload.readUInt32BE(at) as ErrorCode) ?? "unknown";
}

/** A frame in words: `RST_STREAM 1 CANCEL`, `DATA 3 2 END_STREAM`, `GOAWAY 1 NO_ERROR`. */
export function inWords({ type, flags, streamId, payload }: Frame): string {
  const name = typeNames.get(type as 0) ?? `type ${type}`;
  const isEnd = (flags & Flag.endStream) !== 0;
  switch (type) {
    case FrameType.rstStream:
      return `${name} ${streamId} ${codeAt(payload, 0)}`;
    case FrameType.goAway:
      return `GOAWAY ${payload.readUInt32BE(0)} ${codeAt(payload, 4)}`;
    case FrameType.windowUpdate:
      return `${name} ${streamId} ${payload.readUInt32BE(0)}`;
    case FrameType.data:
      return `${name} ${streamId} ${payload.length}${isEnd ? " END_STREAM" : ""}`;
    case FrameType.ping:
    case FrameType.settings:
      return isEnd ? `${name} ACK` : name;
    default:
      return `${name} ${streamId}${isEnd ? " END_STREAM" : ""}`;
  }
}
