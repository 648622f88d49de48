from pathlib import Path

import pytest
from pydantic_settings import SettingsConfigDict

from kernel.settings import Settings, SettingsError, SubgraphSettings


class CarrierSettings(SubgraphSettings):
    model_config = SettingsConfigDict(env_prefix="STOREGRAPH_CARRIER_")

    delay: float = 1.5
    names: tuple[str, ...] = ()


@pytest.fixture
def file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    path = tmp_path / "storegraph.toml"
    monkeypatch.setenv("STOREGRAPH_CONFIG", str(path))
    return path


def test_without_anything_it_is_the_embedded_mode(file: Path):
    settings = Settings.load()
    assert settings.mode == "embedded"
    assert settings.data_dir == Path(".storegraph")


def test_the_environment_outweighs_the_file_and_the_call_both(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('log_level = "DEBUG"\nmode = "services"\ndata_dir = "here"\n[carrier]\ndelay = 3.0\n')
    assert Settings.load().log_level == "DEBUG"
    monkeypatch.setenv("STOREGRAPH_LOG_LEVEL", "ERROR")
    settings = Settings.load(data_dir=Path("there"))
    assert (settings.log_level, settings.mode, settings.data_dir) == ("ERROR", "services", Path("there"))


def test_a_subgraph_has_its_own_prefix_and_table(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('[carrier]\ndelay = 3.0\nnames = ["a"]\n')
    assert CarrierSettings.load() == CarrierSettings(delay=3.0, names=("a",))
    monkeypatch.setenv("STOREGRAPH_CARRIER_DELAY", "0.25")
    assert CarrierSettings.load().delay == 0.25


def test_a_wrong_value_is_told_in_one_line_that_names_it(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("STOREGRAPH_MODE", "cloudy")
    with pytest.raises(SettingsError) as caught:
        Settings.load()
    assert caught.value.message == "STOREGRAPH_MODE: Input should be 'embedded' or 'services'."
    monkeypatch.setenv("STOREGRAPH_CARRIER_DELAY", "soon")
    with pytest.raises(SettingsError, match="STOREGRAPH_CARRIER_DELAY: "):
        CarrierSettings.load()


def test_a_file_that_cannot_be_read_is_told(file: Path):
    file.write_text("mode = ")
    with pytest.raises(SettingsError, match=r"storegraph\.toml cannot be read"):
        Settings.load()


def test_the_internal_key_is_not_shown(file: Path):
    assert "hunter2" not in repr(Settings.load(internal_key="hunter2"))
