"""`forebay up`: one machine's Envoy, operator and data plane, started, watched and restarted together."""
