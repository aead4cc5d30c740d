import type { Logger } from "#log.ts";
import type { LogSink, LogWrite } from "#usage/log-file.ts";
import type { AccessRecord, LoggedRequest } from "#usage/log-line.ts";

/** A hit of a browser over TLS, but for what is said. */
export function recordOf(
  changes: Partial<AccessRecord> = {},
  request: Partial<LoggedRequest> = {},
): AccessRecord {
  return {
    at: Date.UTC(2026, 10, 22, 12, 0, 0, 42),
    requestId: "0c4f9f3e-6f0b-4a55-8f4e-0f6f0d6d3c55",
    client: "203.0.113.7",
    tls: "TLSv1.3",
    request: {
      version: "HTTP/1.1",
      method: "GET",
      target: "/a.jpg?v=1",
      host: "static.nyc3.cdn.spaces.localhost",
      fields: ["host", "x", "referer", "https://example.net/", "user-agent", "Mozilla/5.0 (X11)"],
      ...request,
    },
    status: 200,
    cache: "HIT",
    endpointId: "19f06b6a-3ace-4315-b086-499a0e521b76",
    bytes: 10_240,
    whole: true,
    tookMs: 0.1234,
    ...changes,
  };
}

/** A sink that keeps what it is given, and takes it when it is told to. */
export class HeldSink implements LogSink {
  text = "";
  writes = 0;
  held = false;
  failure: Error | undefined;
  /** Octets that a failing write still takes. */
  taken = 0;
  #release: (() => void) | undefined;

  async write(lines: Uint8Array): Promise<LogWrite> {
    this.writes += 1;
    if (this.held) await new Promise<void>((resolve) => (this.#release = resolve));
    const written = this.failure === undefined ? lines.length : this.taken;
    this.text += Buffer.from(lines.subarray(0, written)).toString("latin1");
    return this.failure === undefined ? { written } : { written, failure: this.failure };
  }

  release(): void {
    this.held = false;
    this.#release?.();
  }

  reopen(): void {
    this.text += "reopened\n";
  }

  async close(): Promise<void> {}

  lines(): string[] {
    return this.text.split("\n").slice(0, -1);
  }
}

/** A logger that keeps what it is told. */
export function keptLog(): Logger & { readonly warnings: Record<string, unknown>[] } {
  const warnings: Record<string, unknown>[] = [];
  const note = (fields: object): void => void warnings.push({ ...fields });
  return { warnings, info: () => undefined, warn: note, error: note };
}
