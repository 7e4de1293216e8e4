"""Operations on servers: boots, moves and deletions, step by step as in Nova."""
