"""What programs say of their tags, in Markdown: kept with the run, and so bounded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from sqlalchemy import select

from .engine import in_groups
from .schema import clean_text, runs

if TYPE_CHECKING:
    from .store import Store

MOST_TAGS = 500
LONGEST = 4_000
"""Characters of one description: the row of a run is read and written often."""


def described(before: Mapping[str, str], told: Mapping[Any, Any]) -> dict[str, str]:
    """Descriptions by tag, with what is told besides. Raises ``TypeError`` unless all are texts."""
    texts = {clean_text(tag): clean_text(text)[:LONGEST] for tag, text in told.items()}
    return dict(islice({**before, **texts}.items(), MOST_TAGS))


def read_descriptions(store: Store, ids: Sequence[str]) -> dict[str, str]:
    """How tags are described, by the first of these runs that does."""
    found: dict[str, dict[str, str]] = {}
    with store.reading() as connection:
        for group in in_groups(list(ids)):
            query = select(runs.c.run_id, runs.c.descriptions).where(
                runs.c.run_id.in_(group), runs.c.deleted_at.is_(None)
            )
            found |= {run: told for run, told in connection.execute(query)}
    return {tag: text for run in reversed(ids) for tag, text in found.get(run, {}).items()}
