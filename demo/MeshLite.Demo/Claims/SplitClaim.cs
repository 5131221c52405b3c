using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>90/10, counted at the applications. Sabotage: 50/50 is applied.</summary>
internal sealed class SplitClaim : IClaim
{
    private const int Requests = 6000;
    private const double TolerancePoints = 1.0;

    public string Name => "split";

    public string Says => "90 % of requests go to orders v1, 10 % to v2";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        if (sabotage)
        {
            await PolicyFlip.SaveAndSettleAsync(shop, "split-sabotage-", shop.Configuration.OrdersSplit(50, 50), s => s.Count(r => r.Version == "v2") > s.Count / 4);
        }

        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = "split-", Count = Requests, Concurrency = 32 });
        var tally = await Tally.OfAsync(shop, "split-", sent);
        var arrived = new Dictionary<string, int>(StringComparer.Ordinal) { ["v1"] = 0, ["v2"] = 0 };
        foreach (var orders in shop.Members.Where(m => m.Role == "orders"))
        {
            var version = orders.Sidecar.Spec.Labels["version"];
            arrived[version] += (await orders.LedgerAsync("split-")).Where(e => !e.Id.StartsWith("split-sabotage-", StringComparison.Ordinal)).Sum(e => e.Count);
        }

        if (sabotage)
        {
            await shop.RestoreAsync(Name);
        }

        var percentV2 = 100.0 * arrived["v2"] / Math.Max(1, arrived["v1"] + arrived["v2"]);
        var summary = $"v1 {arrived["v1"]}, v2 {arrived["v2"]} ({percentV2:0.0} %)";
        return ClaimResult.Of(Name, Math.Abs(percentV2 - 10) <= TolerancePoints, tally, summary, new Dictionary<string, object?>
        {
            ["atV1"] = arrived["v1"],
            ["atV2"] = arrived["v2"],
            ["percentV2"] = Math.Round(percentV2, 2),
            ["tolerancePoints"] = TolerancePoints,
        });
    }
}
