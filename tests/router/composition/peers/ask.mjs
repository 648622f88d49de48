// Lets another gateway answer an operation through a supergraph, in this process, and prints its answer as JSON.
//
//   node ask.mjs apollo|hive SUPERGRAPH_FILE OPERATION [TOKENS]
//
// TOKENS is a JSON object that gives for each routing url the Authorization header its subgraph wants.
// The packages are looked for in the folder that NODE_MODULES names, or beside this file.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const require = createRequire(join(process.env.NODE_MODULES ?? import.meta.dirname, "anchor.js"));
const [peer, file, operation, tokens = "{}"] = process.argv.slice(2);
const supergraph = readFileSync(file, "utf8");
const authorization = JSON.parse(tokens);

async function askApollo() {
  const { ApolloGateway, RemoteGraphQLDataSource } = require("@apollo/gateway");
  const { parse } = require("graphql");
  class WithToken extends RemoteGraphQLDataSource {
    willSendRequest({ request }) {
      request.http.headers.set("authorization", authorization[this.url] ?? "");
    }
  }
  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const gateway = new ApolloGateway({
    supergraphSdl: supergraph,
    buildService: ({ url }) => new WithToken({ url }),
    logger: quiet,
  });
  const { executor } = await gateway.load();
  const answer = await executor({
    document: parse(operation),
    request: { query: operation, variables: {} },
    queryHash: "only",
    context: {},
    cache: new Map(),
    logger: quiet,
    metrics: {},
  });
  await gateway.stop();
  return answer;
}

async function askHive() {
  const { createGatewayRuntime } = await import(pathToFileURL(require.resolve("@graphql-hive/gateway-runtime")).href);
  const withToken = {
    onFetch({ url, options, setOptions }) {
      setOptions({ ...options, headers: { ...options.headers, authorization: authorization[url] ?? "" } });
    },
  };
  const gateway = createGatewayRuntime({ supergraph, logging: false, maskedErrors: false, plugins: () => [withToken] });
  const response = await gateway.fetch("http://localhost/graphql", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ query: operation }),
  });
  return response.json();
}

const answer = await (peer === "apollo" ? askApollo() : askHive());
console.log(JSON.stringify(answer));
process.exit(0);
