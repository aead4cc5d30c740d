/** What heads of either direction say of where their message ends, and of their connection. */

/** What a message asks of its connection; undefined: no such option. */
export type ConnectionOption = "close" | "keep-alive" | undefined;

/** RFC 9112 §6.1, §6.3: whatever two recipients could read as two different ends is refused. */
export function framingFault(
  length: string | undefined,
  coding: string | undefined,
): string | undefined {
  if (length !== undefined && !/^\d{1,15}$/.test(length)) return "a malformed Content-Length field";
  if (coding === undefined) return undefined;
  if (length !== undefined) return "Content-Length together with Transfer-Encoding";
  return coding.toLowerCase() === "chunked" ? undefined : "an unknown Transfer-Encoding";
}

/** RFC 9112 §9.3: close wins. */
export function connectionOption(connection: string): ConnectionOption {
  // Blanks are not split at: of many that no comma follows, each would be tried as the first.
  const members = connection.toLowerCase().split(",");
  const options = new Set(members.map((member) => member.trim()));
  if (options.has("close")) return "close";
  return options.has("keep-alive") ? "keep-alive" : undefined;
}

/** RFC 9112 §9.3: whether the connection goes on after the message. */
export function persists(minorVersion: 0 | 1, option: ConnectionOption): boolean {
  return minorVersion === 1 ? option !== "close" : option === "keep-alive";
}
