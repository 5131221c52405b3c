using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;

namespace MeshLite.Demo.Claims;

/// <summary>
/// The control plane is killed under load and started again: no request notices, and policies change again afterwards.
/// Sabotage: it is not started again until the claim is measured.
/// </summary>
internal sealed class ControlPlaneKillClaim : IClaim
{
    private const int Rate = 400;
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(3);

    public string Name => "control-plane-kill";

    public string Says => "SIGKILL of the control plane costs no request, policies change again after its restart";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        var load = shop.Load.Start(new LoadPlan { Prefix = "control-plane-kill-", Rate = Rate, Entry = LoadEntry.Both });
        await Task.Delay(TimeSpan.FromSeconds(1), shop.Time);
        await shop.ControlPlane.KillAsync();
        await Task.Delay(Away, shop.Time);
        var started = shop.Time.GetTimestamp();
        if (!sabotage)
        {
            await shop.ControlPlane.StartAsync();
        }

        var ready = shop.Time.GetElapsedTime(started);
        // Includes the sidecars' way back: they reconnect with backoff.
        var patience = TimeSpan.FromSeconds(sabotage ? 5 : 15);
        var flip = await PolicyFlip.MeasureAsync(shop, load, shop.Configuration.OrdersSplit(0, 100), "v2", patience);
        var tally = await Tally.OfAsync(shop, "control-plane-kill-", await load.StopAsync());
        if (sabotage)
        {
            await shop.ControlPlane.StartAsync();
        }

        await shop.RestoreAsync(Name);
        var summary = flip.Done
            ? $"away {Away.TotalSeconds:0} s, a policy saved after the restart took effect in {flip.LastOld.TotalMilliseconds:0} ms"
            : $"away {Away.TotalSeconds:0} s, a policy saved afterwards took no effect in {patience.TotalSeconds:0} s";
        return ClaimResult.Of(Name, flip.Done, tally, summary, new Dictionary<string, object?>
        {
            ["awayMs"] = Away.TotalMilliseconds,
            ["restartMs"] = sabotage ? null : Math.Round(ready.TotalMilliseconds),
            ["policyChangeAfterRestartMs"] = flip.Done ? Math.Round(flip.LastOld.TotalMilliseconds, 1) : null,
        });
    }
}
