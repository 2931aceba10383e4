"""What each kind looks like: in ``cards/x.py``, ``read`` is a bounded query and ``draw`` shows its result."""
