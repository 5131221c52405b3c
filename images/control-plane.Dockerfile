# The control plane. No shell, no package manager: run it with a read-only root file system, and a volume for --data-dir.
# Context: the repository, after `make build`.
ARG BASE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled

FROM ${BASE}
COPY out/meshlite-control-plane /usr/bin/meshlite-control-plane
# Gen 0 of 64 MB: thousands of streams live long, and each collection looks at what they refer to. Only the environment can say so.
# Of the memory limit the heap may have 58 % (0x3A) instead of 75: of each stream's 120 KB OpenSSL has 50, which the collector does not see. From one arena: with
# one for each thread, what pods that are replaced leave behind in one is no room for those that come in another (3,000 replaced: 80 MB more, instead of 30).
ENV DOTNET_EnableDiagnostics=0 DOTNET_GCgen0size=0x4000000 DOTNET_GCHeapHardLimitPercent=0x3A MALLOC_ARENA_MAX=1
USER 1654:1654
ENTRYPOINT ["/usr/bin/meshlite-control-plane"]
