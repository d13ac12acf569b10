"""What goes wrong in the demo, one thing after the other, under a steady load; and what the load saw of it."""
