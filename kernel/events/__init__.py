"""Domain events: the published language, the envelope and its delivery."""
