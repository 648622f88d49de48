"""The worlds of the policy tests."""

from tests.router.policy.conftest import make_world

__all__ = ["make_world"]
