"""Signals: named facts about a request, computed only where something asks for them."""
