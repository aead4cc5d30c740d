// Clients of registries, as others wrote them, against a started Atoll: `npm run test:registry`.
// `.ci/packages` installs those of Debian; the others are built with Go by the first run. Cosign and
// helm are not among them: each takes minutes of CPU to build. What they do to a registry oras does.
import { stderr } from "node:process";
import { after, test } from "node:test";
import { missing, notTested } from "../clients/edge/tool.ts";
import { buildRegistryClient } from "../clients/install.ts";
import { artifactSuite } from "./artifact-suite.ts";
import { containerSuite } from "./container-suite.ts";
import { imageContract } from "./image-contract.ts";
import { crane, oras, regctl, skopeo } from "./kinds.ts";
import { limitSuite } from "./limit-suite.ts";
import { openSetting } from "./setting.ts";

/** A program that is there, or why it is not. */
type Found = { readonly program: string } | { readonly skip: string };

const CRANE = "github.com/google/go-containerregistry/cmd/crane";
const found = {
  skopeo: await installed("skopeo"),
  podman: await installed("podman"),
  buildah: await installed("buildah"),
  crane: await built("crane", CRANE),
  oras: await built("oras", "oras.land/oras/cmd/oras"),
  regctl: await built("regctl", "github.com/regclient/regclient/cmd/regctl"),
} satisfies Record<string, Found>;

const stack = new AsyncDisposableStack();
after(() => stack.disposeAsync());
try {
  const setting = await openSetting(stack);
  // From here on nothing is waited for: the tests would be over before they are all known.
  use("skopeo", () => imageContract(skopeo, setting));
  use("crane", (program) => imageContract(crane(program), setting));
  use("oras", (program) => {
    imageContract(oras(program), setting);
    artifactSuite(program, setting);
  });
  use("regctl", (program) => imageContract(regctl(program), setting));
  const debian = [found.skopeo, found.podman, found.buildah];
  if (debian.every((one) => "program" in one)) {
    containerSuite(setting);
    limitSuite(setting);
  } else {
    use("podman", () => undefined);
    use("buildah", () => undefined);
  }
} catch (error) {
  // No test was to run, so there is no end of tests either.
  await stack.disposeAsync();
  throw error;
}

/** A test that is skipped stands for what is not there. */
function use(name: keyof typeof found, suite: (program: string) => void): void {
  const one = found[name];
  if ("program" in one) suite(one.program);
  else test(name, { skip: one.skip }, () => {});
}

async function installed(program: string): Promise<Found> {
  const skip = await missing(program);
  return skip === false ? { program } : { skip };
}

async function built(name: string, source: string): Promise<Found> {
  const program = await buildRegistryClient(name, source).catch((error: unknown) => {
    stderr.write(`${String(error)}\n`);
    return undefined;
  });
  if (program !== undefined) return { program };
  return { skip: notTested(name, "there is no Go, or nothing to build it with") };
}
