"""The ``kilonova`` command: one module per subcommand."""

import gc
import sys
from collections.abc import Sequence
from io import TextIOWrapper

# New objects after which Python looks for cycles among them. Imports make very many
# that all stay: with Python's own 700, looking takes a tenth of the start.
_OBJECTS = 50_000


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; errors that users can mend become one line and exit code 2."""
    try:
        _run(sys.argv[1:] if arguments is None else list(arguments))
    except KeyboardInterrupt:
        print("kilonova: interrupted; nothing was written", file=sys.stderr)
        raise SystemExit(130) from None


def _run(arguments: list[str]) -> None:
    gc.set_threshold(_OBJECTS)
    from kilonova.cli.bench_app import app
    from kilonova.errors import KilonovaError

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            # A name that the terminal cannot show must not end the command.
            stream.reconfigure(errors="replace")
    try:
        # Commands see the whole line as well: to some options their order matters.
        app(args=arguments, obj=arguments)
    except KilonovaError as error:
        print(f"kilonova: {error}", file=sys.stderr)
        raise SystemExit(2) from error
