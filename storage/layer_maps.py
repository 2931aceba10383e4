"""Which layer of one run's model a person says is which of another's."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from sqlalchemy import delete, insert, select

from .errors import BadChange
from .schema import clean_text, layer_maps

if TYPE_CHECKING:
    from .store import Store

MOST_PAIRS = 2_000


def read_layer_map(store: Store, run_id: str, other_id: str) -> dict[str, str | None]:
    """For layers of the first run the layer of the other, None for none. A method of ``Store``.

    A map that was saved for the two the other way round counts as well.
    """
    columns = (layer_maps.c.run_id, layer_maps.c.other_id)
    query = select(layer_maps).where(columns[0].in_((run_id, other_id)), columns[1].in_((run_id, other_id)))
    with store.reading() as connection:
        found = {row.run_id: row.pairs for row in connection.execute(query)}
    if run_id in found:
        return dict(found[run_id])
    return {right: left for left, right in found.get(other_id, {}).items() if right is not None}


def save_layer_map(store: Store, run_id: str, other_id: str, pairs: Mapping[str, str | None]) -> None:
    """Keep the pairs of two runs in place of those before. A method of ``Store``.

    Raises ``BadChange`` for too many, and ``RunNotFound``.
    """
    if len(pairs) > MOST_PAIRS:
        raise BadChange(f"{len(pairs):,} corrected layers; {MOST_PAIRS:,} can be kept.")
    for run in (run_id, other_id):
        store.run(run)
    kept = {clean_text(left): None if right is None else clean_text(right) for left, right in pairs.items()}
    row = {"run_id": run_id, "other_id": other_id, "pairs": kept, "saved_at": time.time()}
    both = layer_maps.c.run_id.in_((run_id, other_id)) & layer_maps.c.other_id.in_((run_id, other_id))
    with store.writing() as connection:
        connection.execute(delete(layer_maps).where(both))
        if kept:
            connection.execute(insert(layer_maps), row)
