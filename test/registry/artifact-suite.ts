import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { before, describe, test } from "node:test";
import { freshName } from "../support/world.ts";
import { ask, publish, type Setting } from "./setting.ts";

const SBOM = "application/vnd.example.sbom";
const SIGNATURE = "application/vnd.example.signature";

interface Referrer {
  readonly digest: string;
  readonly artifactType: string;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** What is no image, and what is attached to one, by oras. */
export function artifactSuite(program: string, setting: Setting): void {
  const { home, host, layout, owner } = setting;
  const oras = (...args: readonly string[]) => home.run(program, args);
  const attached = async (image: string, ...args: readonly string[]): Promise<Referrer[]> => {
    const found = await oras("discover", "--format", "json", ...args, image);
    return (JSON.parse(found) as { readonly referrers: Referrer[] }).referrers;
  };
  const attach = async (image: string, type: string, annotation = "by=nobody"): Promise<void> => {
    writeFileSync(home.path("attached.json"), JSON.stringify({ type, annotation }));
    const options = ["--artifact-type", type, "--annotation", annotation];
    await oras("attach", ...options, image, "attached.json:application/json");
  };

  describe("an artifact of oras", () => {
    let repository: string;
    let image: string;
    before(async () => {
      repository = freshName("attached");
      image = `${host}/${owner.name}/${repository}:one`;
      await publish(setting, repository);
      await attach(image, SBOM, "by=scanner");
      await attach(image, SIGNATURE);
    });

    test("is found as a referrer of what it was attached to", async () => {
      const types = (await attached(image)).map(({ artifactType }) => artifactType);
      assert.deepEqual(types.toSorted(), [SBOM, SIGNATURE]);
    });

    test("is found by its type, with its annotations", async () => {
      const [sbom, ...others] = await attached(image, "--artifact-type", SBOM);
      assert.deepEqual(others, []);
      assert.equal(sbom?.annotations?.["by"], "scanner");
    });

    test("is in the referrers API under its subject's digest", async () => {
      const target = `/v2/${owner.name}/${repository}/referrers/${layout.one.digest}`;
      const reply = await ask(setting, owner, { method: "GET", target });
      const { manifests } = JSON.parse(reply.text) as { readonly manifests: Referrer[] };
      const found = (await attached(image)).map(({ digest }) => digest);
      assert.deepEqual(manifests.map(({ digest }) => digest).toSorted(), found.toSorted());
    });

    test("goes along when its subject is copied", async () => {
      const copy = `${host}/${owner.name}/${freshName("attached")}:copy`;
      await oras("cp", "--recursive", image, copy);
      assert.equal((await attached(copy)).length, 2);
    });

    test("goes when it is deleted, and its subject stays", async () => {
      const own = freshName("attached");
      const subject = `${host}/${owner.name}/${own}`;
      await publish(setting, own);
      await attach(`${subject}:one`, SBOM);
      const [sbom] = await attached(`${subject}:one`);
      await oras("manifest", "delete", "--force", `${subject}@${sbom?.digest}`);
      assert.deepEqual(await attached(`${subject}:one`), []);
    });

    test("may be by itself, of any type, with any files", async () => {
      const alone = `${host}/${owner.name}/${freshName("artifact")}:v1`;
      writeFileSync(home.path("notes.txt"), "anything");
      await oras("push", "--artifact-type", "application/x-notes", alone, "notes.txt:text/plain");
      await oras("pull", "--output", home.path("fetched"), alone);
      assert.equal(readFileSync(home.path("fetched", "notes.txt"), "utf8"), "anything");
    });
  });
}
