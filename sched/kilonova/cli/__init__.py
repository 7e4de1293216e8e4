"""The ``kilonova`` command: one module per subcommand."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command; errors that users can mend become one line and exit code 2."""
    from kilonova.cli.app import app
    from kilonova.errors import KilonovaError

    try:
        given = sys.argv[1:] if arguments is None else list(arguments)
        # Commands see the whole line as well: to some options their order matters.
        app(args=given, obj=given)
    except KilonovaError as error:
        print(f"kilonova: {error}", file=sys.stderr)
        raise SystemExit(2) from error
    except KeyboardInterrupt:
        print("kilonova: interrupted; nothing was written", file=sys.stderr)
        raise SystemExit(130) from None
