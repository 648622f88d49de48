// graphql-sse: everything as server-sent events, on a connection each or, with `single`, all on one.
import { createClient } from "graphql-sse";

import { DEFERRED, MUTATION, QUERY, recording, report, SUBSCRIPTION } from "./report.mjs";

const [url, mode] = process.argv.slice(2);
const [recorded, requests] = recording(fetch);
const single = { singleConnection: mode === "single", lazyCloseTimeout: 1_000 };
const client = createClient({ url, ...single, retryAttempts: 0, fetchFn: recorded });

const ENDLESS = SUBSCRIPTION.replace("restocked", "restocked(withoutEnd: true)");

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
  together: () => Promise.all([values(SUBSCRIPTION), values(QUERY), values(DEFERRED)]),
  async stopped() {
    for await (const { data } of client.iterate({ query: ENDLESS })) return data;
  },
  async refused() {
    try {
      return await values("{ nothing }");
    } catch (error) {
      return { status: error.response?.status ?? 200, message: error.message };
    }
  },
  requests: () => requests.map(({ method }) => method),
});
