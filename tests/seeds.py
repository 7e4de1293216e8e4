"""The seed of what tests draw: SEED=n of the environment, or a new one in each run."""

import os
import random

SEED = int(os.environ.get("SEED") or random.randrange(1, 1 << 31))
