using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>HAProxy on both ends, HTTP/2 over mutual TLS 1.3 between them.</summary>
internal sealed class HaproxyPair(BenchEnvironment environment) : IProxyPair
{
    private ManagedProcess[] _proxies = [];

    public string Name => "haproxy";

    public string Description => "HTTP/2 over mTLS, 1 thread each";

    public string? Missing => BenchEnvironment.HasProgram("haproxy") ? null : "haproxy is not installed";

    public async Task<PairEntries> StartAsync(Backends backends)
    {
        var tls = environment.Certificates;
        var (outbound, outboundGrpc, inbound) = (Loopback.FreePort(), Loopback.FreePort(), Loopback.FreePort());
        var second = await StartAsync(
            "inbound",
            $$"""
            frontend mesh
              bind 127.0.0.1:{{inbound}} ssl crt {{CertificateAndKey("inbound")}} ca-file {{tls.CaFile}} verify required alpn h2 ssl-min-ver TLSv1.3
              use_backend grpc if { req.hdr(content-type) -m beg application/grpc }
              default_backend http
            backend http
              server backend {{backends.Http.Authority}}
            backend grpc
              server backend {{backends.Grpc.Authority}} proto h2
            """,
            inbound);
        var first = await StartAsync(
            "outbound",
            $$"""
            frontend http
              bind 127.0.0.1:{{outbound}}
              default_backend mesh
            frontend grpc
              bind 127.0.0.1:{{outboundGrpc}} proto h2
              default_backend mesh
            backend mesh
              server inbound 127.0.0.1:{{inbound}} ssl crt {{CertificateAndKey("outbound")}} ca-file {{tls.CaFile}} verify required verifyhost inbound alpn h2 ssl-min-ver TLSv1.3
            """,
            outbound,
            outboundGrpc);
        _proxies = [first, second];
        return new(new(new($"http://127.0.0.1:{outbound}/"), "backend", _proxies), new(new($"http://127.0.0.1:{outboundGrpc}/"), "backend", _proxies));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }
    }

    private async Task<ManagedProcess> StartAsync(string end, string configuration, params int[] ports)
    {
        var file = Path.Combine(environment.Directory, $"haproxy-{end}.cfg");
        await File.WriteAllTextAsync(file, $$"""
            global
              nbthread 1
              maxconn 8000
            defaults
              mode http
              timeout connect 5s
              timeout client 10m
              timeout server 10m
              http-reuse always
            {{configuration}}

            """);
        var process = environment.Launcher.Start(new ProcessSpec { Name = $"haproxy-{end}", FileName = Daemon.Find("haproxy"), Arguments = ["-db", "-f", file] });
        await Daemon.AcceptingAsync(process, environment.Launcher.Time, ports);
        return process;
    }

    // HAProxy wants both in one file.
    private string CertificateAndKey(string end)
    {
        var file = Path.Combine(environment.Directory, $"haproxy-{end}.pem");
        File.WriteAllText(file, File.ReadAllText(environment.Certificates.CertificateFile(end)) + "\n" + File.ReadAllText(environment.Certificates.KeyFile(end)) + "\n");
        return file;
    }
}
