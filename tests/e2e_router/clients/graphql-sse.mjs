// graphql-sse: everything as server-sent events, in the distinct connections mode.
import { createClient } from "graphql-sse";

import { MUTATION, QUERY, report, SUBSCRIPTION } from "./report.mjs";

const [url] = process.argv.slice(2);
const client = createClient({ url });

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
