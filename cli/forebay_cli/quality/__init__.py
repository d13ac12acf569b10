"""`forebay quality`: every shipped signal on public data, beside trivial baselines and installable peers."""
