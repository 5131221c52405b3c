namespace MeshLite.Demo.Shop;

/// <summary>The ledgers of a role's replicas, taken together.</summary>
internal static class ShopLedger
{
    /// <summary>One entry an id; a retry may have gone to another replica.</summary>
    public static async Task<IReadOnlyList<LedgerEntry>> OfAsync(ShopMesh shop, string role, string prefix)
    {
        var booked = await Task.WhenAll(shop.Members.Where(m => m.Role == role).Select(m => m.LedgerAsync(prefix)));
        return
        [
            .. booked.SelectMany(b => b).GroupBy(e => e.Id).Select(g => g.Last() with
            {
                Count = g.Sum(e => e.Count), Failed = g.Sum(e => e.Failed), Cancelled = g.Sum(e => e.Cancelled), Ended = g.Sum(e => e.Ended),
            }),
        ];
    }
}
