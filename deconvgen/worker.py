"""The old name of `deconvgen.sweep.worker`: jobs that are queued already say it."""

from deconvgen.sweep.worker import *  # noqa: F403
