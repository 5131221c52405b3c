using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;
using MeshLite.Processes;

namespace MeshLite.Demo.Claims;

/// <summary>
/// One change of the orders document under load, everyone to the one version or everyone to the other, and how long it
/// took to be seen.
/// </summary>
/// <param name="FirstNew">From the save to the first answer that shows the change; null: none did.</param>
/// <param name="LastOld">From the save to the sending of the last request that still went the old way.</param>
internal readonly record struct PolicyFlip(TimeSpan? FirstNew, TimeSpan LastOld)
{
    private const int SettledAfter = 40;

    /// <summary>Whether the change was seen, and everything follows it.</summary>
    public bool Done => FirstNew is not null;

    /// <summary>Saves <paramref name="document"/> and watches <paramref name="load"/> until its last 40 answers all are of <paramref name="version"/>.</summary>
    public static async Task<PolicyFlip> MeasureAsync(ShopMesh shop, RunningLoad load, string document, string version, TimeSpan patience)
    {
        // Before the write, not after it: the control plane may be faster than the call returns.
        var saved = shop.Time.GetTimestamp();
        shop.Processes.Save(ShopConfiguration.OrdersFile, document);
        bool settled;
        do
        {
            await Task.Delay(TimeSpan.FromMilliseconds(20), shop.Time);
            settled = load.Answered.Reverse().TakeWhile(r => r.Started >= saved && r.Version == version).Take(SettledAfter).Count() == SettledAfter;
        }
        while (!settled && shop.Time.GetElapsedTime(saved) < patience);

        var since = load.Answered.Where(r => r.Started >= saved).ToArray();
        var shown = since.Where(r => r.Version == version).Select(r => r.Ended).DefaultIfEmpty().Min();
        var old = since.Where(r => r.Version is not null && r.Version != version).Select(r => r.Started).DefaultIfEmpty(saved).Max();
        return new PolicyFlip(settled ? shop.Time.GetElapsedTime(saved, shown) : null, shop.Time.GetElapsedTime(saved, old));
    }

    /// <summary>Saves <paramref name="document"/> and returns once it is seen to be in force.</summary>
    public static async Task SaveAndSettleAsync(
        ShopMesh shop, string prefix, string document, Func<IReadOnlyCollection<SentRequest>, bool> inForce, bool canary = false)
    {
        shop.Processes.Save(ShopConfiguration.OrdersFile, document);
        for (var round = 0; round < 100; round++)
        {
            if (inForce(await shop.Load.SendAsync(new LoadPlan { Prefix = $"{prefix}{round}-", Count = 60, Entry = LoadEntry.Both, Canary = canary })))
            {
                return;
            }
        }

        throw new ProcessFailedException("the change made for the sabotage was not seen to take effect");
    }
}
