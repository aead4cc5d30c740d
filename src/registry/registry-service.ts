import type { Clock } from "#clock.ts";
import { notFound, Problem } from "#problem.ts";
import { DEFAULT_REGION } from "./name.ts";
import type { Registry, RegistryStore, Subscription } from "./registry.ts";
import type { AccountUsage, IneligibleReason, Tier, TierSlug } from "./tier.ts";

export interface RegistryServiceParts {
  readonly store: RegistryStore;
  readonly clock: Clock;
  /** What was deleted has left something to be removed. */
  readonly wake: () => void;
}

/** The members of a create, as a client sends them; `""` is as absent. */
export interface RegistryMembers {
  readonly name: string;
  readonly subscription_tier_slug?: TierSlug | "" | undefined;
  readonly region?: string | undefined;
}

/** CONTRACT §4.2, to the letter: doctl goes by its status, people find it by its words. */
const SEVERAL =
  "This API is not supported if you have created multiple registries. Please use " +
  "‘/v2/registries/{registry_name}’ instead. Refer to " +
  "https://docs.digitalocean.com/reference/api/digitalocean/#tag/Container-Registry for more info.";

/** The rules of CONTRACT §4: who has how many registries, and what they are called. */
export class RegistryService {
  readonly #parts: RegistryServiceParts;

  constructor(parts: RegistryServiceParts) {
    this.#parts = parts;
  }

  /** @throws Problem: 422 when the tier allows no more, 409 for a taken name, 412 for the tier */
  async create(accountId: number, members: RegistryMembers): Promise<Registry> {
    const { store, clock } = this.#parts;
    const { name, region, subscription_tier_slug: tier } = members;
    const wanted = {
      accountId,
      name,
      region: region === undefined || region === "" ? DEFAULT_REGION : region,
      createdAt: clock.now(),
    };
    const result = await store.create(wanted, tier === "" ? undefined : tier);
    if (result.kind === "created") return result.registry;
    if (result.kind === "name-taken") throw nameTaken();
    throw result.kind === "full" ? full(result.tier) : ineligible(result.reasons);
  }

  list(accountId: number): readonly Registry[] {
    return this.#parts.store.list(accountId);
  }

  /** @throws Problem("not_found") also when it is another account's */
  find(accountId: number, name: string): Registry {
    const registry = this.#parts.store.find(accountId, name);
    if (registry === undefined) throw registryMissing();
    return registry;
  }

  /**
   * The account's only registry: what `/v2/registry` means.
   * @throws Problem("precondition_failed") when there are several, Problem("not_found") without any
   */
  findOnly(accountId: number): Registry {
    const [registry, ...others] = this.list(accountId);
    if (registry === undefined) throw registryMissing();
    if (others.length > 0) throw new Problem("precondition_failed", SEVERAL);
    return registry;
  }

  async delete(registry: Registry): Promise<void> {
    if (!(await this.#parts.store.delete(registry.id))) throw registryMissing();
    this.#parts.wake();
  }

  /** @throws Problem("conflict") when somebody has a registry of that name */
  refuseTaken(name: string): void {
    if (this.#parts.store.isNameTaken(name)) throw nameTaken();
  }

  /** @throws Problem("not_found") when the account has never had a registry */
  subscription(accountId: number): Subscription {
    const subscription = this.#parts.store.subscription(accountId);
    if (subscription === undefined) throw notFound("subscription does not exist");
    return subscription;
  }

  usage(accountId: number): AccountUsage {
    return this.#parts.store.usage(accountId);
  }

  /** @throws Problem("precondition_failed") when the account has more than the tier includes */
  async changeTier(accountId: number, tier: TierSlug): Promise<Subscription> {
    const result = await this.#parts.store.changeTier(accountId, tier);
    if (result.kind === "ineligible") throw ineligible(result.reasons);
    return result.subscription;
  }
}

function registryMissing(): Problem {
  return notFound("registry does not exist");
}

function nameTaken(): Problem {
  return new Problem("conflict", "name already exists");
}

function full({ slug, registries }: Tier): Problem {
  const message =
    registries === 1
      ? "user already has a registry"
      : `user already has ${registries} registries, as many as the tier ${slug} allows`;
  return new Problem("unprocessable_entity", message);
}

function ineligible(reasons: readonly IneligibleReason[]): Problem {
  return new Problem(
    "precondition_failed",
    `registry is not eligible for tier because: [${reasons.join(" ")}]`,
  );
}
