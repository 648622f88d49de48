"""What is written for nginx and the routers, and which programs a machine has."""

import subprocess
from pathlib import Path

import pytest

from router.composition import read_config
from router.config_file import load_settings
from runtime.export_schema import PROJECT, SUPERGRAPH_CONFIG
from runtime.shop import SUBGRAPHS
from runtime.stack import debian
from runtime.stack.nginx import Certificate, Nginx
from runtime.stack.shop_processes import ROUTER_CONFIG
from runtime.storefront import MOUNTS


@pytest.fixture
def usr(monkeypatch, tmp_path):
    """A machine without programs."""
    monkeypatch.setattr(debian, "_USR", tmp_path)
    return tmp_path


def put(usr: Path, *names: str) -> None:
    for name in names:
        (usr / name).parent.mkdir(parents=True, exist_ok=True)
        (usr / name).touch()


def test_the_newest_of_several_is_taken(usr):
    put(usr, "lib/postgresql/9/bin/postgres", "lib/postgresql/17/bin/postgres", "lib/postgresql/15/bin/postgres")
    assert debian.program("postgresql") == usr / "lib/postgresql/17/bin/postgres"


def test_what_is_missing_is_named_with_its_cure(usr):
    put(usr, "sbin/nginx")
    assert debian.missing(["nginx", "redis-server"]) == ["redis-server"]
    with pytest.raises(debian.PackagesMissingError, match="sudo apt-get install redis-server"):
        debian.program("redis-server")


def test_only_root_installs(usr, monkeypatch):
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(debian.PackagesMissingError, match="sudo apt-get install nginx"):
        debian.install(["nginx"])
    debian.install([])


def test_routers_find_each_subgraph_where_it_is_said_to_be(monkeypatch):
    monkeypatch.setenv("STOREGRAPH_INTERNAL_KEY", "k" * 48)
    usual = {each.name: each.routing_url for each in read_config(SUPERGRAPH_CONFIG).subgraphs}
    read = {name: each.url for name, each in load_settings(ROUTER_CONFIG).subgraphs.items()}
    assert read == usual
    for name in SUBGRAPHS:
        monkeypatch.setenv(f"STOREGRAPH_{name.upper()}_URL", f"http://{name}:4000/graphql")
    moved = {name: each.url for name, each in load_settings(ROUTER_CONFIG).subgraphs.items()}
    assert moved == {name: f"http://{name}:4000/graphql" for name in SUBGRAPHS}


PORTS = {name: 6001 + number for number, name in enumerate(SUBGRAPHS)}


def test_what_is_no_graphql_goes_to_the_same_subgraphs_in_every_mode(tmp_path):
    config = Nginx(tmp_path, "127.0.0.1", 4999, [5001], PORTS).configuration([5001])
    ingress = (PROJECT / "deploy/helm/storegraph/templates/router.yaml").read_text()
    for path, name in MOUNTS.items():
        assert f"location {path} {{ proxy_pass http://{name};" in config
        assert f'"{path}" "{name}"' in ingress
        assert f"upstream {name} {{ server 127.0.0.1:{PORTS[name]}; }}" in config


@pytest.mark.parametrize("secured", [False, True])
def test_nginx_takes_its_configuration(tmp_path, secured, certificate):
    if debian.missing(["nginx"]):
        pytest.skip("nginx is not installed (storegraph services install)")
    nginx = Nginx(tmp_path, "127.0.0.1", 4999, [5001, 5002], PORTS, certificate if secured else None)
    nginx.write([5001])
    config = tmp_path / "nginx.conf"
    checked = subprocess.run(
        [debian.program("nginx"), "-t", "-p", tmp_path, "-c", config, "-e", tmp_path / "error.log"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stderr
    assert "127.0.0.1:5001" in config.read_text()
    assert "127.0.0.1:5002" not in config.read_text()


@pytest.fixture
def certificate(tmp_path):
    chain, key = tmp_path / "chain.pem", tmp_path / "key.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost", "-days", "1", "-keyout", str(key), "-out", str(chain)]
    subprocess.run(command, check=True, capture_output=True)
    return Certificate(chain, key)
