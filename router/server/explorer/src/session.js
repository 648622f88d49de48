import { Store } from "./store.js";

const CHOSEN = "storegraph:user";
const SPARE_SECONDS = 20;

// Who the explorer's requests come from. A user is logged in by the mutation that the settings name when a request
// needs it, and again when the token has nearly expired.
export class Session extends Store {
  #settings;
  #token = null;
  #loggingIn = null;

  constructor(settings) {
    super({ user: chosenBefore(settings.users), error: null });
    this.#settings = settings;
  }

  get users() {
    return this.#settings.users;
  }

  // Choose a user by number, or nobody by null.
  async choose(user) {
    this.#token = this.#loggingIn = null;
    this.change({ user, error: null });
    sessionStorage.setItem(CHOSEN, user ?? "");
    await this.headers();
  }

  // Return the headers that say who asks.
  async headers() {
    if (this.state.user === null) return {};
    if (!isGood(this.#token)) {
      this.#loggingIn ??= this.#logIn(this.state.user);
      await this.#loggingIn;
      this.#loggingIn = null;
    }
    return this.#token ? { authorization: `Bearer ${this.#token}` } : {};
  }

  async #logIn(user) {
    const { logIn, users, endpoint } = this.#settings;
    try {
      const response = await fetch(endpoint, {
        method: "POST",
        headers: { "content-type": "application/json", accept: "application/json" },
        body: JSON.stringify({ query: logIn.mutation, variables: users[user].variables }),
      });
      const answer = await response.json();
      const token = logIn.token.split(".").reduce((value, key) => value?.[key], answer.data);
      if (this.state.user !== user) return;
      if (!token) throw new Error(answer.errors?.[0]?.message ?? "the answer holds no token");
      this.#token = token;
      this.change({ error: null });
    } catch (error) {
      this.#token = null;
      this.change({ error: `Not logged in: ${error.message}` });
    }
  }
}

function chosenBefore(users) {
  const chosen = sessionStorage.getItem(CHOSEN);
  return chosen && users[Number(chosen)] ? Number(chosen) : null;
}

function isGood(token) {
  if (!token) return false;
  try {
    const { exp } = JSON.parse(atob(token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/")));
    return exp - SPARE_SECONDS > Date.now() / 1000;
  } catch {
    return true; // no JSON Web Token: it says itself when it is no longer good
  }
}
