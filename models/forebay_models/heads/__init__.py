"""Heads: small classifiers on an encoder's vector, so that one encoder pass answers every question about a text."""
