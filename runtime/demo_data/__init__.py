"""A believable shop to begin with: made from a seed by pure functions, then loaded in one go."""

from runtime.demo_data.loading import load_demo_data
from runtime.demo_data.people import DemoUser, demo_users
from runtime.demo_data.world import World, make_world

__all__ = ["DemoUser", "World", "demo_users", "load_demo_data", "make_world"]
