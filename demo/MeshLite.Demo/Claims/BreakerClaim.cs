using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// inventory fails altogether: after a few failures its callers fail at once, single probes find out whether it is back,
/// and when it is everything goes on. Sabotage: the policy has no circuit.
/// </summary>
internal sealed class BreakerClaim : IClaim
{
    private const int Rate = 150;
    private const string Prefix = "breaker-";
    private const string Resource = "destination/inventory";
    private static readonly TimeSpan Broken = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    public string Name => "breaker";

    public string Says => "a circuit opens, fails fast, probes and closes";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        await shop.Load.SendAsync(new LoadPlan { Prefix = "before-breaker-", Count = 1, Entry = LoadEntry.Inventory });
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.InventoryWithoutBreaker, Resource);
        }

        await shop.Inventory.TroubleAsync(new ShopTrouble { FailPercent = 100 });
        var load = shop.Load.Start(new LoadPlan { Prefix = Prefix, Rate = Rate, Entry = LoadEntry.Inventory, Method = HttpMethod.Post });
        await Task.Delay(Broken, shop.Time);
        var healed = shop.Time.GetTimestamp();
        await shop.CalmAsync();
        var closed = await ClosedAsync(shop, load, healed);
        var sent = await load.StopAsync();
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.Inventory, Resource);
        }

        var fast = sent.Where(IsFast).ToArray();
        var opened = fast.Select(s => s.Ended).DefaultIfEmpty(long.MaxValue).Min();
        var atInventory = (await shop.Inventory.LedgerAsync(Prefix)).Sum(e => e.Failed);
        var probes = sent.Count(s => !s.Succeeded && !IsFast(s) && s.Started > opened);
        var unexplained = sent.Count(s => !s.Succeeded && !IsFast(s) && s.Reason != "no meshlite-error");
        var took = fast.Select(s => shop.Time.GetElapsedTime(s.Started, s.Ended).TotalMilliseconds).Order().ToArray();
        // A probe a second, after ten failures and whatever was under way with them: nothing beside what was sent.
        var holds = fast.Length > 0 && probes > 0 && closed is not null && unexplained == 0 && atInventory * 4 < atInventory + fast.Length;
        return new ClaimResult(Name, holds, new Dictionary<string, object?>
        {
            ["requests"] = sent.Count,
            ["failedAtInventory"] = atInventory,
            ["failedFast"] = fast.Length,
            ["failedFastMsP50"] = took.Length == 0 ? null : Math.Round(took[took.Length / 2], 2),
            ["probes"] = probes,
            ["closedAfterMs"] = closed is { } after ? Math.Round(after.TotalMilliseconds) : null,
            ["otherFailures"] = unexplained,
        })
        {
            Summary = fast.Length == 0
                ? $"no circuit opened: inventory got all {atInventory} requests it failed"
                : $"opened after {atInventory - probes} failures, then {fast.Length} failed fast (p50 {took[took.Length / 2]:0.0} ms) and {probes} probed; {(closed is { } ms ? $"closed {ms.TotalMilliseconds:0} ms after inventory was well" : "did not close")}",
        };

        static bool IsFast(SentRequest sent) => sent.Reason == "circuit_open";
    }

    // From the recovery to the sending of the first of 30 requests in a row that succeed.
    private static async Task<TimeSpan?> ClosedAsync(ShopMesh shop, RunningLoad load, long healed)
    {
        while (shop.Time.GetElapsedTime(healed) < Patience)
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), shop.Time);
            var last = load.Answered.Reverse().TakeWhile(s => s.Succeeded && s.Started > healed).ToArray();
            if (last.Length >= 30)
            {
                return shop.Time.GetElapsedTime(healed, last[^1].Started);
            }
        }

        return null;
    }
}
