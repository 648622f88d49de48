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

// GraphiQL fills its editors from the tabs of the last visit. On the first there are none, and it would show the
// operation of the first tab without its variables.
const isFirstVisit = localStorage.getItem("graphiql:tabState") === null;
const [first] = settings.samples;

const root = createRoot(document.getElementById("explorer"));
root.render(
  <GraphiQL
    fetcher={fetcher}
    defaultEditorToolsVisibility="variables"
    defaultTabs={first && settings.samples}
    initialQuery={isFirstVisit ? first?.query : undefined}
    initialVariables={isFirstVisit ? first?.variables : undefined}
  >
    <GraphiQL.Logo>
      <span className="storegraph-logo">{settings.title}</span>
    </GraphiQL.Logo>
  </GraphiQL>,
);
