// Our ACME client, and the whole of Atoll, against Let's Encrypt's test CA, unchanged: `npm run
// test:acme`. It is built with Go by the first run; where there is none the suite says so and is
// skipped. `-- --full` has as many orders and handshakes as a person waits for.
import { stderr } from "node:process";
import { after, test } from "node:test";
import { parseArgs } from "node:util";
import { notTested } from "../clients/edge/tool.ts";
import { buildPebble } from "../clients/install.ts";
import { badCaSuite } from "./bad-ca-suite.ts";
import { clientSuite } from "./client-suite.ts";
import { faultsSuite } from "./faults-suite.ts";
import { killSuite } from "./kill-suite.ts";
import { managedSuite } from "./managed-suite.ts";
import { platformSuite } from "./platform-suite.ts";
import { proofSuite } from "./proof-suite.ts";
import { renewalSuite } from "./renewal-suite.ts";

const { full } = parseArgs({ options: { full: { type: "boolean", default: false } } }).values;
const SIZE = full ? { orders: 200, handshakes: 10_000 } : { orders: 40, handshakes: 2_000 };

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
    proofSuite(programs);
    badCaSuite(programs, SIZE.orders);
    killSuite(programs);
    renewalSuite(programs, SIZE.handshakes);
    platformSuite(programs);
  } catch (error) {
    // No test was to run, so there is no end of tests either.
    await stack.disposeAsync();
    throw error;
  }
}
