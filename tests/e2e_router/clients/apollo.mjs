// Apollo Client: persisted queries by hash, mutations, subscriptions over multipart, @defer in both formats, @stream.
import { createHash } from "node:crypto";

import { ApolloClient, gql, HttpLink, InMemoryCache } from "@apollo/client";
import { Defer20220824Handler, GraphQL17Alpha9Handler } from "@apollo/client/incremental";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";

import { DEFERRED, MUTATION, QUERY, recording, report, STREAMED, SUBSCRIPTION } from "./report.mjs";

const [uri] = process.argv.slice(2);
const [recorded, requests] = recording(fetch);
const sha256 = (text) => createHash("sha256").update(text).digest("hex");

function client(link, incrementalHandler = new Defer20220824Handler()) {
  return new ApolloClient({ cache: new InMemoryCache(), link, incrementalHandler });
}

const plain = client(new HttpLink({ uri, fetch: recorded }));
const hashed = client(new PersistedQueryLink({ sha256 }).concat(new HttpLink({ uri, fetch: recorded })));
const modern = client(new HttpLink({ uri, fetch: recorded }), new GraphQL17Alpha9Handler());
const ask = { query: gql(QUERY), fetchPolicy: "network-only" };

// Return the values of an observable until it ends, or until there are enough.
function values(observable, enough = Infinity) {
  return new Promise((resolve, reject) => {
    const found = [];
    const subscription = observable.subscribe({
      next({ data, error }) {
        if (error) return reject(error);
        if (data) found.push(structuredClone(data));
        if (found.length >= enough) {
          subscription.unsubscribe();
          resolve(found);
        }
      },
      error: reject,
      complete: () => resolve(found),
    });
  });
}

await report({
  query: async () => (await plain.query(ask)).data,
  mutation: async () => (await plain.mutate({ mutation: gql(MUTATION) })).data,
  async persisted() {
    requests.length = 0;
    const first = (await hashed.query(ask)).data;
    const second = (await hashed.query(ask)).data;
    return { first, second, texts: requests.map(({ body }) => "query" in JSON.parse(body)) };
  },
  subscription: () => values(plain.subscribe({ query: gql(SUBSCRIPTION) })),
  deferred: () => values(plain.watchQuery({ query: gql(DEFERRED), fetchPolicy: "network-only" }), 2),
  deferredToday: () => values(modern.watchQuery({ query: gql(DEFERRED), fetchPolicy: "network-only" }), 2),
  streamed: () => values(modern.watchQuery({ query: gql(STREAMED), fetchPolicy: "network-only" }), 2),
});
