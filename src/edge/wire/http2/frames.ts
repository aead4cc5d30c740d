/** Types of frames (RFC 9113 §6). */
export const FrameType = {
  data: 0x00,
  headers: 0x01,
  priority: 0x02,
  rstStream: 0x03,
  settings: 0x04,
  pushPromise: 0x05,
  ping: 0x06,
  goAway: 0x07,
  windowUpdate: 0x08,
  continuation: 0x09,
} as const;

/** Flags of frames (RFC 9113 §6). The same bit is ACK of some and END_STREAM of others. */
export const Flag = {
  ack: 0x01,
  endStream: 0x01,
  endHeaders: 0x04,
  padded: 0x08,
  priority: 0x20,
} as const;

/** RFC 9113 §7. */
export const ErrorCode = {
  noError: 0x00,
  protocolError: 0x01,
  internalError: 0x02,
  flowControlError: 0x03,
  settingsTimeout: 0x04,
  streamClosed: 0x05,
  frameSizeError: 0x06,
  refusedStream: 0x07,
  cancel: 0x08,
  compressionError: 0x09,
  enhanceYourCalm: 0x0b,
} as const;

export type ErrorCode = (typeof ErrorCode)[keyof typeof ErrorCode];

/** RFC 9113 §5.4.1: the connection ends with it. */
export interface ConnectionError {
  readonly code: ErrorCode;
  /** Goes out in GOAWAY, for the person who looks for the mistake. */
  readonly reason: string;
}

/** RFC 9113 §3.4: what a client's first octets are. */
export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** RFC 9113 §4.1. */
export const FRAME_HEAD_BYTES = 9;

/** RFC 9113 §6.5.2: SETTINGS_MAX_FRAME_SIZE, which neither side goes above here, nor can go below. */
export const FRAME_BYTES_MAX = 16_384;

/** RFC 9113 §6.9.2: what every window is before anybody changes it. */
export const INITIAL_WINDOW_BYTES = 65_535;

/** RFC 9113 §6.9.1. */
export const WINDOW_BYTES_MAX = 2 ** 31 - 1;

export function connectionError(code: ErrorCode, reason: string): ConnectionError {
  return { code, reason };
}

/** RFC 9113 §2.2: integers are in network order. */
export function uint32(bytes: Buffer, at: number): number {
  return uint31(bytes, at) + ((bytes[at] ?? 0) >= 0x80 ? 2 ** 31 : 0);
}

/** Without the reserved bit (RFC 9113 §4.1). */
export function uint31(bytes: Buffer, at: number): number {
  return (
    (((bytes[at] ?? 0) & 0x7f) << 24) |
    ((bytes[at + 1] ?? 0) << 16) |
    ((bytes[at + 2] ?? 0) << 8) |
    (bytes[at + 3] ?? 0)
  );
}

export function writeUint32(out: Buffer, at: number, value: number): void {
  out[at] = value >>> 24;
  out[at + 1] = value >>> 16;
  out[at + 2] = value >>> 8;
  out[at + 3] = value;
}
