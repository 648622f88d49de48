"""The router's face: GraphQL over HTTP as a bare ASGI application, its explorer page, and the processes that serve."""
