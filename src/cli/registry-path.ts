export const REGISTRIES_PATH = "/v2/registries";

/** The path of a registry in the API. */
export function registryPath(name: string): string {
  return `${REGISTRIES_PATH}/${encodeURIComponent(name)}`;
}
