"""What stands between the executor and the subgraphs to spare them work."""
