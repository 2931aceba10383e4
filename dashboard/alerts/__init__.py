"""What happened in runs and what rules find in them: the time line, rules, and the webhook."""
