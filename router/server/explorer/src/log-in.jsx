// The choice of a demo user; what it logs in as goes along with every request.
export function LogIn({ session }) {
  const { user, error } = session.use();
  const choose = (event) => session.choose(event.target.value === "" ? null : Number(event.target.value));
  return (
    <label className="storegraph-user" data-state={error ? "failed" : user === null ? "nobody" : "somebody"} title={error}>
      <span className="storegraph-dot" aria-hidden="true" />
      <span className="storegraph-user-label">Ask as</span>
      <select value={user ?? ""} onChange={choose} aria-label="Ask as">
        <option value="">a guest</option>
        {session.users.map(({ name }, number) => (
          <option key={name} value={number}>
            {name}
          </option>
        ))}
      </select>
      {error && <span role="alert">{error}</span>}
    </label>
  );
}
