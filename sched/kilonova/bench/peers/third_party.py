"""The one place where Placement is imported, with the warnings of its imports muted.

Only what the libraries below Placement do while they load is excused; a warning from
our own code is an error here as everywhere.
"""

import warnings

with warnings.catch_warnings():
    # WebOb 1.8 still imports cgi, which Python 3.13 drops.
    warnings.filterwarnings("ignore", "'cgi' is deprecated", DeprecationWarning)
    import sqlalchemy
    from oslo_config import cfg
    from placement import conf, context, db_api, deploy
    from placement.db.sqlalchemy import migration, models
    from placement.objects import (
        allocation,
        allocation_candidate,
        inventory,
        project,
        research_context,
        resource_class,
        resource_provider,
        trait,
        user,
    )
    from placement.objects import consumer as consumer_object

__all__ = [
    "allocation",
    "allocation_candidate",
    "cfg",
    "conf",
    "consumer_object",
    "context",
    "db_api",
    "deploy",
    "inventory",
    "migration",
    "models",
    "project",
    "research_context",
    "resource_class",
    "resource_provider",
    "sqlalchemy",
    "trait",
    "user",
]
