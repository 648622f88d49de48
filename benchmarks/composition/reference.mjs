// Composes the subgraphs it reads from standard input with @apollo/composition and prints the CPU milliseconds of each round.
//
// Input: {"subgraphs": [{"name", "sdl"}], "rounds": N}. NODE_MODULES names the folder whose node_modules has the package.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const require = createRequire(join(process.env.NODE_MODULES ?? import.meta.dirname, "anchor.js"));
const { composeServices } = require("@apollo/composition");
const { parse } = require("graphql");

const { subgraphs, rounds } = JSON.parse(readFileSync(0, "utf8"));
const times = [];
for (let round = 0; round < rounds; round += 1) {
  const started = process.cpuUsage();
  const services = subgraphs.map(({ name, sdl }) => ({ name, url: "", typeDefs: parse(sdl) }));
  const { errors } = composeServices(services);
  if (errors) throw new Error(errors[0].message);
  const { user, system } = process.cpuUsage(started);
  times.push((user + system) / 1000);
}
console.log(JSON.stringify(times));
