import { randomBytes } from "node:crypto";
import type { Reply } from "../../support/exchange.ts";
import type { Random } from "../random.ts";
import type { Artifact, Blob } from "./artifacts.ts";
import type { Line } from "./line.ts";
import type { Tally } from "./tally.ts";

const CHUNK_BYTES = 100_000;
/** An account may only leave a thousand open: in ten minutes some hundreds are begun. */
const ABANDONED_ONE_IN = 200;
const CANCELLED_FOR_EACH = 5;
const OCTETS = { "content-type": "application/octet-stream" };

/** What a client of registries does, step by step, as docker and its kin do it. */
export class RegistryClient {
  readonly #line: Line;
  readonly #random: Random;
  readonly #tally: Tally;

  constructor(line: Line, random: Random, tally: Tally) {
    this.#line = line;
    this.#random = random;
    this.#tally = tally;
  }

  /**
   * Blobs, then what an index names, then the manifest itself, by a tag or by its digest.
   * @param elsewhere a repository that may have some of the blobs
   */
  async push(
    repository: string,
    artifact: Artifact,
    { reference = artifact.digest, elsewhere }: PushTerms,
  ): Promise<void> {
    for (const blob of artifact.blobs) await this.#provide(repository, blob, elsewhere);
    for (const child of artifact.children) {
      await this.push(repository, child, { elsewhere });
    }
    const reply = await this.#line.ask("PUT", `/v2/${repository}/manifests/${reference}`, {
      body: artifact.octets,
      headers: { "content-type": artifact.mediaType },
    });
    this.#expect(reply, [201], `push of ${repository} ${reference}`);
  }

  /** Another tag for what is there. */
  async tag(repository: string, artifact: Artifact, tag: string): Promise<void> {
    const { octets: body, mediaType } = artifact;
    const headers = { "content-type": mediaType };
    const target = `/v2/${repository}/manifests/${tag}`;
    const reply = await this.#line.ask("PUT", target, { body, headers });
    this.#expect(reply, [201], `tag ${repository} ${tag}`);
  }

  /** @param isRetry it may be gone already, by the try before */
  async delete(repository: string, reference: string, isRetry: boolean): Promise<void> {
    const reply = await this.#line.ask("DELETE", `/v2/${repository}/manifests/${reference}`);
    this.#expect(reply, isRetry ? [202, 404] : [202], `delete of ${repository} ${reference}`);
  }

  /** All that a pull has to find, to the octet. */
  async pull(repository: string, reference: string, artifact: Artifact): Promise<void> {
    const target = `/v2/${repository}/manifests/${reference}`;
    const reply = await this.#line.ask("GET", target);
    this.#expectOctets(reply, artifact, `${repository} ${reference}`);
    for (const blob of artifact.blobs) {
      const got = await this.#line.ask("GET", `/v2/${repository}/blobs/${blob.digest}`);
      this.#expectOctets(got, blob, `${repository} ${reference} blob ${blob.digest}`);
    }
    for (const child of artifact.children) await this.pull(repository, child.digest, child);
  }

  async referrers(repository: string, subject: string): Promise<readonly string[]> {
    const reply = await this.#line.ask("GET", `/v2/${repository}/referrers/${subject}`);
    this.#expect(reply, [200], `referrers of ${repository} ${subject}`);
    const { manifests } = JSON.parse(reply.text) as {
      readonly manifests: readonly { readonly digest: string }[];
    };
    return manifests.map(({ digest }) => digest);
  }

  /** By what docker tries first: it is there, it can be mounted, or it is sent. */
  async #provide(repository: string, blob: Blob, elsewhere: string | undefined): Promise<void> {
    const target = `/v2/${repository}/blobs/${blob.digest}`;
    const head = await this.#line.ask("HEAD", target);
    if (head.status === 200) return this.#tally.did("blob there");
    this.#expect(head, [404], `HEAD of ${target}`);
    const uploads = `/v2/${repository}/blobs/uploads/`;
    if (elsewhere !== undefined) {
      const query = `?mount=${blob.digest}&from=${elsewhere}`;
      const mounted = await this.#line.ask("POST", uploads + query);
      this.#expect(mounted, [201, 202], `mount of ${target}`);
      if (mounted.status === 201) return this.#tally.did("blob mounted");
      return this.#send(mounted, blob);
    }
    if (this.#random.below(3) === 0) {
      const request = { body: blob.octets, headers: OCTETS };
      const reply = await this.#line.ask("POST", `${uploads}?digest=${blob.digest}`, request);
      this.#expect(reply, [201], `POST of ${target}`);
      return this.#tally.did("blob posted");
    }
    await this.#abandon(uploads);
    await this.#send(await this.#line.ask("POST", uploads), blob);
  }

  async #send(begun: Reply, { octets, digest }: Blob): Promise<void> {
    this.#expect(begun, [202], `upload of ${digest}`);
    let location = begun.headers.location ?? "";
    const chunk = this.#random.below(2) === 0 ? octets.length : CHUNK_BYTES;
    for (let at = 0; at < octets.length; at += chunk) {
      const body = octets.subarray(at, at + chunk);
      const range = `${at}-${at + body.length - 1}`;
      const headers = { ...OCTETS, "content-range": range };
      const reply = await this.#line.ask("PATCH", pathOf(location), { body, headers });
      this.#expect(reply, [202], `chunk of ${digest}`);
      location = reply.headers.location ?? "";
    }
    const joint = location.includes("?") ? "&" : "?";
    const end = `${pathOf(location)}${joint}digest=${digest}`;
    this.#expect(await this.#line.ask("PUT", end), [201], `end of the upload of ${digest}`);
    this.#tally.did("blob sent in chunks");
  }

  /** Now and then an upload is begun that nobody ends, or somebody cancels. */
  async #abandon(uploads: string): Promise<void> {
    const fate = this.#random.below(ABANDONED_ONE_IN);
    if (fate > CANCELLED_FOR_EACH) return;
    const begun = await this.#line.ask("POST", uploads);
    const location = pathOf(begun.headers.location ?? "");
    await this.#line.ask("PATCH", location, { body: randomBytes(5_000), headers: OCTETS });
    if (fate > 0) await this.#line.ask("DELETE", location);
    this.#tally.did(fate > 0 ? "upload cancelled" : "upload abandoned");
  }

  #expect(reply: Reply, statuses: readonly number[], what: string): void {
    if (statuses.includes(reply.status)) return;
    throw new Error(`${what}: ${reply.status} ${reply.text.slice(0, 300)}`);
  }

  #expectOctets(reply: Reply, { octets, digest }: Blob, what: string): void {
    this.#expect(reply, [200], `pull of ${what}`);
    if (!reply.body.equals(octets)) throw new Error(`pull of ${what}: other octets than ${digest}`);
  }
}

export interface PushTerms {
  /** Absent: its digest. */
  readonly reference?: string;
  readonly elsewhere: string | undefined;
}

/** A location may name the server that was there before. */
function pathOf(location: string): string {
  const { pathname, search } = new URL(location, "http://registry.invalid");
  return pathname + search;
}
