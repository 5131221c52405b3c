using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>YARP's direct forwarder on both ends and nothing else, HTTP/2 over mutual TLS 1.3 between them.</summary>
internal sealed class YarpPair(BenchEnvironment environment) : IProxyPair
{
    public string Name => "yarp";

    public string Description => "HTTP/2 over mTLS, all cores";

    public string? Missing => File.Exists(BenchEnvironment.YarpPair) ? null : $"{BenchEnvironment.YarpPair} was not built";

    public IReadOnlyList<ManagedProcess> Proxies { get; private set; } = [];

    public async Task<Uri> StartAsync(Uri backend)
    {
        var (inbound, inboundPort) = await StartAsync("inbound", backend.ToString());
        var (outbound, outboundPort) = await StartAsync("outbound", $"https://127.0.0.1:{inboundPort}/");
        Proxies = [outbound, inbound];
        return new Uri($"http://127.0.0.1:{outboundPort}/");
    }

    private async Task<(ManagedProcess Process, int Port)> StartAsync(string end, string upstream)
    {
        var tls = environment.Certificates;
        var process = environment.Launcher.Start(new ProcessSpec
        {
            Name = "yarp-" + end,
            FileName = BenchEnvironment.YarpPair,
            Arguments = [end, upstream, tls.CertificateFile(end), tls.KeyFile(end), tls.CaFile],
        });
        await process.ReadyAsync(TimeSpan.FromSeconds(30));
        return (process, (await process.ListeningAsync("http", TimeSpan.FromSeconds(1))).Port);
    }
}
