# MeshLite. `make` or `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
CONFIGURATION ?= Release

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

build: ## build the programs into out/
	dotnet publish cli/MeshLite.Cli -c $(CONFIGURATION) -o out -v q
	dotnet publish control-plane/MeshLite.ControlPlane -c $(CONFIGURATION) -o out -v q
	dotnet publish sidecar/MeshLite.Sidecar -c $(CONFIGURATION) -o out -v q

test: ## run all tests
	dotnet test MeshLite.sln -c $(CONFIGURATION) -v q

.PHONY: help build test
