"""What makes requests cheap: calls that come back, attempts that are shared, writes that are made together."""
