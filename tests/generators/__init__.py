"""Random and synthetic clouds, and queries about them."""
