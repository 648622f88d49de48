// Runs the public audits of GraphQL over HTTP against the endpoint named on the command line; writes the results as JSON.
// A second argument "forgeable" leaves out the header by which a client shows that no foreign page sent its request.
import { serverAudits } from "graphql-http";

const [url, mode] = process.argv.slice(2);
const proof = mode === "forgeable" ? {} : { "apollo-require-preflight": "1" };
const fetchFn = (to, init = {}) => fetch(to, { ...init, headers: { ...init.headers, ...proof } });

const results = [];
for (const audit of serverAudits({ url, fetchFn })) {
  const { id, name, status, reason } = await audit.fn();
  results.push({ id, name, status, reason });
}
console.log(JSON.stringify(results));
