import { availableParallelism } from "node:os";
import process from "node:process";

/** Systems where processes share a port so that the kernel deals connections out (nodejs/node#61018). */
const SHARE_PORTS: ReadonlySet<NodeJS.Platform> = new Set(["linux", "freebsd", "sunos", "aix"]);

export const WORKERS_MAX = 256;

/** Edge workers where nobody has said how many: as many as cores, or one where they cannot share a port. */
export function defaultWorkers(
  platform: NodeJS.Platform = process.platform,
  cores = availableParallelism(),
): number {
  return SHARE_PORTS.has(platform) ? Math.min(cores, WORKERS_MAX) : 1;
}
