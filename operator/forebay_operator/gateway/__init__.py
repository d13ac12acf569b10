"""Policies attached to Gateways and HTTPRoutes (GEP-713): whose requests are whose, and what is written for that."""
