// urql: its persisted exchange (GET, hash first), mutations, subscriptions over graphql-ws, @defer, @stream.
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { persistedExchange } from "@urql/exchange-persisted";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

import { DEFERRED, MUTATION, QUERY, recording, report, STREAMED, SUBSCRIPTION } from "./report.mjs";

const [url] = process.argv.slice(2);
const [recorded, requests] = recording(fetch);
const socket = createClient({ url: url.replace("http", "ws"), webSocketImpl: WebSocket });

const headers = { "apollo-require-preflight": "1" };
const client = new Client({
  url,
  fetch: recorded,
  preferGetMethod: false,
  fetchOptions: { headers },
  exchanges: [
    persistedExchange({ preferGetForPersistedQueries: true }),
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query: query ?? "", variables }, sink) }),
      }),
    }),
  ],
});

async function data(result) {
  const { data, error } = await result;
  if (error) throw error;
  return data;
}

// Return the results of a source: as many as are asked for, or all that belong to one answer.
function values(source, enough) {
  return new Promise((resolve, reject) => {
    const found = [];
    const { unsubscribe } = source.subscribe(({ data, error, hasNext }) => {
      if (error) return reject(error);
      found.push(structuredClone(data));
      if (enough ? found.length === enough : !hasNext) {
        resolve(found);
        queueMicrotask(() => unsubscribe());
      }
    });
  });
}

await report({
  query: () => data(client.query(QUERY, {})),
  mutation: () => data(client.mutation(MUTATION, {})),
  async persisted() {
    requests.length = 0;
    const again = { requestPolicy: "network-only" };
    const first = await data(client.query(QUERY, {}, again));
    const second = await data(client.query(QUERY, {}, again));
    return { first, second, methods: requests.map(({ method }) => method) };
  },
  subscription: () => values(client.subscription(SUBSCRIPTION, {}), 2),
  deferred: () => values(client.query(DEFERRED, {})),
  // urql puts items where they belong by the format of 2022 only, in which each addition has its index.
  streamed() {
    const accept = "multipart/mixed;deferSpec=20220824";
    return values(client.query(STREAMED, {}, { fetchOptions: { headers: { ...headers, accept } } }));
  },
});
