"""placeholder"""

from __future__ import annotations

from .base import Encoded, Kind


class Histogram: ...


KIND = Kind("histogram", Histogram, "records", lambda h: Encoded({}), lambda e: Histogram())
