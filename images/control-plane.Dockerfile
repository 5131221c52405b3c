# The control plane. No shell, no package manager: run it with a read-only root file system, and a volume for --data-dir.
# Context: the repository, after `make build`.
ARG BASE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM ${BASE}
COPY out/meshlite-control-plane /usr/bin/meshlite-control-plane
ENV DOTNET_EnableDiagnostics=0
USER 1654:1654
ENTRYPOINT ["/usr/bin/meshlite-control-plane"]
