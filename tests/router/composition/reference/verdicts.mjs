// Asks @apollo/composition for its verdict on every case of the corpus.
//
//   node verdicts.mjs CORPUS                        prints the verdicts as JSON, with sorted codes
//   node verdicts.mjs --all CORPUS                  prints the supergraphs of all accepted cases as JSON
//   node verdicts.mjs --compose FILE                prints the supergraph (or the errors) of one case
//   node verdicts.mjs --supergraphs CORPUS FOLDER   composes again the supergraphs that are in FOLDER
//
// The packages are looked for in the folder that NODE_MODULES names, or beside this file.

import { readFileSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";

const require = createRequire(join(process.env.NODE_MODULES ?? import.meta.dirname, "anchor.js"));
const { composeServices } = require("@apollo/composition");
const { parse } = require("graphql");

function casesBelow(folder) {
  return readdirSync(folder)
    .flatMap((name) => {
      const path = join(folder, name);
      return statSync(path).isDirectory() ? casesBelow(path) : name.endsWith(".graphql") ? [path] : [];
    })
    .sort();
}

function subgraphsOf(path) {
  return readFileSync(path, "utf8")
    .split(/^# subgraph: /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n");
      return { name: part.slice(0, end).trim(), sdl: part.slice(end + 1) };
    });
}

function compose(path) {
  const errors = [];
  const services = [];
  for (const { name, sdl } of subgraphsOf(path)) {
    try {
      services.push({ name, url: `http://${name}`, typeDefs: parse(sdl) });
    } catch (error) {
      errors.push({ extensions: { code: "INVALID_GRAPHQL" }, message: error.message });
    }
  }
  return errors.length ? { errors } : composeServices(services);
}

function verdict(path) {
  const result = compose(path);
  const codes = [...new Set((result.errors ?? []).map((it) => it.extensions?.code ?? "NO_CODE"))].sort();
  const hints = [...new Set((result.hints ?? []).map((it) => it.definition.code))].sort();
  return codes.length ? { accepted: false, codes } : { accepted: true, hints };
}

function namesOf(corpus) {
  return casesBelow(corpus).map((path) => relative(corpus, path).replace(/\.graphql$/, ""));
}

// Some cases make the reference itself fail; that is recorded as such.
function attempt(action) {
  try {
    return action();
  } catch (error) {
    return { crashed: String(error.message).split("\n")[0] };
  }
}

const [argument, file, folder] = process.argv.slice(2);
if (argument === "--compose") {
  const result = compose(file);
  for (const it of result.errors ?? []) console.log(`${it.extensions?.code}: ${it.message}`);
  console.log(result.supergraphSdl ?? "");
} else if (argument === "--all") {
  const sdls = namesOf(file).map((name) => [name, attempt(() => compose(join(file, `${name}.graphql`))).supergraphSdl]);
  console.log(JSON.stringify(Object.fromEntries(sdls.filter(([, sdl]) => sdl))));
} else if (argument === "--supergraphs") {
  for (const name of readdirSync(folder)) {
    const { supergraphSdl } = compose(join(file, name.replace("__", "/")));
    writeFileSync(join(folder, name), supergraphSdl);
  }
} else {
  const verdicts = namesOf(argument).map((name) => [name, attempt(() => verdict(join(argument, `${name}.graphql`)))]);
  console.log(JSON.stringify(Object.fromEntries(verdicts), null, 1));
}
