import { ToolbarButton, useGraphiQL, useGraphiQLActions } from "@graphiql/react";
import { useState } from "react";

const VIEWS = { timeline: "Timeline", text: "Plan", code: "Code", json: "JSON" };

function PlanIcon({ className }) {
  return (
    <svg className={className} viewBox="0 0 24 24" height="1em" fill="none" stroke="currentColor" strokeWidth="1.6">
      <path d="M3 5h9M7 12h9M12 19h9" strokeLinecap="round" />
    </svg>
  );
}

// The panel that shows how the last operation was answered.
export function planPlugin(plans) {
  return { title: "Query plan", icon: PlanIcon, content: () => <PlanPanel plans={plans} /> };
}

// Shows the plan of the operation in the editor without running it.
export function PlanButton({ plans, plugin }) {
  const { setVisiblePlugin } = useGraphiQLActions();
  const queryEditor = useGraphiQL((state) => state.queryEditor);
  const variableEditor = useGraphiQL((state) => state.variableEditor);
  const operationName = useGraphiQL((state) => state.operationName);
  const explain = () => {
    setVisiblePlugin(plugin);
    void plans.explain({ query: queryEditor?.getValue() ?? "", variables: values(variableEditor), operationName });
  };
  return (
    <ToolbarButton onClick={explain} label="Show the plan without running">
      <PlanIcon className="graphiql-toolbar-icon" />
    </ToolbarButton>
  );
}

function values(editor) {
  try {
    return JSON.parse(editor?.getValue() || "{}");
  } catch {
    return {}; // running the operation tells what is wrong with them
  }
}

function PlanPanel({ plans }) {
  const { notes, name, how, error } = plans.use();
  const ran = how === "ran" || how === "streamed";
  const [view, setView] = useState("timeline");
  if (!notes) {
    return (
      <section className="plan">
        <h2 className="plan-title">Query plan</h2>
        <p className="plan-empty">
          {error ?? "Run an operation to see which subgraph was asked for what, in what order, and how long it took."}
        </p>
      </section>
    );
  }
  return (
    <section className="plan">
      <h2 className="plan-title">Query plan</h2>
      <p className="plan-summary">
        <strong>{name ?? `Unnamed ${notes.kind}`}</strong>
        <span>{summary(notes, how)}</span>
      </p>
      <div className="plan-views" role="tablist">
        {Object.entries(VIEWS).map(([key, label]) => (
          <button key={key} type="button" role="tab" aria-selected={view === key} onClick={() => setView(key)}>
            {label}
          </button>
        ))}
      </div>
      {view === "timeline" && <Timeline notes={notes} ran={ran} />}
      {view === "text" && <Source text={notes.text} />}
      {view === "code" && <Source text={notes.code} />}
      {view === "json" && <Source text={JSON.stringify(notes.apollo, null, 2)} />}
    </section>
  );
}

function summary({ fetches, milliseconds, kind, delivered }, how) {
  const subgraphs = new Set(fetches.map(({ subgraph }) => subgraph)).size;
  const asked = `${count(fetches.length, "fetch", "fetches")} to ${count(subgraphs, "subgraph", "subgraphs")}`;
  if (how === "ran") return `${asked} in ${time(milliseconds)}`;
  if (how === "planned") return `${asked}, not run`;
  if (how === "waits") return `${asked} for each event`;
  if (kind === "subscription") return `${asked} for each event, the last in ${time(milliseconds)}`;
  return `${asked}, answered in parts: the first after ${time(delivered[0])}, all in ${time(milliseconds)}`;
}

function Timeline({ notes, ran }) {
  const { fetches, kind, milliseconds, preparing } = notes;
  const subgraphs = [...new Set(fetches.map(({ subgraph }) => subgraph))];
  if (fetches.length === 0) return <p className="plan-empty">The router answers this by itself; no subgraph is asked.</p>;
  return (
    <>
      {ran && (
        <div className="plan-scale" aria-hidden="true">
          <span>0</span>
          <span>{time(milliseconds / 2)}</span>
          <span>{time(milliseconds)}</span>
        </div>
      )}
      <ol className="plan-fetches">
        {fetches.map((fetch) => (
          <Fetch key={fetch.id} fetch={fetch} whole={milliseconds} ran={ran} hue={subgraphs.indexOf(fetch.subgraph)} />
        ))}
      </ol>
      {ran && kind !== "subscription" && preparing > milliseconds / 4 && (
        <p className="plan-note">The first {time(preparing)} went into planning and compiling: the operation was new.</p>
      )}
    </>
  );
}

function Fetch({ fetch, whole, ran, hue }) {
  const { id, subgraph, dependsOn, deferred, paths, started, took, error, status } = fetch;
  const asked = started !== undefined;
  const style = asked && ran ? { left: `${(100 * started) / whole}%`, width: `${(100 * (took ?? 0)) / whole}%` } : {};
  const state = error || (status ?? 200) >= 400 ? "failed" : asked || !ran ? "done" : "spared";
  return (
    <li className="plan-fetch" data-hue={hue % 8} data-state={state}>
      <details>
        <summary>
          <span className="plan-number">{id}</span>
          <span className="plan-subgraph">{subgraph}</span>
          <span className="plan-after">
            {dependsOn.length > 0 && `after ${dependsOn.join(", ")}`}
            {deferred && " (deferred)"}
          </span>
          {ran && <span className="plan-took">{asked ? time(took) : "not needed"}</span>}
          {ran && (
            <span className="plan-track">
              <span className="plan-bar" style={style} />
            </span>
          )}
        </summary>
        <dl className="plan-facts">
          {paths.length > 0 && <Fact name="At" value={paths.join(", ")} />}
          {asked && fetch.entities > 0 && <Fact name="Entities" value={fetch.entities} />}
          {asked && fetch.bytes !== null && <Fact name="Came" value={size(fetch.bytes)} />}
          {error && <Fact name="Failed" value={error} />}
        </dl>
        <Source text={fetch.document} />
      </details>
    </li>
  );
}

function Fact({ name, value }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}

function Source({ text }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard.writeText(text);
    setCopied(true);
    setTimeout(() => setCopied(false), 1500);
  };
  return (
    <div className="plan-source">
      <button type="button" onClick={copy}>
        {copied ? "Copied" : "Copy"}
      </button>
      <pre>{text}</pre>
    </div>
  );
}

function count(number, one, many) {
  return `${number} ${number === 1 ? one : many}`;
}

function time(milliseconds) {
  if (milliseconds === null || milliseconds === undefined) return "";
  return milliseconds < 10 ? `${milliseconds.toFixed(1)} ms` : `${Math.round(milliseconds)} ms`;
}

function size(bytes) {
  return bytes < 1000 ? `${bytes} B` : `${(bytes / 1000).toFixed(1)} kB`;
}
