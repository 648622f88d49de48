// What a Relay network layer does: one function that posts the text of an operation and reads JSON.
import { MUTATION, QUERY, report } from "./report.mjs";

const [url] = process.argv.slice(2);

async function fetchGraphQL({ text, name }, variables) {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/graphql-response+json, application/json;q=0.9" },
    body: JSON.stringify({ query: text, operationName: name, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(errors[0].message);
  return { data, status: response.status, type: response.headers.get("content-type").split(";")[0] };
}

await report({
  query: () => fetchGraphQL({ text: QUERY, name: "Rated" }, {}),
  mutation: () => fetchGraphQL({ text: MUTATION, name: "Touch" }, {}),
});
