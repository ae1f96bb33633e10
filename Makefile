# Short names for what people do here; the work is in scripts/.
.PHONY: help build test fmt lint doc page judges bench fuzz demo clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## the release binary, target/release/amana
	cargo build --release

test: ## every check: lint, documentation, tests, the page, demo, judges (installs what is missing)
	@scripts/test.sh

fmt: ## format the source
	cargo fmt

lint: ## formatting, clippy for each set of features, licences
	@scripts/lint.sh

doc: ## API documentation, target/doc/amana/index.html
	@scripts/doc.sh

page: ## the page by itself: types, its own tests, built twice
	@scripts/install.sh
	@scripts/page.sh

judges: ## the demo, judged by a browser, age, rage, typage, schemathesis, another witness and stock OAuth, JOSE, JSON-LD and tus libraries
	@scripts/install.sh
	@scripts/judges.sh

bench: ## measure
	cargo bench

fuzz: ## ten minutes of fuzzing for each target in fuzz/
	@scripts/fuzz.sh

demo: ## the whole story on this machine, in target/demo
	cargo run --release -- demo --dir target/demo

clean: ## remove everything that was built or installed here
	cargo clean
