"""What profilers' traces say: top operators, time by layer, memory; and the viewer of their timelines."""
