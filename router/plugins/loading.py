"""From the settings to plugins that can be called."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

from router.config import ConfigError
from router.plugin_settings import PluginSettings
from router.plugins.hooks import Plugin


def load_plugins(settings: Sequence[PluginSettings]) -> tuple[Plugin, ...]:
    """Return the plugins, made with what they are told.

    Raises:
        ConfigError: one cannot be loaded, or does not take its settings.
    """
    return tuple(_load(each, number) for number, each in enumerate(settings))


def _load(settings: PluginSettings, number: int) -> Plugin:
    place, _, name = settings.use.rpartition(":")
    try:
        module = _from_file(Path(place)) if place.endswith(".py") else importlib.import_module(place)
        made = getattr(module, name)(**settings.settings)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        raise ConfigError(f"plugins[{number}]: {settings.use} cannot be used: {reason}") from error
    if not isinstance(made, Plugin):
        raise ConfigError(f"plugins[{number}]: {settings.use} is no router.plugins.Plugin")
    return made


def _from_file(path: Path) -> ModuleType:
    """Run a file as a module of its own, anew each time, so that a reload takes over what was changed."""
    spec = importlib.util.spec_from_file_location(f"router_plugin_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
