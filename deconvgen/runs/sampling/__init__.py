"""Pictures drawn from a checkpoint, by kind."""
