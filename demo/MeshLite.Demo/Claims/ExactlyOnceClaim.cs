using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// The same failures hit POSTs, after inventory has booked them: each is there once, and each failure is told. Sabotage: POSTs
/// are declared safe to send again.
/// </summary>
internal sealed class ExactlyOnceClaim : IClaim
{
    private const int Requests = 400;
    private const string Prefix = "exactly-once-";
    private const string Resource = "destination/inventory";

    public string Name => "exactly-once";

    public string Says => "POSTs arrive once each under the same failures, which are told";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        await shop.Load.SendAsync(new LoadPlan { Prefix = "before-exactly-once-", Count = 1, Entry = LoadEntry.Inventory });
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.InventoryRetryingWrites, Resource);
        }

        await shop.Inventory.TroubleAsync(ShopTrouble.ThirtyPercent);
        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = Prefix, Count = Requests, Entry = LoadEntry.Inventory, Method = HttpMethod.Post });
        await shop.CalmAsync();
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.Inventory, Resource);
        }

        var booked = (await shop.Inventory.LedgerAsync(Prefix)).ToDictionary(e => e.Id);
        var once = sent.Count(s => booked.GetValueOrDefault(s.Id) is { Count: 1 });
        var failed = booked.Values.Sum(e => e.Failed);
        // What failed was told, what succeeded did not fail.
        var honest = sent.Count(s => booked.GetValueOrDefault(s.Id) is { } entry && (entry.Failed > 0) != s.Succeeded);
        return new ClaimResult(Name, once == Requests && honest == Requests && failed >= Requests / 5, new Dictionary<string, object?>
        {
            ["requests"] = sent.Count,
            ["arrivedOnce"] = once,
            ["arrivedMoreOften"] = booked.Values.Count(e => e.Count > 1),
            ["neverArrived"] = Requests - booked.Count,
            ["failedAtInventory"] = failed,
            ["failuresTold"] = sent.Count(s => !s.Succeeded),
            ["answeredAsItWas"] = honest,
        })
        {
            Summary = $"{once} of {Requests} POSTs arrived once, {booked.Values.Count(e => e.Count > 1)} more often, {Requests - booked.Count} never; inventory failed {failed}, {sent.Count(s => !s.Succeeded)} failures told",
        };
    }
}
