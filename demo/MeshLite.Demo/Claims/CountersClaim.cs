using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// What each sidecar counted equals what was sent, and what its application booked. Sabotage: requests are sent to an
/// application past its sidecar.
/// </summary>
internal sealed class CountersClaim : IClaim
{
    private const int Requests = 1000;
    private const string Prefix = "counters-";

    public string Name => "counters";

    public string Says => "scraped counters equal the requests sent and received";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        var before = await RequestCounters.ScrapeAsync(shop);
        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = Prefix, Count = Requests, Entry = LoadEntry.Both });
        if (sabotage)
        {
            await shop.Members.Single(m => m.Name == "orders-v2").BypassAsync(Prefix, 50);
        }

        // What was sent, or booked by the application behind each sidecar: arrivals are inbound, and each leads to one call out.
        var expected = new Dictionary<string, RequestCounters>(StringComparer.Ordinal) { ["loadgen"] = new(0, sent.Count, sent.Count) };
        foreach (var member in shop.Members)
        {
            var booked = (await member.LedgerAsync(Prefix)).Sum(e => e.Count);
            var onward = member.Role == "inventory" ? 0 : booked;
            expected[member.Name] = new RequestCounters(booked, onward, booked + onward);
        }

        var counted = await SettledAsync(shop, before, expected);
        var tally = await Tally.OfAsync(shop, Prefix, sent);
        var equal = expected.All(e => counted[e.Key] == e.Value);
        var summary = $"outbound {counted.Values.Sum(c => c.Outbound)} counted of {expected.Values.Sum(c => c.Outbound)} sent, inbound {counted.Values.Sum(c => c.Inbound)} counted of {expected.Values.Sum(c => c.Inbound)} received";
        return ClaimResult.Of(Name, equal, tally, summary, new Dictionary<string, object?>
        {
            ["outboundCounted"] = counted.Values.Sum(c => c.Outbound),
            ["outboundSent"] = expected.Values.Sum(c => c.Outbound),
            ["inboundCounted"] = counted.Values.Sum(c => c.Inbound),
            ["inboundReceived"] = expected.Values.Sum(c => c.Inbound),
            ["sidecars"] = expected.ToDictionary(e => e.Key, e => new { counted = counted[e.Key], atApplication = e.Value }),
        });
    }

    // A request is counted when its response has ended, which may be a moment after its caller has all of it.
    private static async Task<Dictionary<string, RequestCounters>> SettledAsync(
        ShopMesh shop, Dictionary<string, RequestCounters> before, Dictionary<string, RequestCounters> expected)
    {
        for (var round = 0; ; round++)
        {
            var now = await RequestCounters.ScrapeAsync(shop);
            var counted = now.ToDictionary(n => n.Key, n => n.Value - before[n.Key]);
            if (round == 20 || expected.All(e => counted[e.Key] == e.Value))
            {
                return counted;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), shop.Time);
        }
    }
}
