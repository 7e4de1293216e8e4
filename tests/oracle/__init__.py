"""The naive twin of every stage: plain Python over plain objects, never made faster."""
