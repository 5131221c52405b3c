# The control plane. No shell, no package manager: run it with a read-only root file system, and a volume for --data-dir.
# Context: the repository, after `make build`.
ARG BASE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM ${BASE}
COPY out/meshlite-control-plane /usr/bin/meshlite-control-plane
# Gen 0 of 64 MB: thousands of streams live long, and each collection looks at what they refer to. Only the environment can say so.
ENV DOTNET_EnableDiagnostics=0 DOTNET_GCgen0size=0x4000000
USER 1654:1654
ENTRYPOINT ["/usr/bin/meshlite-control-plane"]
