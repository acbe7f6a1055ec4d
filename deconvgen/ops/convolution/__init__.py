"""Convolutions and transposed convolutions, with fast derivatives of every order."""
