import { Store } from "./store.js";

const EXTENSION = "storegraph";

// The plan of the operation that was last run, or that was last asked about.
export class PlanStore extends Store {
  #addresses;
  #session;

  constructor(addresses, session) {
    super({ notes: null, name: null, how: null, error: null });
    this.#addresses = addresses;
    this.#session = session;
  }

  // Run an operation; return its answer as any client would get it, and keep what came besides.
  async run(request, headers) {
    const answer = await post(this.#addresses.run, request, headers);
    this.#keep(request, answer, "ran");
    const { [EXTENSION]: _, ...others } = answer.extensions ?? {};
    const { extensions: __, ...rest } = answer;
    return Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest;
  }

  // Ask how an operation would be answered, without running it, or while it is streamed by another way.
  async explain(request, headers) {
    const own = headers ?? (await this.#session.headers());
    this.#keep(request, await post(this.#addresses.explain, request, own), headers ? "streamed" : "planned");
  }

  #keep(request, answer, how) {
    const notes = answer.extensions?.[EXTENSION] ?? null;
    const error = notes ? null : (answer.errors?.[0]?.message ?? "There is no plan.");
    this.change({ notes, how, error, name: request.operationName ?? null });
  }
}

async function post(address, { query, variables, operationName }, headers) {
  const response = await fetch(address, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query, variables: variables || undefined, operationName }),
  });
  return response.json();
}
