"""Profiles of hypothesis: `ci` where CI is set, `dev` elsewhere.

HYPOTHESIS_PROFILE names another one than that. Neither has a deadline: the first
example of a test may have to wait until its kernels are compiled.

A shell that runs something in the background has it ignore Ctrl-C; some tests press it.
"""

import os
import signal
from collections.abc import Iterator

import pytest
from hypothesis import settings

settings.register_profile("ci", derandomize=True, deadline=None, print_blob=True)
settings.register_profile("dev", deadline=None)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="module")
def fixed_clock() -> Iterator[None]:
    """Let it be the moment at which the clouds of moves had their last heartbeats."""
    from kilonova.hosts import clock
    from moves_cloud import NOW

    with clock.using(lambda: NOW):
        yield
