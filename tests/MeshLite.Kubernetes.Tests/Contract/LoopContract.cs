using MeshLite.Kubernetes.Leadership;
using MeshLite.Kubernetes.Objects;
using MeshLite.Kubernetes.Watching;
using MeshLite.TestKit;

namespace MeshLite.Kubernetes.Tests.Contract;

/// <summary>The two loops, against a server that is well.</summary>
public abstract class LoopContract(ContractServer server) : ContractCase(server)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Reflector_ChangesUnderLoad_EndsWhereTheServerIs()
    {
        using var stop = new CancellationTokenSource();
        var sink = new RecordingSink<RawObject>();
        var selection = new Selection { Namespace = Ns };
        for (var i = 0; i < 12; i++)
        {
            await CreateWidgetAsync($"w{i}");
        }

        var options = new ReflectorOptions { PageSize = 5, WatchTimeout = TimeSpan.FromSeconds(1) };
        var running = new Reflector<RawObject>(Client, ContractServer.Widgets, selection, options, TimeProvider.System, new Random(1), new RecordingLogger()).RunAsync(sink, stop.Token);
        var random = new Random(3);
        for (var i = 0; i < 150; i++)
        {
            var name = $"w{random.Next(12)}";
            if (sink.State.ContainsKey(Key(name)) && random.Next(5) == 0)
            {
                await IgnoreMissingAsync(Client.DeleteAsync(ContractServer.Widgets, Key(name)));
            }
            else
            {
                await ApplyAsync(name, $"\"spec\": {{\"x\": {i}}}", "loop");
            }
        }

        var there = (await Client.ListAsync(ContractServer.Widgets, selection)).Items;
        await Eventually.TrueAsync(() => Versions(sink.State.Values).SequenceEqual(Versions(there)), "the sink is where the server is", Patience);
        sink.Calls[0].ShouldStartWith("=");
        sink.Calls.Count(c => c.StartsWith('=')).ShouldBe(1);
        await stop.CancelAsync();
        await running;
    }

    [Fact]
    public async Task LeaderElector_TwoReplicas_OneLeadsAndHandsOverWhenItStops()
    {
        using var stop = new CancellationTokenSource();
        using var stopSecond = new CancellationTokenSource();
        var options = new LeaderElectionOptions
        {
            Lease = Key("leader"), Identity = "replica", LeaseDuration = TimeSpan.FromSeconds(3), RenewDeadline = TimeSpan.FromSeconds(2), RetryPeriod = TimeSpan.FromSeconds(0.2),
        };
        var first = new LeaderElector(Client, options, TimeProvider.System, new Random(1), new RecordingLogger());
        var second = new LeaderElector(Client, options, TimeProvider.System, new Random(2), new RecordingLogger());
        var running = first.RunAsync(Forever, stop.Token);
        await Eventually.TrueAsync(() => first.IsLeader, "the first leads", Patience);
        var runningSecond = second.RunAsync(Forever, stopSecond.Token);
        await Eventually.TrueAsync(() => second.Holder == first.Identity, "the second sees it", Patience);

        await stop.CancelAsync();
        await running;
        first.IsLeader.ShouldBeFalse();

        await Eventually.TrueAsync(() => second.IsLeader, "the second leads", Patience);
        var lease = await Client.GetAsync(ResourceTypes.Leases, Key("leader"));
        lease.Spec.HolderIdentity.ShouldBe(second.Identity);
        lease.Spec.LeaseTransitions.ShouldBe(1);
        await stopSecond.CancelAsync();
        await runningSecond;
        (await Client.GetAsync(ResourceTypes.Leases, Key("leader"))).Spec.HolderIdentity.ShouldBeNull();
    }

    private static Task Forever(CancellationToken token) => Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, token);

    private static async Task IgnoreMissingAsync(Task delete)
    {
        try
        {
            await delete;
        }
        catch (KubernetesException error) when (error.Reason == KubernetesReason.NotFound)
        {
        }
    }

    private static IEnumerable<string> Versions(IEnumerable<RawObject> widgets) => widgets.Select(w => $"{w.Metadata.Name}@{w.Metadata.ResourceVersion}").Order();
}
