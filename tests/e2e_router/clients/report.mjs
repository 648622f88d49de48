// Each client does its steps one after the other and prints what came of them as one object of JSON.
export async function report(steps) {
  const results = {};
  for (const [name, step] of Object.entries(steps)) {
    try {
      results[name] = await Promise.race([step(), lateness()]);
    } catch (error) {
      results[name] = { failed: String(error?.message ?? error) };
    }
  }
  console.log(JSON.stringify(results));
  process.exit(0);
}

function lateness() {
  return new Promise((_, reject) => setTimeout(() => reject(new Error("nothing came for 10 s")), 10_000));
}

export const QUERY = "query Rated { products { id name rating } }";
export const MUTATION = "mutation Touch { touch }";
export const SUBSCRIPTION = "subscription Restocked { restocked { name rating } }";
export const DEFERRED = "query Deferred { products { id name ... @defer { rating } } }";
export const STREAMED = "query Streamed { products @stream(initialCount: 1) { id name rating } }";

// Remember what a client sends, on the way to the router.
export function recording(fetch) {
  const requests = [];
  const recorded = (address, options) => {
    requests.push({ method: options?.method ?? "GET", body: options?.body ?? null, address: String(address) });
    return fetch(address, options);
  };
  return [recorded, requests];
}
