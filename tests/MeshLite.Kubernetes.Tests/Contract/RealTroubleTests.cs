using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes.Real;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>What a test can do to the fake with a call, done to a real server: killed, compacted, hung. A server of its own.</summary>
public sealed class RealTroubleTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Reflector_ServerRestartedCompactedAndHung_MissesNothing()
    {
        Assert.SkipWhen(RealApiServer.WhyNot is not null, RealApiServer.WhyNot ?? "");
        await using var server = await RealApiServer.StartAsync();
        using var client = new KubernetesClient(server.Connection, new KubernetesClientOptions { KeepAlivePingDelay = TimeSpan.FromSeconds(1), KeepAlivePingTimeout = TimeSpan.FromSeconds(1) });
        using var stop = new CancellationTokenSource();
        var (sink, logger) = (new RecordingSink<ConfigMap>(), new RecordingLogger());
        await PutAsync(client, "same", "1");
        await PutAsync(client, "changed", "1");
        var options = new ReflectorOptions { MinBackoff = TimeSpan.FromMilliseconds(100), MaxBackoff = TimeSpan.FromSeconds(1) };
        var running = new Reflector<ConfigMap>(client, ResourceTypes.ConfigMaps, new Selection { Namespace = "default" }, options, TimeProvider.System, new Random(1), logger).RunAsync(sink, stop.Token);
        await Eventually.TrueAsync(() => sink.Calls.Count == 1, "the first list", Patience);

        // Step 1: killed and back: resumes, or lists again where the server has lost its memory; either way only what differs is told.
        await server.StopApiServerAsync();
        await server.StartApiServerAsync();
        await PutAsync(client, "changed", "2");
        await Eventually.TrueAsync(() => sink.Calls.Count == 2, "the change after the restart", Patience);
        sink.Calls[1].ShouldBe("+changed");

        // Step 2: changed while we are held off, compacted, restarted: 410, another list.
        server.Hang(true);
        await Eventually.TrueAsync(() => logger.Lines.Count(l => l.StartsWith("Lost the watch", StringComparison.Ordinal)) >= 2, "silence is noticed", Patience);
        server.Hang(false);
        await PutAsync(client, "new", "1");
        await server.CompactAsync();
        await server.StopApiServerAsync();
        await server.StartApiServerAsync();
        await PutAsync(client, "last", "1");

        await Eventually.TrueAsync(() => sink.State.Count(o => !o.Key.Name.StartsWith("kube-", StringComparison.Ordinal)) == 4, "all there is", Patience);
        sink.Calls.Skip(2).Where(c => !c.Contains("kube-", StringComparison.Ordinal)).ShouldBe(["+new", "+last"], ignoreOrder: true);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task Watch_FromAVersionThatEtcdAndServerForgot_Expired()
    {
        Assert.SkipWhen(RealApiServer.WhyNot is not null, RealApiServer.WhyNot ?? "");
        await using var server = await RealApiServer.StartAsync();
        var before = (await PutAsync(server.Client, "a", "1")).Metadata.ResourceVersion!;
        await PutAsync(server.Client, "a", "2");
        await server.CompactAsync();
        await server.StopApiServerAsync();
        await server.StartApiServerAsync();

        var watching = server.Client.WatchAsync(ResourceTypes.ConfigMaps, null, before, TimeSpan.FromSeconds(20)).GetAsyncEnumerator().MoveNextAsync().AsTask();

        (await Should.ThrowAsync<KubernetesException>(watching)).Reason.ShouldBe(KubernetesReason.Expired);
    }

    private static async Task<ConfigMap> PutAsync(KubernetesClient client, string name, string value) => await Eventually.SomeAsync(
        async () =>
        {
            try
            {
                var body = $$$"""{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "{{{name}}}", "namespace": "default"}, "data": {"x": "{{{value}}}"}}""";
                return await client.ApplyAsync(ResourceTypes.ConfigMaps, new ObjectKey("default", name), System.Text.Encoding.UTF8.GetBytes(body), new ApplyOptions("test"));
            }
            catch (Exception error) when (KubernetesException.IsServerFailure(error))
            {
                return null;
            }
        },
        $"{name} is written",
        Patience);
}
