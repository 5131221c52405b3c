using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// Reports take 5 s, and nobody waits longer than the 300 ms their route allows, nor does inventory work on. Sabotage: the
/// route says 0 s, which is no bound.
/// </summary>
internal sealed class TimeoutClaim : IClaim
{
    // Fewer in a row than open inventory's circuit.
    private const int Requests = 8;
    private const string Prefix = "timeout-";
    private const string Resource = "destination/inventory";
    private static readonly TimeSpan Allowed = TimeSpan.FromMilliseconds(300);

    // Of a machine with much else to do; still long before the answer.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Takes = TimeSpan.FromSeconds(5);

    public string Name => "timeout";

    public string Says => "a route's timeout ends the waiting and the work";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        await shop.Load.SendAsync(new LoadPlan { Prefix = "before-timeout-", Count = 1, Entry = LoadEntry.Inventory });
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.InventoryWithoutTimeout, Resource);
        }

        await shop.Inventory.TroubleAsync(new ShopTrouble { DelayMs = (int)Takes.TotalMilliseconds });
        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = Prefix, Count = Requests, Concurrency = Requests, Entry = LoadEntry.Reports, Method = HttpMethod.Get });
        var stopped = await StoppedAsync(shop);
        await shop.CalmAsync();
        var afterwards = await shop.Load.SendAsync(new LoadPlan { Prefix = "after-timeout-", Count = Requests, Entry = LoadEntry.Reports, Method = HttpMethod.Get });
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.Inventory, Resource);
        }

        var waited = sent.Select(s => shop.Time.GetElapsedTime(s.Started, s.Ended)).Order().ToArray();
        var told = sent.Count(s => s is { Status: 504, Reason: "request_timeout" });
        var holds = told == Requests && waited[0] >= Allowed && waited[^1] <= Bound && stopped == Requests && afterwards.All(s => s.Succeeded);
        return new ClaimResult(Name, holds, new Dictionary<string, object?>
        {
            ["requests"] = sent.Count,
            ["allowedMs"] = Allowed.TotalMilliseconds,
            ["boundMs"] = Bound.TotalMilliseconds,
            ["timedOut"] = told,
            ["waitedMsMin"] = Math.Round(waited[0].TotalMilliseconds),
            ["waitedMsMax"] = Math.Round(waited[^1].TotalMilliseconds),
            ["stoppedAtInventory"] = stopped,
            ["succeededAfterwards"] = afterwards.Count(s => s.Succeeded),
        })
        {
            Summary = $"of {Requests} reports of {Takes.TotalSeconds:0} s {told} ended with 504 after {waited[0].TotalMilliseconds:0} to {waited[^1].TotalMilliseconds:0} ms (allowed: {Allowed.TotalMilliseconds:0}), inventory stopped working on {stopped}; afterwards {afterwards.Count(s => s.Succeeded)} of {Requests} succeed",
        };
    }

    private static async Task<int> StoppedAsync(ShopMesh shop)
    {
        IReadOnlyList<LedgerEntry> booked;
        var started = shop.Time.GetTimestamp();
        do
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), shop.Time);
            booked = await shop.Inventory.LedgerAsync(Prefix);
        }
        while (booked.Sum(e => e.Ended) < booked.Sum(e => e.Count) && shop.Time.GetElapsedTime(started) < Bound);
        return booked.Sum(e => e.Cancelled);
    }
}
