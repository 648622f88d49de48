// graphql-ws: everything over one WebSocket.
import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { MUTATION, QUERY, report, SUBSCRIPTION } from "./report.mjs";

const [url] = process.argv.slice(2);
const client = createClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket });

async function values(query) {
  const found = [];
  for await (const { data, errors } of client.iterate({ query })) {
    if (errors) throw new Error(errors[0].message);
    found.push(data);
  }
  return found;
}

await report({
  query: () => values(QUERY),
  mutation: () => values(MUTATION),
  subscription: () => values(SUBSCRIPTION),
});
