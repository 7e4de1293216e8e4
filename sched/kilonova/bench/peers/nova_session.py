"""What Nova's report client sends to Placement, as calls of its application."""

import time
from collections.abc import Mapping
from json import loads
from typing import Any

from kilonova.bench.peers.wsgi import PlacementApplication

# What is meant where no microversion is named.
_OLDEST = "1.0"


class Answer:
    """What Placement answered, as an HTTP session would give it."""

    def __init__(self, status: int, raw: bytes) -> None:
        self.status_code = status
        self.text = raw.decode()
        self.headers: Mapping[str, str] = {}

    def json(self) -> Any:
        """Read the body."""
        return loads(self.text)


class Session:
    """What Nova's report client sends its requests through.

    Attributes
    ----------
    seconds
        Time that Placement took for all requests.
    """

    def __init__(self, placement: PlacementApplication) -> None:
        self._placement = placement
        self.seconds = 0.0

    def get(self, url: str, **more: Any) -> Answer:
        """Ask."""
        return self._call("GET", url, **more)

    def put(self, url: str, **more: Any) -> Answer:
        """Replace."""
        return self._call("PUT", url, **more)

    def delete(self, url: str, **more: Any) -> Answer:
        """Remove."""
        return self._call("DELETE", url, **more)

    def _call(
        self,
        method: str,
        url: str,
        *,
        microversion: str | None,
        json: object = None,
        **more: object,
    ) -> Answer:
        path, _, query = url.partition("?")
        start = time.perf_counter()
        status, raw = self._placement.call(
            method, path, query=query, body=json, microversion=microversion or _OLDEST
        )
        self.seconds += time.perf_counter() - start
        return Answer(status, raw)
