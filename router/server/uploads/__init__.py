"""Files sent along with operations, as the GraphQL multipart request specification says."""
