import { Store } from "./store.js";

const EXTENSION = "storegraph";

// The plan of the operation that was last run, or that was last asked about.
export class PlanStore extends Store {
  #addresses;
  #session;

  constructor(addresses, session) {
    super({ request: null, notes: null, name: null, how: null, error: null });
    this.#addresses = addresses;
    this.#session = session;
  }

  // Where operations are run.
  get address() {
    return new URL(this.#addresses.run, location.href);
  }

  // Run an operation; return its answer as any client would get it, and keep what came besides.
  async run(request, headers) {
    const answer = await post(this.#addresses.run, request, headers);
    this.#keep(request, answer, "ran");
    return withoutNotes(answer);
  }

  // Pass on what comes of an operation bit by bit, and keep what came besides; it may be an error, all in one.
  follow(request, answers) {
    const taken = (answer) => {
      const parts = Array.isArray(answer) ? answer : [answer];
      const noted = parts.find(({ extensions }) => extensions?.[EXTENSION]);
      if (noted) this.#keep(request, noted, "streamed");
      return Array.isArray(answer) ? parts.map(withoutNotes) : withoutNotes(answer);
    };
    return Symbol.asyncIterator in answers ? each(answers, taken) : taken(answers);
  }

  // Ask how an operation would be answered, without running it, or how the events will be that it waits for.
  async explain(request, how = "planned") {
    const answer = await post(this.#addresses.explain, request, await this.#session.headers());
    const isLate = how === "waits" && this.state.request === request; // an event has told more
    if (!isLate) this.#keep(request, answer, how);
  }

  #keep(request, answer, how) {
    const notes = answer.extensions?.[EXTENSION] ?? null;
    const error = notes ? null : (answer.errors?.[0]?.message ?? "There is no plan.");
    this.change({ request, notes, how, error, name: request.operationName ?? null });
  }
}

function withoutNotes(answer) {
  const { extensions, ...rest } = answer;
  const { [EXTENSION]: _, ...others } = extensions ?? {};
  return Object.keys(others).length > 0 ? { ...rest, extensions: others } : rest;
}

async function* each(answers, taken) {
  for await (const answer of answers) yield taken(answer);
}

async function post(address, { query, variables, operationName }, headers) {
  const response = await fetch(address, {
    method: "POST",
    headers: { ...headers, "content-type": "application/json", accept: "application/json" },
    body: JSON.stringify({ query, variables: variables || undefined, operationName }),
  });
  return response.json();
}
