"""What a user runs to believe the claims: workloads, peers, replays, gates."""
