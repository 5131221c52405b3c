using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>inventory fails 30 % of the reads, by status and by broken connections; no customer notices. Sabotage: nothing is sent again, there or anywhere.</summary>
internal sealed class RetryClaim : IClaim
{
    private const int Requests = 400;
    private const string Prefix = "retry-";
    private const string Resource = "destination/inventory";

    public string Name => "retry";

    public string Says => "a dependency that fails 30 % of GETs is hidden";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.InventoryWithoutRetries, Resource);
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.MeshFile, shop.Configuration.MeshWithoutRetries, "destination/frontend");
        }

        await shop.Inventory.TroubleAsync(ShopTrouble.ThirtyPercent);
        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = Prefix, Count = Requests, Entry = LoadEntry.Both, Method = HttpMethod.Get });
        await shop.CalmAsync();
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.InventoryFile, shop.Configuration.Inventory, Resource);
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.MeshFile, shop.Configuration.Mesh, "destination/frontend");
        }

        var booked = await shop.Inventory.LedgerAsync(Prefix);
        var (arrivals, failed) = (booked.Sum(e => e.Count), booked.Sum(e => e.Failed));
        var seen = sent.Count(s => !s.Succeeded);
        var missing = Requests - booked.Count;
        var first = sent.FirstOrDefault(s => !s.Succeeded)?.Describe();
        return new ClaimResult(Name, seen == 0 && missing == 0 && failed >= Requests / 5, new Dictionary<string, object?>
        {
            ["requests"] = sent.Count,
            ["failedForCallers"] = seen,
            ["failures"] = first,
            ["neverAtInventory"] = missing,
            ["arrivalsAtInventory"] = arrivals,
            ["failedAtInventory"] = failed,
            ["percentFailedAtInventory"] = Math.Round(100.0 * failed / Math.Max(1, arrivals), 1),
        })
        {
            Summary = $"inventory failed {failed} of {arrivals} arrivals ({100.0 * failed / Math.Max(1, arrivals):0} %), callers saw {seen} of {Requests} requests fail{(first is null ? "" : $" (first: {first})")}",
        };
    }
}
