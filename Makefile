# Every target is one line; the work is in the tools it calls.
# What a target passes on: make run ARGS='--feed binance:BTCUSDT --listen 127.0.0.1:8080'

WITH = scripts/setup with

.PHONY: help run dev build test contract journeys bench bench-page fuzz compare-feeds screenshot fmt setup

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: build ## build the server and its page, and start it on http://127.0.0.1:3000 (ARGS=… goes to tickertape)
	@$(WITH) $${CARGO_TARGET_DIR:-target}/release/tickertape $(ARGS)

# Without hashed names: cargo-leptos gives them only to the first build of a watch. It reloads the page only where it finds
# the server at the address that it knows, so another one is given by TICKERTAPE_LISTEN, to both.
dev: setup ## build, start, and rebuild and reload at each change
	@LEPTOS_HASH_FILES=false LEPTOS_SITE_ADDR=$${TICKERTAPE_LISTEN:-127.0.0.1:3000} $(WITH) cargo leptos watch -- $(ARGS)

build: ## build the server and its page: target/release/tickertape, and target/site beside it
	@scripts/build

test: ## everything that is checked: format, clippy, tests, journeys in a browser
	@scripts/test

contract: build ## ask the server everything that its description has (schemathesis)
	@scripts/setup test && scripts/contract

journeys: build ## only the journeys (ARGS=… goes to Playwright)
	@scripts/setup test && cd end2end && ../scripts/setup with npx playwright test $(ARGS)

bench: ## measure it beside other servers of events, 25 minutes (ARGS='--help' lists the options)
	@scripts/bench $(ARGS)

bench-page: ## measure the page and its chart in a browser beside other charts (ARGS='--help' lists the options)
	@scripts/bench-page $(ARGS)

fuzz: ## give every parser of bytes from outside what nobody would think of, a minute each (ARGS=SECONDS)
	@scripts/fuzz $(ARGS)

compare-feeds: ## compare what is read of RSS and Atom with feedparser, which pip installs into target/
	@scripts/compare-feeds

screenshot: build ## take the pictures of the README again (scripts/animation then makes the moving one)
	@scripts/setup test && cd end2end && TICKERTAPE_SCREENSHOT=1 ../scripts/setup with npx playwright test --grep screenshot

fmt: ## format the code
	@cargo fmt --all

setup: ## install the tools that are missing
	@scripts/setup
