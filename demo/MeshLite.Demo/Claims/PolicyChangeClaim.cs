using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>A document saved under load takes effect soon and costs no request. Sabotage: the document saved is invalid.</summary>
internal sealed class PolicyChangeClaim : IClaim
{
    private const int Changes = 10;
    private const int Rate = 450;

    // The figures are the news; the bound only says what no longer is "soon" even on a machine with much else to do.
    private static readonly TimeSpan Bound = TimeSpan.FromSeconds(2);

    public string Name => "policy-change";

    public string Says => "a saved policy takes effect in milliseconds, nothing lost";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        var load = shop.Load.Start(new LoadPlan { Prefix = "policy-change-", Rate = Rate, Entry = LoadEntry.Both });
        var flips = new List<PolicyFlip>();
        for (var change = 0; change < Changes; change++)
        {
            var version = change % 2 == 0 ? "v2" : "v1";
            var document = version == "v2" ? shop.Configuration.OrdersSplit(0, 100) : shop.Configuration.OrdersSplit(100, 0);
            var flip = await PolicyFlip.MeasureAsync(shop, load, sabotage ? shop.Configuration.InvalidOrders : document, version, TimeSpan.FromSeconds(5));
            flips.Add(flip);
            if (!flip.Done)
            {
                break;
            }

            // The next change meets a mesh at rest.
            await Task.Delay(TimeSpan.FromMilliseconds(150), shop.Time);
        }

        var tally = await Tally.OfAsync(shop, "policy-change-", await load.StopAsync());
        await shop.RestoreAsync(Name);
        var effect = flips.Where(f => f.Done).Select(f => f.FirstNew!.Value.TotalMilliseconds).Order().ToArray();
        var last = flips.Where(f => f.Done).Select(f => f.LastOld.TotalMilliseconds).Order().ToArray();
        var holds = effect.Length == Changes && effect[^1] <= Bound.TotalMilliseconds && last[^1] <= Bound.TotalMilliseconds;
        var summary = effect.Length == 0
            ? "the change saved took no effect"
            : $"{effect.Length} of {Changes} changes took effect; first new answer {Percentile(effect, 0.5)} ms (max {Percentile(effect, 1)}), last request the old way {Percentile(last, 0.5)} ms (max {Percentile(last, 1)}) after the save";
        return ClaimResult.Of(Name, holds, tally, summary, new Dictionary<string, object?>
        {
            ["changes"] = flips.Count,
            ["tookEffect"] = effect.Length,
            ["firstNewMsP50"] = Percentile(effect, 0.5),
            ["firstNewMsMax"] = Percentile(effect, 1),
            ["lastOldMsP50"] = Percentile(last, 0.5),
            ["lastOldMsMax"] = Percentile(last, 1),
            ["boundMs"] = Bound.TotalMilliseconds,
        });
    }

    private static double? Percentile(double[] sorted, double rank) =>
        sorted.Length == 0 ? null : Math.Round(sorted[Math.Min(sorted.Length - 1, (int)(rank * sorted.Length))], 1);
}
