"""Start, limit, watch and kill what runs student code."""

from autograder.sandbox.limits import Limits
from autograder.sandbox.process import Box, Reply, Sandbox

__all__ = ["Box", "Limits", "Reply", "Sandbox"]
