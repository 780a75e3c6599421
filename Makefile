# Everything a person needs: `make demo` to see it, `make test` to trust it.
.DEFAULT_GOAL := help
BIN := .venv/bin
FILE ?= ../shared/vectors/webauthn.json
DATA ?= .demo
PORT ?= 8000

.PHONY: help demo test check vectors bench screens translations format clean

help: ## what there is
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: ## a running demo organisation on http://localhost:8000
	@script/setup run
	@$(BIN)/ostiary serve --demo --data $(DATA) --port $(PORT)

# Two runs: what drives the browser keeps an event loop of its own, which other tests would trip over.
test: ## every test, with a real browser and a real PostgreSQL
	@script/setup test
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m "not browser"
	@$(BIN)/python -m pytest -n 2 --dist loadfile -m browser

check: ## lint, types, import contract, translations
	@script/setup test
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache
	@$(BIN)/python script/translations.py check

vectors: ## judge WebAuthn messages with our verifier: make vectors FILE=...
	@script/setup test
	@$(BIN)/python -m tests.vectors $(FILE)

bench: ## what sign-ins, the Authenticator and tunnels cost, beside raw signatures
	@script/setup test
	@$(BIN)/python -m bench.sign_in
	@$(BIN)/python -m bench.authenticator
	@$(BIN)/python -m bench.authenticator_app
	@$(BIN)/python -m bench.tunnel

screens: ## every page and state into docs/screens/
	@script/setup test
	@$(BIN)/python script/screens.py
	@$(BIN)/python script/authenticator_screens.py
	@$(BIN)/python script/authenticator_readme_screens.py

translations: ## bring the catalogues up to date with the source
	@script/setup test
	@$(BIN)/python script/translations.py update

format: ## the house's layout of code
	@script/setup test
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

clean: ## forget the environment and the demo's data
	rm -rf .venv $(DATA)
