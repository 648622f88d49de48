import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { getOperationAST, parse, visit } from "graphql";
import { createClient } from "graphql-ws";

const PREFLIGHT = { "apollo-require-preflight": "explorer" };

// How GraphiQL sends operations: to the address that tells the plan and timings with the answer, with its last part, or
// with each event.
export function makeFetcher(settings, session, plans) {
  const plain = createGraphiQLFetcher({ url: new URL(settings.endpoint, location.href).href, headers: PREFLIGHT });
  const noting = createGraphiQLFetcher({ url: plans.address.href, headers: PREFLIGHT });

  return async (request, options) => {
    const headers = { ...PREFLIGHT, ...(await session.headers()), ...options?.headers };
    if (request.operationName === "IntrospectionQuery") return plain(request, { ...options, headers });
    const kind = kindOf(request);
    if (kind === "subscription") {
      void plans.explain(request, "waits");
      return plans.follow(request, events(plans.address, request, headers));
    }
    if (kind === "incremental") return plans.follow(request, await noting(request, { ...options, headers }));
    return plans.run(request, headers);
  };
}

function kindOf({ query, operationName }) {
  let document;
  try {
    document = parse(query);
  } catch {
    return "unknown"; // the server says what is wrong with it
  }
  if (getOperationAST(document, operationName)?.operation === "subscription") return "subscription";
  let incremental = false;
  visit(document, {
    Directive(node) {
      incremental ||= node.name.value === "defer" || node.name.value === "stream";
    },
  });
  return incremental ? "incremental" : "one answer";
}

async function* events(url, request, headers) {
  const address = new URL(url);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  const client = createClient({ url: address.href, connectionParams: headers, retryAttempts: 0 });
  try {
    for await (const event of client.iterate(request)) yield event;
  } finally {
    await client.dispose();
  }
}
