import type { SelfCheck } from "./authorize.ts";

/** Where names are delegated to, so that we can prove them by DNS. */
export interface DelegationTarget {
  /** What `_acme-challenge` names are CNAMEs into. */
  readonly zone: string | undefined;
  /** What NS records point at this server by. */
  readonly name: string;
}

/**
 * Why no certificate can be had for one of these names, if so, and what would help: only DNS proves
 * a wildcard (RFC 8555 §7.4.1), so it has to be ours to answer.
 */
export async function wildcardRefusal(
  names: readonly string[],
  check: SelfCheck,
  target: DelegationTarget,
): Promise<string | undefined> {
  for (const name of names) {
    if (!name.startsWith("*.")) continue;
    const parent = name.slice(2);
    if (!(await check.delegated(parent))) {
      return `${name} can be proved by DNS only: ${whatToSetUp(parent, target)}`;
    }
  }
  return undefined;
}

function whatToSetUp(parent: string, { zone, name }: DelegationTarget): string {
  const challenge = `_acme-challenge.${parent}`;
  const byNs = `make ${challenge} an NS record of ${name}`;
  return zone === undefined ? byNs : `${byNs}, or a CNAME to ${parent}.${zone}`;
}
