"""GraphiQL, bundled from npm sources when the project is set up, and served without anything from elsewhere."""
