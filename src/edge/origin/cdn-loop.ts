import { randomBytes } from "node:crypto";

/** A name for CDN-Loop that no other installation has: two of them in a row are no loop. */
export function newLoopToken(): string {
  return `atoll-${randomBytes(4).toString("hex")}`;
}

/** RFC 8586 §2: whether a list of CDN names with parameters has ours. */
export function isLoop(cdnLoop: string | undefined, loopToken: string): boolean {
  if (cdnLoop === undefined) return false;
  return cdnLoop
    .split(",")
    .some((member) => member.split(";")[0]?.trim().toLowerCase() === loopToken);
}
