import process from "node:process";

/** Never rests, for as long as the one who started it is there. */
const LOOK_MS = 100;

const parent = process.ppid;
while (process.ppid === parent) {
  const until = performance.now() + LOOK_MS;
  while (performance.now() < until);
}
