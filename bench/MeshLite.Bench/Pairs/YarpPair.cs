using MeshLite.Processes;

namespace MeshLite.Bench.Pairs;

/// <summary>YARP's direct forwarder on both ends and nothing else, HTTP/2 over mutual TLS 1.3 between them.</summary>
internal sealed class YarpPair(BenchEnvironment environment) : IProxyPair
{
    private readonly List<ManagedProcess> _proxies = [];

    public string Name => "yarp";

    public string Description => "HTTP/2 over mTLS, all cores";

    public string? Missing => File.Exists(BenchEnvironment.YarpPair) ? null : $"{BenchEnvironment.YarpPair} was not built";

    public async Task<PairEntries> StartAsync(Backends backends)
    {
        var inbound = await StartAsync("inbound", backends.Http.ToString(), backends.Grpc.ToString());
        var address = $"https://{await inbound.ListeningAsync("http", TimeSpan.FromSeconds(1))}/";
        var outbound = await StartAsync("outbound", address, address);
        return new(await EntryAsync("http"), await EntryAsync("grpc"));

        async Task<PairEntry> EntryAsync(string listener) =>
            new(new($"http://{await outbound.ListeningAsync(listener, TimeSpan.FromSeconds(1))}/"), "backend", [outbound, inbound]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }
    }

    private async Task<ManagedProcess> StartAsync(string end, string upstream, string grpcUpstream)
    {
        var tls = environment.Certificates;
        var process = environment.Launcher.Start(new ProcessSpec
        {
            Name = "yarp-" + end,
            FileName = BenchEnvironment.YarpPair,
            Arguments = [end, upstream, grpcUpstream, tls.CertificateFile(end), tls.KeyFile(end), tls.CaFile],
        });
        _proxies.Add(process);
        await process.ReadyAsync(TimeSpan.FromSeconds(30));
        return process;
    }
}
