"""Request pre-filters: what a server asks for is narrowed before Placement is asked."""
