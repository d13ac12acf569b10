"""Forebay's own Envoy: pure functions from accepted policies and pools to xDS resources.

Listeners depend on nothing that people edit often: policies and pools change routes, clusters, endpoints and secrets
only, so that an edit never drains a connection.
"""
