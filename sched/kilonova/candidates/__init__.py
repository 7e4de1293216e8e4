"""What could serve a request: compiled plans, and the search over them."""
