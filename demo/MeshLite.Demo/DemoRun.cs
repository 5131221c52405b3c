using MeshLite.Demo.Claims;
using MeshLite.Demo.Output;
using MeshLite.Demo.Shop;
using MeshLite.Processes;

namespace MeshLite.Demo;

/// <summary>Starts the shop, measures one claim after the other, writes the results.</summary>
internal sealed class DemoRun(DemoOptions options, IDemoOutput output, string outputDirectory, TimeProvider time)
{
    /// <summary>Whether all claims hold. On a terminal it stays up, with all processes, until cancelled.</summary>
    public async Task<bool> RunAsync(bool stayUp, CancellationToken cancellation)
    {
        var directory = Directory.CreateTempSubdirectory("meshlite-demo-").FullName;
        using var direct = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        await using var launcher = new ProcessLauncher(time, Path.Combine(outputDirectory, "logs"));
        try
        {
            var shop = await output.DuringAsync(
                "starting a control plane, five applications and six sidecars", () => ShopMesh.StartAsync(launcher, directory, direct, time)).WaitAsync(cancellation);
            var results = new List<(IClaim Claim, ClaimResult Result)>();
            foreach (var claim in AllClaims.List)
            {
                var sabotage = claim.Name == options.Break;
                var what = $"{claim.Name}{(sabotage ? ", sabotaged" : "")}";
                var result = await output.DuringAsync(what, () => MeasureAsync(claim, shop, sabotage)).WaitAsync(cancellation);
                results.Add((claim, result));
                output.Measured(result);
                ResultsFile.Write(Path.Combine(outputDirectory, "results.json"), results.Select(r => r.Result));
            }

            output.Table(results);
            if (stayUp)
            {
                ShowUrls(shop);
                await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellation).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }

            return results.All(r => r.Result.Holds);
        }
        finally
        {
            await launcher.DisposeAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    // A claim that can't be measured does not hold; those after it may.
    private static async Task<ClaimResult> MeasureAsync(IClaim claim, ShopMesh shop, bool sabotage)
    {
        try
        {
            return await claim.MeasureAsync(shop, sabotage);
        }
        catch (Exception e) when (e is ProcessFailedException or HttpRequestException)
        {
            return new ClaimResult(claim.Name, false, new Dictionary<string, object?> { ["error"] = e.Message }) { Summary = e.Message };
        }
    }

    private void ShowUrls(ShopMesh shop)
    {
        output.Line($"policies, reloaded as you save them: {shop.Processes.ConfigDirectory}");
        output.Line($"control plane metrics                http://{shop.ControlPlane.Telemetry}/metrics");
        foreach (var sidecar in shop.Sidecars)
        {
            output.Line($"{sidecar.Spec.Name,-12} config, clusters: http://{sidecar.Admin}/config /clusters   metrics: http://{sidecar.Telemetry}/metrics");
        }

        output.Line($"call the shop: curl -x http://{shop.LoadGenerator.Outbound} http://frontend/orders/1 -i");
        output.Line("Ctrl+C ends all of it.");
    }
}
