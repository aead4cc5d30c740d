import { readFileSync, writeFileSync } from "node:fs";
import { argv, exit, stderr } from "node:process";
import { openApiDocument } from "#api/openapi-document.ts";
import { allRoutes, type RouteParts } from "./routes.ts";
import { VERSION } from "./version.ts";

/** `npm run openapi`: writes openapi.json; with `--check`, says whether it is what routes say. */
const home = { version: VERSION, edge: "", edgeTls: "", caPem: "" };
// Only schemas are read: no handler runs, so that none of what handlers need has to exist.
const parts = { home: () => home, metrics: {}, registry: {} } as RouteParts;
const text = `${JSON.stringify(openApiDocument(allRoutes(parts), VERSION), null, 2)}\n`;

const [, , file = "openapi.json", check] = argv;
if (check !== "--check") {
  writeFileSync(file, text);
} else if (readFileSync(file, "utf8") !== text) {
  stderr.write(`${file} is not what the routes say: run npm run openapi\n`);
  exit(1);
}
