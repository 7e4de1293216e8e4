"""Which host takes a request: weighers, devices, selection."""
