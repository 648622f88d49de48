"""The federation router: composes, plans, executes and serves Apollo supergraphs; imports nothing else of ours."""
