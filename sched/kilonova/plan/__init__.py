"""Operations on many servers at once, planned before anything is written."""
