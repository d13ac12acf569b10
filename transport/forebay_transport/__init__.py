"""How Forebay's processes talk to each other: who may, over what, with which certificates, and whom to try next.

Both planes and Envoy's launcher use it, so that there is one answer to each of these questions.
"""
