# MeshLite. `make` or `make help` lists the targets.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
CONFIGURATION ?= Release
BREAK ?=
FILTER ?= *
MINUTES ?= 1
RESULTS := out/test-results
TESTS := $(wildcard tests/*.Tests) tests/MeshLite.E2E

export DOTNET_CLI_TELEMETRY_OPTOUT := 1
export DOTNET_NOLOGO := 1

# Restored once for all projects, and again when one of these changes.
PROJECTS := $(wildcard *.props *.sln global.json */*/*.csproj)
RESTORED := out/.restored

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{split($$1, target, ":"); printf "  make %-13s %s\n", target[1], $$2}'

$(RESTORED): $(PROJECTS)
	@mkdir -p out
	dotnet restore MeshLite.sln -v q
	@touch $@

build: $(RESTORED) ## build the programs: out/meshlite-control-plane, out/meshlite-sidecar, out/meshctl
	dotnet msbuild programs.proj -m -nologo -v:q -p:Configuration=$(CONFIGURATION)

test: build ## all tests: unit, functional, end to end (these start the programs); results as TRX in out/test-results
	dotnet build MeshLite.sln --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary
	@rm -rf $(RESULTS)
	@failed=; for project in $(TESTS); do \
	  dotnet test $$project --no-build -c $(CONFIGURATION) -nologo --logger "trx;LogFileName=$${project#tests/}.trx" --results-directory $(RESULTS) || failed="$$failed $$project"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

e2e: build ## unmodified programs in network namespaces as pods, behind real capture rules, and as pods of a real API server where KUBEBUILDER_ASSETS has one; needs root on Linux
	@if [ "$$(uname)" != Linux ] || [ "$$(id -u)" != 0 ]; then echo "skipped: network namespaces need root on Linux"; exit 0; fi; \
	dotnet build tests/MeshLite.E2E --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary && \
	dotnet test tests/MeshLite.E2E --no-build -c $(CONFIGURATION) -nologo --filter 'FullyQualifiedName~.Pods.|FullyQualifiedName~.E2E.Kubernetes.' --logger 'console;verbosity=normal'

images: build ## both container images, with docker or buildah; BASE=, TOOLS= other base images (images/local-base makes some offline)
	@images/build

demo: build ## the mesh on this machine: starts it, measures each claim; BREAK=<claim> sabotages that one
	dotnet build demo/MeshLite.Demo --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary
	@dotnet demo/MeshLite.Demo/bin/$(CONFIGURATION)/net10.0/MeshLite.Demo.dll $(if $(BREAK),--break '$(BREAK)')

bench: build ## cost per request beside nginx, HAProxy and bare YARP pairs, all cases: half an hour; BENCH_CASES=, BENCH_PAIRS=, BENCH_SECONDS= take less
	dotnet build bench/MeshLite.Bench --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary
	@dotnet bench/MeshLite.Bench/bin/$(CONFIGURATION)/net10.0/MeshLite.Bench.dll

bench-report: $(RESTORED) ## docs/performance.md and its plots, from what `make bench` measured last
	dotnet build bench/MeshLite.Bench --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary
	@dotnet bench/MeshLite.Bench/bin/$(CONFIGURATION)/net10.0/MeshLite.Bench.dll report

bench-micro: $(RESTORED) ## time and allocations of single steps of a request's path, in two minutes; FILTER='*Pick*' only some
	dotnet build bench/MeshLite.Benchmarks --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary
	@rm -rf out/bench-micro
	@dotnet bench/MeshLite.Benchmarks/bin/$(CONFIGURATION)/net10.0/MeshLite.Benchmarks.dll --filter '$(FILTER)' --artifacts out/bench-micro

bench-scale: build ## the real control plane under 100, 1,000, 10,000 simulated sidecars of a simulated cluster; SCALE_SIDECARS=1000 only so many
	dotnet build bench/MeshLite.Bench.Scale --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary
	@ulimit -n "$$(ulimit -Hn)"; dotnet bench/MeshLite.Bench.Scale/bin/$(CONFIGURATION)/net10.0/MeshLite.Bench.Scale.dll

golden: $(RESTORED) ## rewrite the golden files of compiler, injection and meshctl from what they make now; look at the diff
	for project in ControlPlane Injection Functional; do GOLDEN_UPDATE=1 dotnet test tests/MeshLite.$$project.Tests --no-restore -c $(CONFIGURATION) -nologo -v q --filter 'FullyQualifiedName~Golden'; done
	@git status --short tests/MeshLite.ControlPlane.Tests tests/MeshLite.Injection.Tests tests/MeshLite.Functional.Tests

fuzz: $(RESTORED) ## every parser of our own on mutated input; MINUTES=n for each target (1), from another random seed each time
	@failed=; for project in Sidecar Protocol ControlPlane Kubernetes; do \
	  dotnet build tests/MeshLite.$$project.Tests --no-restore -c $(CONFIGURATION) -nologo -v q -clp:NoSummary && \
	  FUZZ_MINUTES=$(MINUTES) dotnet test tests/MeshLite.$$project.Tests --no-build -c $(CONFIGURATION) -nologo --filter 'FullyQualifiedName~.Fuzz.' --logger 'console;verbosity=normal' || failed="$$failed $$project"; \
	done; [ -z "$$failed" ] || { echo "failed:$$failed" >&2; exit 1; }

fmt: $(RESTORED) ## format the sources
	dotnet format MeshLite.sln --no-restore

clean: ## remove everything built
	rm -rf out
	find . -type d \( -name bin -o -name obj \) -not -path './.git/*' -prune -exec rm -rf {} +

.PHONY: help build test e2e images demo bench bench-report bench-micro bench-scale golden fuzz fmt clean
