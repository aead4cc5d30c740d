// Our ACME client against Let's Encrypt's test CA, unchanged: `npm run test:acme`. It is built with
// Go by the first run; where there is none the suite says so and is skipped.
import { stderr } from "node:process";
import { after, test } from "node:test";
import { notTested } from "../clients/edge/tool.ts";
import { buildPebble } from "../clients/install.ts";
import { clientSuite } from "./client-suite.ts";
import { faultsSuite } from "./faults-suite.ts";
import { managedSuite } from "./managed-suite.ts";
import { platformSuite } from "./platform-suite.ts";

const programs = await buildPebble().catch((error: unknown) => {
  stderr.write(`${String(error)}\n`);
  return undefined;
});
if (programs === undefined) {
  const skip = notTested("the ACME client", "there is no Go, or nothing to build Pebble with");
  test("Pebble", { skip }, () => {});
} else {
  const stack = new AsyncDisposableStack();
  after(() => stack.disposeAsync());
  try {
    await clientSuite(programs, stack);
    await faultsSuite(programs, stack);
    managedSuite(programs);
    platformSuite(programs);
  } catch (error) {
    // No test was to run, so there is no end of tests either.
    await stack.disposeAsync();
    throw error;
  }
}
