"""Profiles of hypothesis: `ci` where CI is set, `dev` elsewhere.

HYPOTHESIS_PROFILE names another one than that. Neither has a deadline: the first
example of a test may have to wait until its kernels are compiled.
"""

import os

from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)
