using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>Testers' requests all go to v2, directly and through frontend. Sabotage: the rule is removed.</summary>
internal sealed class HeaderClaim : IClaim
{
    private const int Requests = 600;

    public string Name => "header";

    public string Says => "x-canary: true goes to orders v2, always";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        if (sabotage)
        {
            await PolicyFlip.SaveAndSettleAsync(
                shop, "header-sabotage-", shop.Configuration.OrdersWithoutTesters, s => s.Any(r => r.Version == "v1"), canary: true);
        }

        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = "header-", Count = Requests, Entry = LoadEntry.Both, Canary = true });
        var tally = await Tally.OfAsync(shop, "header-", sent);
        var elsewhere = 0;
        var atV2 = 0;
        foreach (var orders in shop.Members.Where(m => m.Role == "orders"))
        {
            var arrived = (await orders.LedgerAsync("header-")).Where(e => !e.Id.StartsWith("header-sabotage-", StringComparison.Ordinal)).Sum(e => e.Count);
            (atV2, elsewhere) = orders.Sidecar.Spec.Labels["version"] == "v2" ? (atV2 + arrived, elsewhere) : (atV2, elsewhere + arrived);
        }

        if (sabotage)
        {
            await shop.RestoreAsync(Name);
        }

        var summary = $"{atV2} of {Requests} at v2, {elsewhere} elsewhere";
        return ClaimResult.Of(Name, elsewhere == 0 && atV2 == Requests, tally, summary, new Dictionary<string, object?>
        {
            ["atV2"] = atV2,
            ["elsewhere"] = elsewhere,
        });
    }
}
