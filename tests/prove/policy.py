"""The router's gate: who may do what, how much, how often, and what all of it costs; faults, caches and sight."""

from __future__ import annotations

import json
import re
import subprocess
import sys

from benchmarks.peers import BENCH
from tests.prove.checkout import HERE
from tests.prove.claims import Prover
from tests.prove.policy_cache import prove_cache
from tests.prove.policy_faults import prove_faults
from tests.prove.policy_rates import prove_rates
from tests.prove.policy_sight import prove_sight

SECURITY = "tests/router/policy/test_security.py"
ATTACKS = {
    "alg none": "test_tokens_that_do_not_hold[alg none]",
    "HS256 by an RSA public key": "test_tokens_that_do_not_hold[HS256 by the RSA public key]",
    "wrong kid": "test_tokens_that_do_not_hold[wrong kid]",
    "expired": "test_tokens_that_do_not_hold[expired]",
    "from the future": "test_tokens_that_do_not_hold[from the future]",
    "wrong audience": "test_tokens_that_do_not_hold[wrong audience]",
    "64 KB token": "test_tokens_that_do_not_hold[64 KB]",
    "revoked token": "test_a_token_that_was_taken_back_holds_no_more",
    "replayed internal token": "test_a_subgraph_takes_only_fresh_tokens_that_are_meant_for_it[of ",
    "internal token with another request": "test_an_overheard_token_is_worth_nothing_with_another_request",
    "direct call to a subgraph": "test_a_subgraph_takes_only_fresh_tokens_that_are_meant_for_it[none]",
    "header smuggling": "test_smuggled_headers",
    "CSRF by a simple request": "test_a_page_cannot_",
    "introspection when off": "test_introspection_that_is_off",
    "brute force by aliases": "test_many_passwords_by_aliases",
    "brute force by batches": "test_many_passwords_by_batches",
    "error texts that leak": "test_errors_of_ours_do_not_leak",
}
"""What must be refused, and the tests that show it."""

PARTS = {
    "authorisation: nothing that is refused is fetched, nor got by what others asked": [
        "tests/router/policy/test_authorization.py",
        "tests/router/policy/test_refused_and_kept.py",
    ],
    "limits and demand control by the published formula": ["tests/router/limits"],
    "rate limits on every way in": ["tests/router/rates"],
    "identity: issuers, keys, API keys, revocation, header rules": [
        "tests/router/policy/test_identity.py",
        "tests/router/policy/test_partners.py",
        "tests/router/policy/test_internal_token.py",
        "tests/router/server/streams/test_revoked.py",
    ],
}


def prove(prover: Prover) -> None:
    """Run every part; `quick` shortens the loads."""
    with prover.part("what an attacker tries first"):
        _prove_attacks(prover)
    with prover.part("who may do what, and how much"):
        for title, paths in PARTS.items():
            output, code = _pytest(*paths)
            prover.check(title, output.splitlines()[-1], "passes", holds=code == 0)
    prove_rates(prover)
    prove_faults(prover)
    prove_cache(prover)
    prove_sight(prover)
    with prover.part("what the gate costs"):
        _prove_cost(prover)


def _prove_attacks(prover: Prover) -> None:
    output, _ = _pytest(SECURITY, "tests/router/policy/test_partners.py", "-vv")
    for title, test in ATTACKS.items():
        found = re.findall(rf"::{re.escape(test)}.*? (PASSED|FAILED|ERROR|SKIPPED)", output)
        passed = found.count("PASSED")
        prover.check(
            f"refused: {title}",
            f"{passed} of {len(found)} tests",
            "all, and one at least",
            holds=0 < passed == len(found),
        )


def _pytest(*words: str) -> tuple[str, int]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *words]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "nothing was said", done.returncode


def _prove_cost(prover: Prover) -> None:
    if not BENCH.is_dir():
        prover.check("the router-bench", "not beside this clone", "there", holds=False)
        return
    pace = ("--seconds", "2", "--rounds", "1", "--warmup", "2", "--only", "") if prover.quick else ()
    command = [sys.executable, "-m", "benchmarks", "gate", "--json", *pace]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    for line in lines:
        if line.startswith("|"):
            prover.console.print(f"    {line}")
    for each in json.loads(lines[-1]):
        if each["figure"] is None:
            prover.check(each["text"], each["fault"], f"<= {each['bound']:g} x bare", holds=False)
        else:
            prover.at_most(each["text"], each["figure"], each["bound"], "x bare")
