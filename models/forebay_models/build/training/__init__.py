"""Fine-tuning of the shared encoder on several tasks at once, on a CPU (extra `train`: jax)."""
