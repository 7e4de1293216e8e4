"""``Cloud``: the columns with their edits and claims, and the questions one can ask."""

from kilonova.cloud.cloud import BaseCloud


class Cloud(BaseCloud):
    """A cloud that can be asked as well as edited. See ``BaseCloud`` for edits."""
