"""Losses, one number per example, and their registries."""
