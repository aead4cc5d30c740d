/** Words that a route of DigitalOcean's API has in the place of a name (CONTRACT §4). */
const RESERVED: ReadonlySet<string> = new Set([
  "docker-credentials",
  "options",
  "subscription",
  "validate-name",
]);

/** Why a registry cannot be called that; undefined: it can. */
export function nameMistake(name: string): string | undefined {
  if (RESERVED.has(name)) return `${name} is reserved: the API has a route of that name`;
  if (/^[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) return undefined;
  return (
    "expected 1 to 63 lower-case letters, digits and dashes, " +
    "with a letter first and a letter or a digit last"
  );
}

/** Where `POST /v2/registry` may put one; what the options show. */
export const REGIONS = ["nyc3", "sfo3", "ams3", "sgp1", "fra1"] as const;

/** `POST /v2/registries` knows some more. */
export const ALL_REGIONS = [...REGIONS, "sfo2", "blr1", "syd1"] as const;

/** CONTRACT §4: absent, the server picks. Here every region is the same machine. */
export const DEFAULT_REGION = REGIONS[0];
