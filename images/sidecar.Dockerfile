# One image for the sidecar, for `capture` (as root, with NET_ADMIN and NET_RAW only) and for `drain`. No shell, no package
# manager, nothing written: run it with a read-only root file system, and memory volumes where it is told to write.
# Context: the repository, after `make build`. Offline, `images/local-base` makes both of these from this machine's files.
ARG BASE=mcr.microsoft.com/dotnet/aspnet:10.0-noble-chiseled
# Where iptables comes from: of the same distribution as BASE, since its libraries are BASE's.
ARG TOOLS=docker.io/library/ubuntu:noble

FROM ${TOOLS} AS tools
RUN command -v xtables-nft-multi >/dev/null || { apt-get update && apt-get install -y --no-install-recommends iptables; }
# Both variants: nf_tables, and the legacy one for kernels without.
RUN mkdir -p /iptables && cd / \
 && cp -a --parents $(ls -d usr/sbin/xtables-nft-multi usr/sbin/xtables-legacy-multi usr/lib/*/xtables \
      usr/lib/*/libxtables.so.* usr/lib/*/libmnl.so.* usr/lib/*/libnftnl.so.* usr/lib/*/libip4tc.so.* usr/lib/*/libip6tc.so.*) /iptables \
 && for family in iptables ip6tables; do for verb in save restore; do \
      ln -s xtables-nft-multi "/iptables/usr/sbin/$family-$verb"; ln -s xtables-legacy-multi "/iptables/usr/sbin/$family-legacy-$verb"; done; done

FROM ${BASE}
COPY --from=tools /iptables/ /
COPY out/meshlite-sidecar /usr/bin/meshlite-sidecar
# No diagnostics socket: there is nowhere to put it.
ENV DOTNET_EnableDiagnostics=0
USER 1337:1337
ENTRYPOINT ["/usr/bin/meshlite-sidecar"]
