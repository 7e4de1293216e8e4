"""Recorded clusters and traces: replay, metrics and the report of a replay."""
