using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// One replica's sidecar is drained (SIGTERM) under load and started again, then the other's; each serves again before
/// the next. Sabotage: both are killed at once.
/// </summary>
internal sealed class SidecarRestartClaim : IClaim
{
    private const int Rate = 400;

    public string Name => "sidecar-restart";

    public string Says => "restarting the sidecar of one of two replicas costs no request";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        var load = shop.Load.Start(new LoadPlan { Prefix = "sidecar-restart-", Rate = Rate, Entry = LoadEntry.Both });
        await Task.Delay(TimeSpan.FromSeconds(1), shop.Time);
        var (drains, starts, exitCodes) = (new List<double>(), new List<double>(), new List<int>());
        if (sabotage)
        {
            await Task.WhenAll(shop.OrdersV1.Select(m => m.Sidecar.KillAsync()));
            await Task.Delay(TimeSpan.FromSeconds(1), shop.Time);
            await Task.WhenAll(shop.OrdersV1.Select(m => m.Sidecar.StartAsync()));
        }
        else
        {
            foreach (var replica in shop.OrdersV1)
            {
                var stopped = shop.Time.GetTimestamp();
                exitCodes.Add(await replica.Sidecar.DrainAsync());
                drains.Add(Math.Round(shop.Time.GetElapsedTime(stopped).TotalMilliseconds));
                var started = shop.Time.GetTimestamp();
                await replica.Sidecar.StartAsync();
                starts.Add(Math.Round(shop.Time.GetElapsedTime(started).TotalMilliseconds));
                await shop.ServingAsync($"sidecar-back-{replica.Name}-", [replica]);
            }
        }

        await Task.Delay(TimeSpan.FromSeconds(1), shop.Time);
        var tally = await Tally.OfAsync(shop, "sidecar-restart-", await load.StopAsync());
        await shop.ServingAsync("sidecar-restart-after-", shop.Members);
        var holds = exitCodes.All(c => c == 0) && exitCodes.Count == shop.OrdersV1.Count;
        var summary = sabotage
            ? "both replicas' sidecars killed at once"
            : $"{exitCodes.Count} restarts, drained in {string.Join(" and ", drains)} ms, ready again in {string.Join(" and ", starts)} ms";
        return ClaimResult.Of(Name, holds, tally, summary, new Dictionary<string, object?>
        {
            ["restarts"] = exitCodes.Count,
            ["exitCodes"] = exitCodes,
            ["drainMs"] = drains,
            ["startToReadyMs"] = starts,
        });
    }
}
