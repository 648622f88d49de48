import "./workers.js";

import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";

import "graphiql/style.css";
import "./page.css";
import "./plan.css";

import { makeFetcher } from "./fetcher.js";
import { LogIn } from "./log-in.jsx";
import { PlanStore } from "./plan-store.js";
import { PlanButton, planPlugin } from "./plan-view.jsx";
import { Session } from "./session.js";

// The server writes the page's settings into a data block, so that no script has to be made per request.
const settings = JSON.parse(document.getElementById("settings").textContent);

const session = new Session(settings);
const plans = new PlanStore(settings.plans, session);
const plugins = [HISTORY_PLUGIN, planPlugin(plans)];

// GraphiQL fills its editors from the tabs of the last visit. On the first there are none, and it would show the
// operation of the first tab without its variables.
const isFirstVisit = localStorage.getItem("graphiql:tabState") === null;
const [first] = settings.samples;

const root = createRoot(document.getElementById("explorer"));
root.render(
  <GraphiQL
    fetcher={makeFetcher(settings, session, plans)}
    plugins={plugins}
    defaultEditorToolsVisibility="variables"
    defaultTabs={first && settings.samples}
    initialQuery={isFirstVisit ? first?.query : undefined}
    initialVariables={isFirstVisit ? first?.variables : undefined}
  >
    <GraphiQL.Logo>
      <span className="storegraph-head">
        {settings.users.length > 0 && <LogIn session={session} />}
        <span className="storegraph-logo">{settings.title}</span>
      </span>
    </GraphiQL.Logo>
    <GraphiQL.Toolbar>
      {({ prettify, merge, copy }) => (
        <>
          {prettify}
          {merge}
          {copy}
          <PlanButton plans={plans} plugin={plugins[1]} />
        </>
      )}
    </GraphiQL.Toolbar>
  </GraphiQL>,
);
