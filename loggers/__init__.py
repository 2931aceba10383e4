"""What a training program calls: runs, the spool they write, and hooks into frameworks."""
