"""A simulated inference server: it speaks the OpenAI API and vLLM's metrics, with a real queue and faults on demand.

Routing can only be shown, tested and measured against upstreams whose speed, load and failures are under control and
which tell what they really received. ``server.SimServer`` runs one inside the caller's event loop,
``process.SimProcess`` one in a process of its own (which can be killed), ``forebay sim`` one from a shell.

Nothing is imported here, so that the command's help needs none of the HTTP server's packages.
"""
