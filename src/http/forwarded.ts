/** What a Forwarded field (RFC 7239) says of a request, as far as our own hop says anything. */
export interface ForwardedHop {
  /** IP address of the client. */
  readonly address: string;
  /** How the client has come. */
  readonly proto: "http" | "https";
}

/** RFC 7239 §6: an IPv6 address has brackets, and quotes because of its colons. */
export function forwardedField({ address, proto }: ForwardedHop): string {
  const node = address.includes(":") ? `"[${address}]"` : address;
  return `for=${node};proto=${proto}`;
}

const OURS = /^for=(?:"\[([0-9a-f:.]+)\]"|([0-9.]+));proto=(https?)$/i;

/** Reads what `forwardedField` has written, and nothing else: what others write is not believed. */
export function parseForwarded(value: string | undefined): ForwardedHop | undefined {
  const match = value === undefined ? null : OURS.exec(value);
  const address = match?.[1] ?? match?.[2];
  if (address === undefined) return undefined;
  return { address, proto: match?.[3]?.toLowerCase() === "https" ? "https" : "http" };
}
