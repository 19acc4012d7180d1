# Fonoteka. `make` alone prints the targets.
GO        ?= go
VERSION   ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo development)
LDFLAGS   := -s -w -X main.version=$(VERSION)
ROUNDS    ?= 20
FUZZTIME  ?= 20s
GOTEST    ?= $(GO) test
# Programs for work on the code, in a module of their own: their requirements must not
# choose the versions of ours.
TOOL      := $(GO) tool -modfile=.ci/tools/go.mod
# The race detector slows the engine's client by ten times, and finds little there.
WITHOUT_ENGINE = $$($(GO) list -f '{{.ImportPath}} {{join .TestImports " "}} {{join .XTestImports " "}}' ./... | grep -v embeddedtest | cut -d ' ' -f 1)
# Only tests run it, as a program of its own: embeddedtest names the same version.
MINIO     := v0.0.0-20260212201848-7aac2a2c5b7c
MINIO_DIR := $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/fonoteka/minio/$(MINIO)
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help build static package engine minio run test attack race bench crash hardship fuzz lint alerts dashboards fmt clean

help: ## print the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## bin/fonoteka and bin/mttsim
	$(GO) build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/fonoteka ./cmd/mttsim

static: ## bin/fonoteka-static, without the embedded engine: for those who bring a ClickHouse server
	$(GO) build -tags noengine -ldflags '$(LDFLAGS)' -o bin/fonoteka-static ./cmd/fonoteka

package: engine ## dist/*.deb and *.rpm: program, engine, service, dashboards, alerts
	GO=$(GO) LDFLAGS='$(LDFLAGS)' sh deploy/package.sh

engine: build ## fetch the embedded ClickHouse (once, 178 MB, into the user's cache)
	bin/fonoteka engine fetch

minio: $(MINIO_DIR)/minio ## build MinIO for the tests (once, some minutes, into the user's cache)

$(MINIO_DIR)/minio:
	mkdir -p $(MINIO_DIR)
	GOTOOLCHAIN=local GOFLAGS= GOBIN=$(MINIO_DIR) $(GO) install -trimpath -ldflags '-s -w' github.com/minio/minio@$(MINIO)

run: engine ## everything on this machine, with a simulated telephone system
	sh deploy/demo.sh

test: engine ## all tests, on real engines
	$(GO) vet ./...
	$(GOTEST) -timeout 45m ./...

# Attacks are the tests whose names begin with TestAttack; only packages that have one
# are compiled.
attack: engine ## what an attacker would try, against real engines and a running product; within 5 minutes
	packages=$$(grep -rl --include='*_test.go' '^func TestAttack' cmd internal schema | xargs -n 1 dirname | sort -u | sed 's|^|./|') && \
	$(GO) test $$packages -run '^TestAttack' -count=1 -timeout 5m

race: ## short tests under the race detector, of the packages that need no engine
	CGO_ENABLED=1 $(GO) test -race -short $(WITHOUT_ENGINE)

bench: engine ## speed and memory, as ratios against something on this machine
	sh deploy/bench.sh

crash: engine ## kill -9 of serve, of the engine and of Redis; ROUNDS=20
	$(GO) test ./internal/system -run TestCrash -count=1 -timeout 60m -v -crash-rounds $(ROUNDS)

hardship: engine ## 5,000 recordings from an operator's server on its worst day, amid kills and flushes of Redis
	$(GO) test ./internal/system -run TestP3EveryRecordingEndsWhereItBelongs -count=1 -timeout 30m -v -hardship 5000

fuzz: ## every fuzz target, one after the other; FUZZTIME=20s each
	GO=$(GO) sh deploy/fuzz.sh $(FUZZTIME)

lint: alerts ## golangci-lint with gofumpt, a tidy go.mod, the alert rules
	$(TOOL) golangci-lint run ./...
	$(GO) mod tidy -diff

alerts: ## the alert rules and their tests, by promtool (Debian: package prometheus)
	@if command -v promtool >/dev/null; then \
		promtool check config deploy/prometheus/prometheus.yml && promtool test rules deploy/prometheus/*.rules_test.yml; \
	elif [ -n "$$CI" ]; then echo "make alerts: promtool is missing" >&2; exit 1; \
	else echo "make alerts: skipped, as promtool is missing"; fi

dashboards: engine ## grafana/dashboards and its pictures, from internal/dashboard
	$(GO) test ./internal/dashboard -count=1 -run 'Committed|Pictures' -update

fmt: ## format
	$(TOOL) golangci-lint fmt

clean: ## remove what was built
	rm -rf bin dist
