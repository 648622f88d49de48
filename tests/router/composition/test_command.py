"""`compose` and `check` as programs see them: exit codes, output, files, watching."""

import io
import json
import threading
import time

import pytest

from router.composition.command import DONE, REFUSED, WRONG_USE, run_check, run_compose

LINK = 'extend schema @link(url: "https://specs.apollo.dev/federation/v2.5", import: ["@key"])'
USERS = f"""{LINK}
type Query {{ me: User }}
type User @key(fields: "id") {{ id: ID! name: String }}
"""
ORDERS = f"""{LINK}
type User @key(fields: "id") {{ id: ID! orders: Int }}
"""
CONFIG = """\
federation_version: =2.9.0
subgraphs:
  users:
    routing_url: http://users/graphql
    schema:
      file: ./users.graphql
  orders:
    routing_url: http://orders/graphql
    schema:
      file: ./orders.graphql
"""


@pytest.fixture
def shop(tmp_path):
    """Return a folder with a configuration and two subgraphs."""
    (tmp_path / "supergraph.yaml").write_text(CONFIG)
    (tmp_path / "users.graphql").write_text(USERS)
    (tmp_path / "orders.graphql").write_text(ORDERS)
    return tmp_path


@pytest.fixture
def run():
    """Return a function that runs a command and returns its exit code and both outputs."""

    def run(command, *args, **options):
        out, err = io.StringIO(), io.StringIO()
        code = command(*args, stdout=out, stderr=err, **options)
        return code, out.getvalue(), err.getvalue()

    return run


def test_compose_prints_the_supergraph(shop, run):
    code, out, err = run(run_compose, shop / "supergraph.yaml")

    assert code == DONE
    assert out.startswith("schema\n  @link(")
    assert '@join__graph(name: "users", url: "http://users/graphql")' in out
    assert err == ""


def test_compose_writes_a_file(shop, run):
    code, out, err = run(run_compose, shop / "supergraph.yaml", shop / "out.graphql")

    assert code == DONE
    assert out == ""
    assert "composed in" in err
    assert (shop / "out.graphql").read_text().startswith("schema\n  @link(")
    assert sorted(it.name for it in shop.iterdir()) == [
        "orders.graphql",
        "out.graphql",
        "supergraph.yaml",
        "users.graphql",
    ]


def test_errors_leave_the_old_file(shop, run):
    (shop / "out.graphql").write_text("old")
    (shop / "orders.graphql").write_text(ORDERS.replace("orders: Int", "name: String"))

    code, out, err = run(run_compose, shop / "supergraph.yaml", shop / "out.graphql")

    assert code == REFUSED
    assert out == ""
    assert "INVALID_FIELD_SHARING" in err
    assert "at orders:2:40" in err
    assert "hint: Mark the field @shareable" in err
    assert (shop / "out.graphql").read_text() == "old"


def test_json_reports_errors_with_places(shop, run):
    (shop / "orders.graphql").write_text(ORDERS.replace("orders: Int", "orders: Nope"))

    code, out, _ = run(run_compose, shop / "supergraph.yaml", format="json")

    report = json.loads(out)
    assert code == REFUSED
    assert report["success"] is False
    assert report["errors"][0]["code"] == "INVALID_GRAPHQL"
    assert report["errors"][0]["locations"] == [{"subgraph": "orders", "line": 2, "column": 40}]
    assert report["errors"][0]["hint"]


def test_json_reports_hints_and_supergraph(shop, run):
    (shop / "users.graphql").write_text('"One"\n' + "type Query { me: Int }\ntype User { id: ID }\n")
    (shop / "orders.graphql").write_text('"Two"\n' + "type Query { you: Int }\n")

    code, out, _ = run(run_compose, shop / "supergraph.yaml", format="json")

    report = json.loads(out)
    assert code == DONE
    assert report["success"] is True
    assert report["supergraph"].startswith("schema")
    assert [it["code"] for it in report["hints"]] == ["INCONSISTENT_DESCRIPTION"]
    assert report["hints"][0]["level"] == "WARN"


def test_wrong_use_has_its_own_code(shop, run):
    code, out, err = run(run_compose, shop / "absent.yaml")

    assert code == WRONG_USE
    assert out == ""
    assert err == f"{shop}/absent.yaml: cannot be read: No such file or directory\n"


def test_wrong_use_in_json(shop, run):
    code, out, _ = run(run_compose, shop / "absent.yaml", format="json")

    assert code == WRONG_USE
    assert json.loads(out) == {
        "success": False,
        "problems": [f"{shop}/absent.yaml: cannot be read: No such file or directory"],
    }


def test_unwritable_output_is_wrong_use(shop, run):
    code, _, err = run(run_compose, shop / "supergraph.yaml", shop / "absent" / "out.graphql")

    assert code == WRONG_USE
    assert "absent/out.graphql: cannot be written" in err


def test_later_federation_than_configured_is_refused(shop, run):
    (shop / "supergraph.yaml").write_text(CONFIG.replace("=2.9.0", "=2.3.0"))

    code, _, err = run(run_compose, shop / "supergraph.yaml")

    assert code == REFUSED
    assert "UNKNOWN_FEDERATION_LINK_VERSION" in err


def test_watch_composes_again_after_a_change(shop):
    stop, out, err = threading.Event(), io.StringIO(), io.StringIO()
    target = shop / "out.graphql"
    arguments = (shop / "supergraph.yaml", target)
    options = {"watch": True, "stop": stop, "stdout": out, "stderr": err}
    watcher = threading.Thread(target=run_compose, args=arguments, kwargs=options)
    watcher.start()
    try:
        assert _until(target.exists)
        time.sleep(0.3)  # a change in the moment of the first composition is part of it
        (shop / "orders.graphql").write_text(ORDERS.replace("orders: Int", "orderCount: Int"))
        assert _until(lambda: "orderCount" in target.read_text())
        (shop / "orders.graphql").write_text("type Query {")
        assert _until(lambda: "INVALID_GRAPHQL" in err.getvalue())
        assert "orderCount" in target.read_text()
        replaced = shop / "orders.new"
        replaced.write_text(ORDERS.replace("orders: Int", "afterReplace: Int"))
        replaced.replace(shop / "orders.graphql")
        assert _until(lambda: "afterReplace" in target.read_text())
    finally:
        stop.set()
        watcher.join(5)
    assert not watcher.is_alive()


def _until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.02)
    return False


def test_check_finds_breaking_changes(shop, run):
    run(run_compose, shop / "supergraph.yaml", shop / "old.graphql")
    (shop / "users.graphql").write_text(USERS.replace("name: String", "fullName: String"))

    code, out, _ = run(run_check, shop / "supergraph.yaml", shop / "old.graphql")

    assert code == REFUSED
    assert "breaking  FIELD_REMOVED: Field User.name was removed." in out
    assert "1 breaking and 0 dangerous changes" in out


def test_check_accepts_additions(shop, run):
    (shop / "old.graphql").write_text("type Query { me: User } type User { id: ID! name: String }")

    code, out, _ = run(run_check, shop / "supergraph.yaml", shop / "old.graphql", format="json")

    assert code == DONE
    assert json.loads(out) == {"success": True, "breaking": [], "dangerous": []}


def test_check_against_nothing_is_wrong_use(shop, run):
    code, _, err = run(run_check, shop / "supergraph.yaml", shop / "absent.graphql")

    assert code == WRONG_USE
    assert "absent.graphql: cannot be read" in err


def test_check_against_no_schema_is_wrong_use(shop, run):
    (shop / "old.graphql").write_text("hello")

    code, _, err = run(run_check, shop / "supergraph.yaml", shop / "old.graphql")

    assert code == WRONG_USE
    assert "old.graphql: is not a schema" in err


def test_check_reports_composition_errors(shop, run):
    (shop / "old.graphql").write_text("type Query { me: Int }")
    (shop / "orders.graphql").write_text("type Query {")

    code, _, err = run(run_check, shop / "supergraph.yaml", shop / "old.graphql")

    assert code == REFUSED
    assert "INVALID_GRAPHQL" in err
