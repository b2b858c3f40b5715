# Everything a developer or an operator types. `make` alone lists the targets.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

.DEFAULT_GOAL := help
.PHONY: help setup run demo test coverage interleavings stress test-clients test-services conformance check policy policy-fuzz \
  evidence-fuzz bench wheel clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed 's/:.*## /\t/' | sort | expand -t 18

setup: $(STAMP)

$(STAMP): requirements/dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or later is needed" if sys.version_info < (3, 11) else 0)'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $(STAMP)

run: setup ## a gateway from nothing, the story of one image, then serve until Ctrl-C
	$(BIN)/registry-gateway demo

demo: setup ## the same story on a free port, then exit: 0 only if all went as told
	$(BIN)/registry-gateway demo --check

test: setup ## all tests that need only Python
	$(BIN)/python -m pytest -n 2 --dist worksteal

N ?= 2000

DECIDES := tests/unit/admission tests/unit/access tests/unit/evidence tests/unit/oci tests/unit/api/test_guard*.py \
  tests/attacks/test_whole_evidence.py tests/attacks/test_evidence_parts.py tests/attacks/test_naming_in_time.py \
  tests/attacks/test_naming_waiting.py tests/attacks/test_naming_costs.py tests/attacks/test_naming_later.py \
  tests/attacks/test_naming_narrow.py tests/attacks/test_naming_shown.py tests/attacks/test_whole_descriptions.py \
  tests/attacks/test_ci_sessions.py tests/attacks/test_ci_commits.py

coverage: setup ## lines and branches of what decides, by its unit tests: 98% of each package
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -n 2 --dist worksteal $(DECIDES)
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage json --quiet
	$(BIN)/python -m tools.coverage_bars build/coverage/report.json

check: setup ## format, lint, types, layering, dead code, documentation under test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/vulture
	$(BIN)/vulture gateway tools
	$(BIN)/python -m pytest -n 0 -q tests/docs

test-clients: setup ## the real clients against a running gateway
	tests/tools/install clients
	$(BIN)/python -m pytest -n 0 tests/clients

test-services: setup ## the real services: OPA
	tests/tools/install opa
	$(BIN)/python -m pytest -n 0 tests/services

conformance: setup ## the OCI distribution conformance suite, admitting and in hold mode
	tests/tools/install conformance
	$(BIN)/python -m tests.conformance.suite

PAIRS ?= --pairs
DURATION ?= 60

interleavings: setup ## every pair of kinds in every order (PAIRS= leaves that out), N seeds of all at once
	$(BIN)/python -m tests.interleavings.run --schedules $(N) $(PAIRS)

stress: setup ## two processes on one catalog at random, for DURATION seconds
	$(BIN)/python -m tests.interleavings.stress --seconds $(DURATION)

policy: setup ## compile, check, test and lint policies/; the shipped wasm must be what the Rego gives
	tests/tools/install opa
	$(BIN)/python -m tools.build_policy --check --opa "$$(tests/tools/install --bin)/opa"

policy-fuzz: setup ## both engines on N generated inputs
	tests/tools/install opa
	$(BIN)/python -m tests.fuzz.policy_fuzz --count $(N)

evidence-fuzz: setup ## N mutations of valid evidence
	$(BIN)/python -m tests.fuzz.evidence_fuzz --count $(N)

ZOT ?=

bench: setup ## side by side with distribution 3, olareg, nginx (and zot: ZOT=PROGRAM): bench/results/latest.md
	tests/tools/install bench
	OPENSSL_CONF=bench/openssl.cnf $(BIN)/python -m bench.run $(if $(ZOT),--zot '$(ZOT)')

wheel: setup ## a wheel in dist/, the only one there
	rm -rf build/lib dist/registry_gateway-*.whl
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

clean:
	rm -rf $(VENV) build dist .state
