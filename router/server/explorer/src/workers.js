// Monaco asks for its language workers by label; each is a file of its own beside this script.
const files = { json: "json.worker.js", graphql: "graphql.worker.js" };

globalThis.MonacoEnvironment = {
  getWorker: (_id, label) => new Worker(new URL(files[label] ?? "editor.worker.js", import.meta.url)),
};
