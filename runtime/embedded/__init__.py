"""The embedded stack: real PostgreSQL and Valkey as child processes, their data in one folder."""
