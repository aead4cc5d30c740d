import { z } from "zod";
import type { Api } from "./api.ts";
import { CommandError, usageError } from "./world.ts";

const PATH = "/v2/cdn/endpoints";

const Endpoint = z.looseObject({
  id: z.string(),
  origin: z.string(),
  endpoint: z.string(),
  custom_domain: z.string().nullish(),
});
export type Endpoint = z.output<typeof Endpoint>;

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The path of an endpoint in the API. */
export function endpointPath({ id }: Endpoint): string {
  return `${PATH}/${encodeURIComponent(id)}`;
}

/**
 * The endpoint of that id, of that host (its own, its origin's or its custom domain), or of the Space
 * of that name.
 * @throws CommandError when there is none, or more than one
 */
export async function findEndpoint(api: Api, text: string): Promise<Endpoint> {
  const name = text.toLowerCase();
  if (UUID.test(name)) {
    const path = `${PATH}/${name}`;
    return (await api.call({ method: "GET", path }, z.looseObject({ endpoint: Endpoint })))
      .endpoint;
  }
  const found = (await api.list(PATH, "endpoints", Endpoint)).filter((endpoint) => {
    const { origin, endpoint: host, custom_domain: domain } = endpoint;
    return [origin, host, domain, origin.split(".")[0]].includes(name);
  });
  const [first, ...others] = found;
  if (first === undefined) {
    throw new CommandError(
      `There is no CDN endpoint ${text}: expected its id, its host or a Space.`,
    );
  }
  if (others.length === 0) return first;
  const hosts = found.map((endpoint) => endpoint.endpoint).toSorted();
  throw usageError(`${text} may be ${hosts.join(", ")}: say which by its host.`);
}
