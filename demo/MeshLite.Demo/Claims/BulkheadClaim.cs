using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// frontend hangs, with as many callers as its policy lets in and some more, who are told so at once; orders does not notice.
/// Sabotage: the policy lets everyone in.
/// </summary>
internal sealed class BulkheadClaim : IClaim
{
    private const int TooMany = 50;
    private const int Requests = 400;
    private const string Prefix = "bulkhead-";

    // A hung neighbour must not cost anything; a machine with much else to do costs this at any time.
    private static readonly TimeSpan Jitter = TimeSpan.FromMilliseconds(250);

    public string Name => "bulkhead";

    public string Says => "a hung dependency doesn't slow another";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.FrontendFile, shop.Configuration.FrontendWithoutLimit, "destination/frontend");
        }

        var before = await shop.Load.SendAsync(Others("before-"));
        await shop.Frontend.TroubleAsync(new ShopTrouble { Hang = true });
        var all = ShopConfiguration.FrontendMaxRequests + TooMany;
        var hung = shop.Load.Start(new LoadPlan { Prefix = Prefix + "hung-", Count = all, Concurrency = all, Entry = LoadEntry.Frontend });
        var arrived = await ArrivedAsync(shop, hung, all);
        var during = await shop.Load.SendAsync(Others("during-"));
        var refused = hung.Answered.ToArray();
        await shop.CalmAsync();
        await hung.Ended;
        if (sabotage)
        {
            await SidecarVersions.ChangeAsync(shop, ShopConfiguration.FrontendFile, shop.Configuration.Frontend, "destination/frontend");
        }

        var tally = await Tally.OfAsync(shop, Prefix + "during-", during);
        var (p99Before, p99During) = (P99(shop, before), P99(shop, during));
        var told = refused.Count(r => r.Reason == "overloaded");
        var served = hung.Answered.Count(r => r.Succeeded);
        var holds = arrived == ShopConfiguration.FrontendMaxRequests && told == TooMany && refused.Length == TooMany && served == arrived
            && p99During <= (2 * p99Before) + Jitter.TotalMilliseconds;
        var summary = $"frontend hung with {arrived} requests, {told} more were refused at once; p99 of orders {p99During:0} ms meanwhile, {p99Before:0} ms before; let go, {served} of the hung were answered";
        return ClaimResult.Of(Name, holds, tally, summary, new Dictionary<string, object?>
        {
            ["hungAtFrontend"] = arrived,
            ["refused"] = told,
            ["servedWhenLetGo"] = served,
            ["ordersP99MsBefore"] = Math.Round(p99Before, 1),
            ["ordersP99MsDuring"] = Math.Round(p99During, 1),
        });
    }

    private static LoadPlan Others(string when) => new() { Prefix = Prefix + when, Count = Requests, Concurrency = 8 };

    // Once each request has either arrived at frontend, where it hangs, or been answered.
    private static async Task<int> ArrivedAsync(ShopMesh shop, RunningLoad hung, int all)
    {
        for (var round = 0; ; round++)
        {
            var arrived = (await shop.Frontend.LedgerAsync(Prefix + "hung-")).Sum(e => e.Count);
            if (arrived + hung.Answered.Count >= all || round == 250)
            {
                return arrived;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(20), shop.Time);
        }
    }

    private static double P99(ShopMesh shop, IReadOnlyCollection<SentRequest> sent) =>
        sent.Select(s => shop.Time.GetElapsedTime(s.Started, s.Ended).TotalMilliseconds).Order().ElementAt(sent.Count * 99 / 100);
}
