"""What all subgraphs share: values, storage, events, identity and the GraphQL kit. Knows none of them."""
