"""Pool state: from the inference servers' metrics pages and the data planes' load reports to `PoolState`."""
