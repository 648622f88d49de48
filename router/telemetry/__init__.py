"""What the router tells about itself: logs, the access log, and the ids that tie one request's traces together."""
