import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import process from "node:process";
import { after, describe, mock, test } from "node:test";
import { startAtoll } from "../support/atoll.ts";
import { inParallel } from "../support/until.ts";
import { createAccount, createEndpoint, createToken, originOf } from "../support/world.ts";
import { clientContract, type Platform } from "./contract.ts";
import { DoctlHome, doctl } from "./doctl.ts";
import { doctlCertificates } from "./doctl-certificates.ts";
import { doctlRegistries } from "./doctl-registry.ts";
import { dots } from "./dots.ts";
import { dotsWrapper } from "./dots-wrapper.ts";
import { buildDoctl } from "./install.ts";
import { mcp } from "./mcp.ts";

/** Two pages of the largest size that there is, which is what doctl asks for. */
const MANY = 230;

/** Clients of DigitalOcean's API; `folder` is the one that has npm's. */
export async function apiClients(folder: string): Promise<void> {
  const program = await buildDoctl();
  const platform = await startPlatform();
  after(async () => {
    await platform.atoll[Symbol.asyncDispose]();
    await platform.limited[Symbol.asyncDispose]();
  });

  // Kiota tells of its own parts whenever a client is made.
  mock.method(console, "debug", () => {});

  clientContract(dotsWrapper(folder), platform);
  clientContract(await dots(folder), platform);
  clientContract(mcp(folder), platform);
  if (program === undefined) {
    process.stderr.write("\n*** There is no Go here: doctl is NOT tested. ***\n\n");
    test("doctl", { skip: "there is no Go to build it with" }, () => {});
  } else {
    clientContract(doctl(program), platform);
    doctlCertificates(program, platform);
    doctlSignIn(program, platform);
    doctlRegistries(program, platform.atoll);
  }
}

async function startPlatform(): Promise<Platform> {
  const atoll = await startAtoll();
  const token = await createAccount(atoll, "client@example.test");
  const many = await createAccount(atoll, "many@example.test");
  const numbers = Array.from({ length: MANY }, (_, index) => index);
  await inParallel(numbers, 16, (number) =>
    createEndpoint(atoll, originOf(`many-${number}`), {}, many),
  );
  const limited = await startAtoll({
    env: { ATOLL_RATE_LIMITS: "on", ATOLL_RATE_LIMIT_CDN: "2" },
  });
  return { atoll, token, many, manyTotal: MANY, limited };
}

function doctlSignIn(doctlProgram: string, platform: Platform): void {
  const api = platform.atoll.url;

  describe("doctl, signed in", () => {
    test("auth init validates a token here, and is told when it is not known", async () => {
      using home = new DoctlHome(doctlProgram);
      const init = (token: string) =>
        home.run(["auth", "init", "--token-validation-server", api], {
          DIGITALOCEAN_ACCESS_TOKEN: token,
        });
      await assert.rejects(init(`dop_v1_${"0".repeat(64)}`), /Unable to use supplied token/);
      await init(platform.token);
      const account = await home.run(["account", "get", "--output", "json", "--api-url", api]);
      assert.match(account, /client@example\.test/);
    });

    test("registry logout revokes the credential that docker had", async () => {
      using home = new DoctlHome(doctlProgram);
      const { secret } = await createToken(platform.atoll);
      const auth = Buffer.from(`owner@localhost:${secret}`).toString("base64");
      const docker = { auths: { "registry.digitalocean.com": { auth } } };
      writeFileSync(join(home.folder, "config.json"), JSON.stringify(docker));
      await home.run(
        ["registry", "logout", "--authorization-server-endpoint", `${api}/v1/oauth/revoke`],
        { DIGITALOCEAN_ACCESS_TOKEN: platform.token, DIGITALOCEAN_API_URL: api },
      );
      const reply = await platform.atoll.api("GET", "/v2/account", { token: secret });
      assert.equal(reply.status, 401);
    });
  });
}
