import { BlockList, isIP } from "node:net";
import type { EdgeEndpoint } from "#feed/entry.ts";

/** This machine, its link, and where clouds keep the credentials of their machines. */
const FORBIDDEN = new BlockList();
for (const [network, prefix] of [
  ["0.0.0.0", 8],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["100.100.100.200", 32],
  ["192.0.0.192", 32],
] as const) {
  FORBIDDEN.addSubnet(network, prefix, "ipv4");
}
for (const [network, prefix] of [
  ["::", 127],
  ["fe80::", 10],
  ["fd00:ec2::254", 128],
  ["fd20:ce::254", 128],
  // RFC 6052: the same of IPv4, by way of a translator.
  ["64:ff9b::7f00:0", 104],
  ["64:ff9b::a9fe:0", 112],
] as const) {
  FORBIDDEN.addSubnet(network, prefix, "ipv6");
}

/** Whether an IP address leads to what only this machine is to reach. */
export function isForbiddenAddress(address: string): boolean {
  // A zone is which link it is, of those that are all forbidden.
  const [plain = ""] = address.split("%");
  // IPv4 in IPv6 notation is IPv4 to a block list.
  return FORBIDDEN.check(plain, isIP(plain) === 6 ? "ipv6" : "ipv4");
}

/**
 * Whether the operator has written the host of an endpoint's origin, and so knows where it leads. A
 * template may have `{space}` in it: then who names a Space has written a part, and a name of theirs
 * must not lead to what only this machine can reach.
 */
export function isOperatorsHost({ role, space, upstream }: EdgeEndpoint): boolean {
  if (upstream === undefined || role === "proxy") return true;
  const [, host = ""] = /^https?:\/\/(\[[^\]]*\]|[^/:?#]*)/i.exec(upstream.url) ?? [];
  // An address, and what is under localhost (RFC 6761 §6.3), is what it says it is.
  if (/^(?:\[.*\]|\d+(?:\.\d+){3}|(?:.*\.)?localhost)$/i.test(host)) return true;
  return space === "" || !host.toLowerCase().includes(space.toLowerCase());
}
