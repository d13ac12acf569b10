"""Envoy Gateway (gateway.envoyproxy.io/v1alpha1, tried with v1.9): what is written for it, and what it says of that."""
