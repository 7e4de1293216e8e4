"""Placement's WSGI application, called directly, on a database of its own."""

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any, NamedTuple, Self

from kilonova.bench.peers.third_party import (
    cfg,
    conf,
    context,
    db_api,
    deploy,
    migration,
    models,
    resource_class,
    sqlalchemy,
    trait,
)

LATEST = "1.39"
_IN_MEMORY = "sqlite://"

# Every answer's status is looked at by its caller; a traceback on stderr for each 500
# that a defect of Placement causes would hide the real failure.
logging.getLogger("placement").setLevel(logging.CRITICAL)


class Answer(NamedTuple):
    """What Placement said: HTTP status and body, with names in place of UUIDs."""

    status: int
    body: Any

    @property
    def code(self) -> str | None:
        """Placement's error code, or None where the body has none."""
        errors = self.body.get("errors") if isinstance(self.body, dict) else None
        code: str | None = errors[0].get("code") if errors else None
        return code

    @property
    def detail(self) -> str:
        """What the first error says, or nothing."""
        errors = self.body.get("errors") if isinstance(self.body, dict) else None
        return str(errors[0].get("detail", "")) if errors else ""


class PlacementApplication:
    """A Placement service, open inside a ``with`` block.

    Parameters
    ----------
    options
        Configuration by ``group__option``, such as
        ``workarounds__optimize_for_wide_provider_trees=True``. The database,
        ``placement_database__connection``, is one in memory where left out; another one
        must be empty, and is emptied again.

    Notes
    -----
    Several may be open at once in one thread: the database of each is put in the place
    of Placement's global one for the length of each call.
    """

    def __init__(self, **options: object) -> None:
        self._options = options

    def __enter__(self) -> Self:
        self._config = cfg.ConfigOpts()
        conf.register_opts(self._config)
        overrides = {
            "api__auth_strategy": "noauth2",
            "placement_database__connection": _IN_MEMORY,
            **self._options,
        }
        for name, value in overrides.items():
            group, _, option = name.partition("__")
            self._config.set_override(option, value, group=group)
        # Without these empty lists the machine's own files would be read.
        self._config([], default_config_files=[], default_config_dirs=[])
        self._database = db_api.enginefacade.transaction_context()
        self._connection = str(overrides["placement_database__connection"])
        self._database.configure(connection=self._connection)
        if self._connection != _IN_MEMORY:
            # All tables are dropped in the end: none may be another's.
            assert not sqlalchemy.inspect(self._engine()).get_table_names()
        with self._own_database():
            migration.create_schema()
            # Placement fills its tables once a process; ours are new.
            trait._TRAITS_SYNCED = False
            resource_class._RESOURCE_CLASSES_SYNCED = False
            self._application: Callable[..., Any] = deploy.loadapp(self._config)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        engine = self._engine()
        if self._connection != _IN_MEMORY:
            models.BASE.metadata.drop_all(engine)
        engine.dispose()

    def call(
        self,
        method: str,
        path: str,
        *,
        query: str = "",
        body: object = None,
        microversion: str = LATEST,
    ) -> tuple[int, bytes]:
        """Send any request and return status and body untouched, for benchmarks."""
        raw = b"" if body is None else json.dumps(body).encode()
        environ = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "placement",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "CONTENT_LENGTH": str(len(raw)),
            "CONTENT_TYPE": "application/json",
            "HTTP_ACCEPT": "application/json",
            "HTTP_OPENSTACK_API_VERSION": f"placement {microversion}",
            "HTTP_X_AUTH_TOKEN": "admin",
            "HTTP_X_ROLES": "admin,member,reader",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(raw),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": False,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        statuses: list[str] = []
        with self._own_database():
            chunks = self._application(
                environ, lambda status, *_ignored: statuses.append(status)
            )
            answer = b"".join(chunks)
        return int(statuses[-1].split()[0]), answer

    def _engine(self) -> Any:
        return self._database.writer.get_engine()

    @contextmanager
    def writer(self) -> Iterator[Any]:
        """Open a transaction; yields a request context of Placement."""
        own = context.RequestContext(config=self._config)
        with self._own_database(), db_api.placement_context_manager.writer.using(own):
            yield own

    @contextmanager
    def _own_database(self) -> Iterator[None]:
        restore = db_api.placement_context_manager.patch_factory(self._database)
        try:
            yield
        finally:
            restore()
