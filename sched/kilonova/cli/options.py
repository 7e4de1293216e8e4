"""Arguments and options that several commands have, each with its one help text."""

from pathlib import Path
from typing import Annotated

import typer

_KEY_VALUE = "KEY=VALUE"
Texts = list[str] | None
"""What an option that may be repeated gives."""

# What is worked on, and what comes of it.
CloudPath = Annotated[
    Path,
    typer.Argument(
        metavar="CLOUD", help="A JSON document, or a folder that Cloud.write wrote."
    ),
]
RecordsPath = Annotated[
    Path,
    typer.Option(
        "--records", metavar="RECORDS.json", help="Servers, migrations and ports."
    ),
]
Out = Annotated[
    Path | None,
    typer.Option("--out", metavar="DIR", help="Write the cloud as it is then."),
]
RecordsOut = Annotated[
    Path | None,
    typer.Option("--records-out", metavar="FILE", help="Write the records, too."),
]
Json = Annotated[
    bool, typer.Option("--json", help="Print one JSON object instead of text.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Tell of each step.")]

# How Nova is set up, and what is drawn.
ConfigFile = Annotated[
    Path | None,
    typer.Option("--config-file", metavar="FILE", help="nova.conf, or TOML."),
]
NovaConf = Annotated[
    Path | None, typer.Option("--config-file", metavar="FILE", help="nova.conf.")
]
Seed = Annotated[int, typer.Option("--seed", metavar="N", help="Of draws.")]

# Who asks, and the rules that are asked.
_CALLER = "role:R,project:P,scope:S"
Caller = Annotated[
    str | None, typer.Option("--as", metavar=_CALLER, help="Ask a policy.")
]
KnownCaller = Annotated[
    str, typer.Option("--as", metavar=_CALLER, help="Also user:U, domain:D.")
]
Rules = Annotated[
    str,
    typer.Option(
        "--rules", metavar="ussuri|current", help="Of Nova 21 or 34, and Placement."
    ),
]
PolicyFile = Annotated[
    Path | None,
    typer.Option("--policy-file", metavar="FILE", help="Overrides: policy.yaml."),
]

# Servers that are to be, and where.
Destination = Annotated[
    str | None, typer.Option("--host", metavar="HOST", help="Where to; else anywhere.")
]
Image = Annotated[str, typer.Option("--image", metavar="UUID", help="Of the image.")]
Flavor = Annotated[
    str,
    typer.Option(
        "--flavor",
        metavar="vcpus=N,ram=MIB,...",
        help="Also disk and ephemeral in GiB, swap in MiB, name.",
    ),
]
Properties = Annotated[
    Texts, typer.Option("--property", metavar=_KEY_VALUE, help="Flavor extra spec.")
]
ImageProperties = Annotated[
    Texts, typer.Option("--image-property", metavar=_KEY_VALUE, help="Of the image.")
]
Hints = Annotated[
    Texts, typer.Option("--hint", metavar=_KEY_VALUE, help="Scheduler hint.")
]
Count = Annotated[int, typer.Option("--count", metavar="N", help="Servers.")]
AvailabilityZone = Annotated[
    str | None, typer.Option("--availability-zone", metavar="ZONE", help="Zone.")
]
