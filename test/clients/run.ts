// Clients that others wrote, unchanged, against a started Atoll: `npm run test:clients`. With a name
// behind it, as in `npm run test:clients -- edge`, only those.
import { argv } from "node:process";
import { apiClients } from "./api.ts";
import { edgeClients } from "./edge.ts";
import { installNpmClients } from "./install.ts";

const SUITES = { api: apiClients, edge: edgeClients };

const [, , wanted] = argv;
if (wanted !== undefined && !Object.hasOwn(SUITES, wanted)) {
  throw new Error(`There is no suite "${wanted}"; there are ${Object.keys(SUITES).join(", ")}`);
}
const folder = await installNpmClients();
for (const [name, suite] of Object.entries(SUITES)) {
  if (wanted === undefined || wanted === name) await suite(folder);
}
