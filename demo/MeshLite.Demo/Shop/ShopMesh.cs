using MeshLite.Demo.Load;
using MeshLite.Processes;
using MeshLite.Processes.Mesh;

namespace MeshLite.Demo.Shop;

/// <summary>
/// Everything that runs: control plane, the shop's five applications with their sidecars, the load generator's sidecar.
/// The processes belong to the launcher. Used by one claim at a time.
/// </summary>
internal sealed class ShopMesh
{
    // Peak-EWMA may leave an endpoint alone for a while whose first request was slow, as a cold program's is.
    private static readonly TimeSpan ServingTimeout = TimeSpan.FromSeconds(40);

    private ShopMesh(MeshProcesses mesh, ControlPlaneProcess controlPlane, SidecarProcess loadgen, IReadOnlyList<ShopMember> members, HttpClient direct, TimeProvider time)
    {
        Processes = mesh;
        ControlPlane = controlPlane;
        LoadGenerator = loadgen;
        Members = members;
        Direct = direct;
        Load = new ShopLoad(loadgen.Outbound, time);
        Time = time;
        Configuration = ShopConfiguration.Read(ConfigDirectory);
    }

    /// <summary>Where the documents lie: an example to read as well.</summary>
    public static string ConfigDirectory => Path.Combine(MeshPrograms.RepositoryRoot(), "demo", "config");

    public MeshProcesses Processes { get; }

    public ControlPlaneProcess ControlPlane { get; }

    /// <summary>The sidecar through which the demo calls the shop.</summary>
    public SidecarProcess LoadGenerator { get; }

    /// <summary>frontend, orders v1 twice, orders v2, inventory.</summary>
    public IReadOnlyList<ShopMember> Members { get; }

    /// <summary>For everything that goes past the mesh: ledgers, metrics, admin.</summary>
    public HttpClient Direct { get; }

    /// <summary>Sends requests through the load generator's sidecar.</summary>
    public ShopLoad Load { get; }

    public TimeProvider Time { get; }

    public ShopConfiguration Configuration { get; }

    public IEnumerable<SidecarProcess> Sidecars => Members.Select(m => m.Sidecar).Append(LoadGenerator);

    public ShopMember Frontend => Members.Single(m => m.Role == "frontend");

    public ShopMember Inventory => Members.Single(m => m.Role == "inventory");

    public IReadOnlyList<ShopMember> OrdersV1 => [.. Members.Where(m => m.Name.StartsWith("orders-v1", StringComparison.Ordinal))];

    public static async Task<ShopMesh> StartAsync(ProcessLauncher launcher, string directory, HttpClient direct, TimeProvider time)
    {
        var mesh = new MeshProcesses(MeshPrograms.Find(), launcher, directory);
        var configuration = ShopConfiguration.Read(ConfigDirectory);
        mesh.Save(ShopConfiguration.MeshFile, configuration.Mesh);
        mesh.Save(ShopConfiguration.OrdersFile, configuration.Orders);
        mesh.Save(ShopConfiguration.InventoryFile, configuration.Inventory);
        mesh.Save(ShopConfiguration.FrontendFile, configuration.Frontend);
        var controlPlane = mesh.ControlPlane();
        await controlPlane.StartAsync();

        var loadgen = mesh.Sidecar(new SidecarSpec { Name = "loadgen", FixedPorts = true }, controlPlane);
        var starting = loadgen.StartAsync();
        var members = await Task.WhenAll(
            ShopMember.StartAsync(mesh, controlPlane, direct, "frontend", "frontend", "v1"),
            ShopMember.StartAsync(mesh, controlPlane, direct, "orders-v1-a", "orders", "v1"),
            ShopMember.StartAsync(mesh, controlPlane, direct, "orders-v1-b", "orders", "v1"),
            ShopMember.StartAsync(mesh, controlPlane, direct, "orders-v2", "orders", "v2"),
            ShopMember.StartAsync(mesh, controlPlane, direct, "inventory", "inventory", "v1"));
        await starting;
        var shop = new ShopMesh(mesh, controlPlane, loadgen, members, direct, time);
        await shop.ServingAsync("start-", members);
        return shop;
    }

    /// <summary>Saves the documents as they lie in demo/config; returns when the testers' rule and 90/10 are seen to be in force.</summary>
    public async Task RestoreAsync(string claim)
    {
        Processes.Save(ShopConfiguration.MeshFile, Configuration.Mesh);
        Processes.Save(ShopConfiguration.OrdersFile, Configuration.Orders);
        await ServingAsync($"restore-{claim}-", Members);
    }

    /// <summary>Ends all trouble.</summary>
    public Task CalmAsync() => Task.WhenAll(Members.Select(m => m.TroubleAsync(ShopTrouble.None)));

    /// <summary>Returns once each of <paramref name="members"/> was seen to receive requests that entered at the load generator.</summary>
    public async Task ServingAsync(string prefix, IReadOnlyList<ShopMember> members)
    {
        var started = Time.GetTimestamp();
        for (var round = 0; ; round++)
        {
            var everyone = await Load.SendAsync(new LoadPlan { Prefix = $"{prefix}{round}-", Count = 40, Concurrency = 4, Entry = LoadEntry.Both });
            var testers = await Load.SendAsync(new LoadPlan { Prefix = $"{prefix}{round}-canary-", Count = 10, Concurrency = 4, Canary = true });
            var booked = await Task.WhenAll(members.Select(m => m.LedgerAsync($"{prefix}{round}-")));
            var failed = everyone.Concat(testers).FirstOrDefault(s => !s.Succeeded);
            if (booked.All(b => b.Count > 0) && failed is null && testers.All(t => t.Version == "v2") && everyone.Any(s => s.Version == "v1"))
            {
                return;
            }

            if (Time.GetElapsedTime(started) > ServingTimeout)
            {
                var silent = members.Zip(booked).Where(b => b.Second.Count == 0).Select(b => b.First.Name);
                throw new ProcessFailedException(
                    $"the shop does not serve after {ServingTimeout.TotalSeconds:0} s: no requests at [{string.Join(", ", silent)}]; {failed?.Describe() ?? "no request failed"}; versions of testers: {string.Join(",", testers.Select(t => t.Version).Distinct())}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(100), Time);
        }
    }
}
