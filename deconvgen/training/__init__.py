"""The loop, and what a train step, a checkpoint and a record are made of."""
