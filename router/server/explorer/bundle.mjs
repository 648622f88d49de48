// Bundles the page and Monaco's workers into the folder named on the command line.
import { build } from "esbuild";

const [outdir = "dist"] = process.argv.slice(2);

const shared = {
  bundle: true,
  minify: true,
  legalComments: "none",
  logLevel: "warning",
  target: "es2022",
  define: { "process.env.NODE_ENV": '"production"' },
};

await build({
  ...shared,
  entryPoints: { explorer: "src/main.jsx" },
  outdir,
  format: "esm",
  jsx: "automatic",
  // Monaco's icon font travels inside the style sheet: one file less to serve and to allow.
  loader: { ".ttf": "dataurl" },
});

await build({
  ...shared,
  entryPoints: {
    "editor.worker": "monaco-editor/esm/vs/editor/editor.worker.js",
    "json.worker": "monaco-editor/esm/vs/language/json/json.worker.js",
    "graphql.worker": "monaco-graphql/esm/graphql.worker.js",
  },
  outdir,
  format: "iife",
});
