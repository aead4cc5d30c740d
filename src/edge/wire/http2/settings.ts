import { CONTENT_BYTES_MAX, HEAD_BYTES_MAX, HTTP2_STREAMS_MAX } from "../../limits.ts";
import {
  type ConnectionError,
  connectionError,
  ErrorCode,
  INITIAL_WINDOW_BYTES,
  uint32,
  WINDOW_BYTES_MAX,
} from "./frames.ts";

/** RFC 9113 §6.5.2; the last one is RFC 9218 §2.1. */
const Setting = {
  headerTableSize: 0x01,
  enablePush: 0x02,
  maxConcurrentStreams: 0x03,
  initialWindowSize: 0x04,
  maxFrameSize: 0x05,
  maxHeaderListSize: 0x06,
  noRfc7540Priorities: 0x09,
} as const;

/** RFC 9113 §6.5.1. */
export const SETTING_BYTES = 6;

/** RFC 9113 §6.5.2: the bounds of SETTINGS_MAX_FRAME_SIZE. */
const FRAME_SIZE_LEAST = 2 ** 14;
const FRAME_SIZE_MOST = 2 ** 24 - 1;

/** What the peer is told of this side, identifiers and values alternating. */
export const OWN_SETTINGS: readonly number[] = [
  Setting.maxConcurrentStreams,
  HTTP2_STREAMS_MAX,
  Setting.initialWindowSize,
  CONTENT_BYTES_MAX,
  Setting.maxHeaderListSize,
  HEAD_BYTES_MAX,
  Setting.noRfc7540Priorities,
  1,
];

/** Who has to know of a change. */
interface SettingsEvents {
  /** The peer's decoder keeps no more than this. */
  tableSize(bytes: number): void;
  /** All streams' windows move by this much; answers whether they stay within their bounds. */
  windowMoved(bytes: number): boolean;
}

/** What the peer has told, as far as it changes what is sent to it. */
export class PeerSettings {
  #initialWindowBytes = INITIAL_WINDOW_BYTES;

  /** What the window of a new stream is. */
  get initialWindowBytes(): number {
    return this.#initialWindowBytes;
  }

  /** RFC 9113 §6.5.3: the values are processed in their order. */
  apply(
    bytes: Buffer,
    start: number,
    end: number,
    events: SettingsEvents,
  ): ConnectionError | undefined {
    for (let at = start; at < end; at += SETTING_BYTES) {
      const identifier = ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
      const value = uint32(bytes, at + 2);
      const fault = settingFault(identifier, value);
      if (fault !== undefined) return fault;
      if (identifier === Setting.headerTableSize) events.tableSize(value);
      if (identifier !== Setting.initialWindowSize) continue;
      const moved = value - this.#initialWindowBytes;
      this.#initialWindowBytes = value;
      if (!events.windowMoved(moved)) {
        return connectionError(ErrorCode.flowControlError, "a window above 2^31-1");
      }
    }
    return undefined;
  }
}

/** RFC 9113 §6.5.2, RFC 9218 §2.1. What is not known is ignored. */
function settingFault(identifier: number, value: number): ConnectionError | undefined {
  switch (identifier) {
    case Setting.enablePush:
    case Setting.noRfc7540Priorities:
      if (value <= 1) return undefined;
      return connectionError(ErrorCode.protocolError, "a setting that is neither 0 nor 1");
    case Setting.initialWindowSize:
      if (value <= WINDOW_BYTES_MAX) return undefined;
      return connectionError(ErrorCode.flowControlError, "a window above 2^31-1");
    case Setting.maxFrameSize:
      if (value >= FRAME_SIZE_LEAST && value <= FRAME_SIZE_MOST) return undefined;
      return connectionError(ErrorCode.protocolError, "a frame size out of its bounds");
    default:
      return undefined;
  }
}
