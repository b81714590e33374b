# One command for each thing one does here; `make help` lists them. What a recipe needs is installed on the
# way, each in one line of output, and skipped when it is there: see scripts/install.sh.

SHELL := bash
.DEFAULT_GOAL := help
.NOTPARALLEL:
# None of these names a file that make could date. `build` is also a folder, which worker-build fills.
.PHONY: help build build-panic bundle package client container dev test test-all fuzz simulate simulate-faults mutants bench bench-size bench-stores bench-streams bench-providers lint migrate tools clean

# What `make mutants` changes.
MUTATED := src/actors/session/** src/actors/directory/** src/store/**

# What `make lint` asks cargo-deny. Add `advisories` where the advisory database can be reached.
DENY ?= bans licenses sources

# What `make bench` measures (bench/scenarios.mjs has the names), how often, for how long, and with how many sessions.
BENCH_OPTIONS = $(if $(SCENARIOS),--scenarios=$(SCENARIOS)) $(if $(ROUNDS),--rounds=$(ROUNDS)) \
	$(if $(SECONDS),--seconds=$(SECONDS)) $(if $(SESSIONS),--sessions=$(SESSIONS))

# What `make fuzz` tries, and how often.
CASES ?= 1000000
PROPERTIES := no_return_to past_strip what_reaches no_spelling no_encoding normalizing_what no_reading_of nothing_planted no_two_values

# What a recipe starts may call make again (wrangler.toml's build command does): it is to start afresh.
unexport MAKEFLAGS MFLAGS MAKELEVEL

# Node's tools run under the Node that npm installs: wrangler wants a newer one than many systems have.
NODE = PATH="$(CURDIR)/node_modules/.bin:$$PATH" node

# A variable on the command line that a target does not take is a slip of the hand.
takes = $(foreach given,$(filter-out $(1),$(foreach name,$(.VARIABLES),$(if $(filter command,$(firstword $(origin $(name)))),$(name)))), \
	$(error make $@ takes $(1), not $(given)))

# What is no whole number is refused before anything compiles.
no_digits = $(subst 0,,$(subst 1,,$(subst 2,,$(subst 3,,$(subst 4,,$(subst 5,,$(subst 6,,$(subst 7,,$(subst 8,,$(subst 9,,$(1)))))))))))
numbers = $(foreach name,$(1),$(if $(call no_digits,$($(name))),$(error $(name) must be a whole number, not "$($(name))")))

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

dev: ## start gateway, demo provider and demo application: make dev PORT=8787 PROVIDER=oidc TOKEN_LIFE=30 EXAMPLE=spa FRESH=1
	$(call takes,PORT PROVIDER TOKEN_LIFE EXAMPLE FRESH)
	@bash scripts/install.sh node
	@$(NODE) demo/run.mjs --check
	@bash scripts/quick.sh
	@WORKER=target/quick-worker $(NODE) demo/run.mjs

build: ## build the Worker into build/; does nothing when up to date
	@bash scripts/build.sh

package: bundle ## the npm package, build/edge-oauth-sessions-<version>.tgz: the gateway without Rust
	@$(NODE) scripts/package.mjs

container: package ## an image that runs the gateway without Cloudflare (docs/self-hosting.md); needs docker
	docker build -f packages/gateway/Dockerfile --build-context package=build -t edge-oauth-sessions .

migrate: ## bring the schema of a Postgres up to date: make migrate DATABASE_URL=postgres://…
	$(call takes,DATABASE_URL)
	@DATABASE_URL='$(value DATABASE_URL)' bash scripts/migrate.sh

client: ## the browser's client, packages/client, with types made from the OpenAPI document
	@bash scripts/install.sh node
	@$(NODE) scripts/client.mjs

test: bundle build-panic package ## run all tests
	@bash scripts/install.sh browser database provider
	@$(NODE) tests/run.mjs

test-all: bundle build-panic package ## the same, and the tests that install packages and take long
	@bash scripts/install.sh browser database provider providers applications
	@$(NODE) tests/run.mjs --all

lint: ## rustfmt, clippy for both targets, cargo-deny
	@bash scripts/install.sh rust lint
	cargo fmt --check
	cargo clippy --all-targets -- -D warnings
	cargo clippy --target wasm32-unknown-unknown -- -D warnings
	@. scripts/environment.sh && "$$cargo_deny" check $(DENY)

bundle: build ## write what would be deployed into build/bundle/
	@bash scripts/bundle.sh . build/bundle

build-panic: ## the same with the feature deliberate-panic, into target/panic/; for tests only
	@bash scripts/panic.sh

simulate: ## run the simulator: make simulate SEED=7 STEPS=2000000 (by default a fresh seed and a million steps); ONE=1 stops at the first violation, TRACE=1 prints what happens in the first seed
	$(call takes,SEED STEPS ONE TRACE LINES)
	$(call numbers,SEED STEPS ONE TRACE LINES)
	@bash scripts/install.sh rust
	@cargo test --profile fuzz --test simulator --no-run
	@SEED='$(SEED)' STEPS='$(STEPS)' ONE='$(ONE)' TRACE='$(TRACE)' LINES='$(LINES)' cargo test --quiet --profile fuzz \
		--test simulator -- --ignored --exact simulate::simulate_from_a_seed --nocapture

simulate-faults: ## plant faults in a copy of the product, and check that the simulator finds them: make simulate-faults FAULTS='a name, another'
	$(call takes,FAULTS SEEDS)
	$(call numbers,SEEDS)
	@bash scripts/install.sh rust node
	@SEEDS='$(SEEDS)' $(NODE) tests/simulator/faults/run.mjs "$$FAULTS"

fuzz: ## test return_to, cookies, routes and headers with random cases: make fuzz CASES=1000000
	$(call takes,CASES)
	$(call numbers,CASES)
	@bash scripts/install.sh rust
	PROPTEST_CASES=$(CASES) cargo test --profile fuzz --lib -- $(PROPERTIES)

mutants: ## change one expression after the other in FILE='src/store/*.rs' (by default the session, directory and store code; SHARD=0/4: every fourth) and see that a native test fails; needs cargo-mutants
	$(call takes,FILE SHARD)
	@bash scripts/install.sh rust
	SEED=14 cargo mutants $(foreach file,$(or $(FILE),$(MUTATED)),--file '$(file)') $(if $(SHARD),--sharding round-robin --shard $(SHARD)) --output target

bench: bundle ## what a request costs beside hand-written JavaScript: make bench SCENARIOS=small,login ROUNDS=6 SECONDS=4
	$(call takes,SCENARIOS ROUNDS SECONDS SESSIONS)
	@bash scripts/install.sh node
	@$(NODE) bench/size.mjs
	@$(NODE) bench/run.mjs $(BENCH_OPTIONS)

bench-size: bundle ## size and start-up time of the Worker
	@$(NODE) bench/size.mjs

bench-stores: bundle ## what a login and a refresh take on each store, and which connections sessions hold
	@bash scripts/install.sh database
	@$(NODE) bench/stores.mjs

bench-streams: bundle ## what open streams of many sessions cost, and how soon a revocation closes one
	@$(NODE) bench/streams.mjs

bench-providers: bundle ## what a long table of providers costs: start-up, a login, an everyday request
	@$(NODE) bench/providers.mjs

tools: ## install everything that the other targets need
	@bash scripts/install.sh rust cargo node browser database provider providers lint

clean: ## remove what was built
	rm -rf build target .wrangler
