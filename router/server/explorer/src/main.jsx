import "./workers.js";

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import "graphiql/style.css";
import "./page.css";

// The server writes the page's settings into a data block, so that no script has to be made per request.
const settings = JSON.parse(document.getElementById("settings").textContent);

const fetcher = createGraphiQLFetcher({
  url: new URL(settings.endpoint, location.href).href,
  headers: { "apollo-require-preflight": "explorer" },
});

const root = createRoot(document.getElementById("explorer"));
root.render(
  <GraphiQL
    fetcher={fetcher}
    defaultEditorToolsVisibility="variables"
    defaultTabs={settings.samples.length > 0 ? settings.samples : undefined}
  >
    <GraphiQL.Logo>
      <span className="storegraph-logo">{settings.title}</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
