using MeshLite.Collector;
using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// A request through frontend, orders and inventory is one trace of six spans, each the child of the one before it, at a
/// collector in this process. Sabotage: frontend does not send on the trace context it received.
/// </summary>
internal sealed class TraceClaim : IClaim
{
    private const int Requests = 20;
    private const string Prefix = "trace-";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    // Which sidecar, and which way the request went through it. The first serves nothing and has no name in traces but its workload's.
    private static readonly (string Service, string Kind)[] Path =
    [
        ("loadgen", "Client"), ("frontend", "Server"), ("frontend", "Client"), ("orders", "Server"), ("orders", "Client"), ("inventory", "Server"),
    ];

    public string Name => "trace";

    public string Says => "one trace over all hops, each span the child of the one before";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await SidecarVersions.ChangeAsync(shop, ShopConfiguration.MeshFile, shop.Configuration.TracedMesh(collector.Address), "mesh");
        await shop.Frontend.TroubleAsync(new ShopTrouble { Forget = sabotage });
        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = Prefix, Count = Requests, Concurrency = 4, Entry = LoadEntry.Frontend, Method = HttpMethod.Get });
        var traces = await TracesAsync(shop, collector);
        await shop.CalmAsync();
        await SidecarVersions.ChangeAsync(shop, ShopConfiguration.MeshFile, shop.Configuration.Mesh, "mesh");

        var tally = await Tally.OfAsync(shop, Prefix, sent);
        var whole = traces.Count(IsWhole);
        var spans = traces.Sum(t => t.Length);
        var summary = $"{spans} spans of {Requests} requests received, in {traces.Count} traces; {whole} of them whole, with the right parents: {string.Join(" → ", Path.Select(p => $"{p.Service} {p.Kind.ToLowerInvariant()}"))}";
        return ClaimResult.Of(Name, whole == Requests && traces.Count == Requests, tally, summary, new Dictionary<string, object?>
        {
            ["spans"] = spans,
            ["traces"] = traces.Count,
            ["wholeTraces"] = whole,
            ["spansPerRequest"] = Path.Length,
            ["broken"] = traces.FirstOrDefault(t => !IsWhole(t))?.Select(s => $"{s.Service} {s.Kind} {s.Id} of {s.Parent}").ToArray(),
        });
    }

    private static async Task<IReadOnlyList<ReceivedSpan[]>> TracesAsync(ShopMesh shop, OtlpReceiver collector)
    {
        var started = shop.Time.GetTimestamp();
        ReceivedSpan[] spans;
        do
        {
            await Task.Delay(TimeSpan.FromMilliseconds(50), shop.Time);
            spans = [.. collector.Spans.Where(s => s.Attributes.GetValueOrDefault("url.path", "").Contains("/" + Prefix, StringComparison.Ordinal))];
        }
        while (spans.Length < Requests * Path.Length && shop.Time.GetElapsedTime(started) < Patience);
        return [.. spans.GroupBy(s => s.TraceId).Select(g => g.ToArray())];
    }

    private static bool IsWhole(ReceivedSpan[] trace)
    {
        var parent = "";
        foreach (var (service, kind) in Path)
        {
            if (trace.Where(s => (s.Service == service || parent.Length == 0) && s.Kind == kind && s.Parent == parent).ToArray() is not [var span])
            {
                return false;
            }

            parent = span.Id;
        }

        return trace.Length == Path.Length;
    }
}
