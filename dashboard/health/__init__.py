"""What the statistics, events and times of a run say about its health."""
