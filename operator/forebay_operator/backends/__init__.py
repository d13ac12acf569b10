"""Where a pool's servers are: from what a source knows (addresses, Services, InferencePools) to endpoints."""
