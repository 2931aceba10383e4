"""Which tags are wanted: by name, or by patterns with ``*`` and ``?``."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from fnmatch import translate


def tag_filter(tags: Iterable[str] | None) -> Callable[[str], bool]:
    """Whether a tag is one of ``tags``, or fits one of them; without any, every tag is wanted."""
    if tags is None:
        return lambda tag: True
    names = list(tags)
    pattern = re.compile("|".join(map(translate, names)) or r"(?!)")
    return lambda tag: tag in names or bool(pattern.match(tag))
