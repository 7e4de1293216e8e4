"""What is asked: request groups, Placement's query string, ports."""
