using MeshLite.Demo.Load;
using MeshLite.Demo.Shop;
using MeshLite.Processes;

namespace MeshLite.Demo.Claims;

/// <summary>
/// Both ends of every hop know each other: applications book their callers' identities, each inbound port proves the
/// identity its callers demand of it, and whoever comes in plaintext or without a certificate is refused. Sabotage: the
/// mesh is made Permissive.
/// </summary>
internal sealed class MtlsClaim : IClaim
{
    private const int Requests = 200;
    private const string Prefix = "mtls-";
    private const string Loadgen = "loadgen";
    private const string IdentityPrefix = "spiffe://cluster.local/ns/shop/sa/";

    public string Name => "mtls";

    public string Says => "both ends of every hop know each other by mutual TLS, plaintext is refused";

    public async Task<ClaimResult> MeasureAsync(ShopMesh shop, bool sabotage)
    {
        if (sabotage)
        {
            shop.Processes.Save(ShopConfiguration.MeshFile, shop.Configuration.PermissiveMesh);
            await PlaintextAsync(shop, accepted: true);
        }

        var sent = await shop.Load.SendAsync(new LoadPlan { Prefix = Prefix, Count = Requests, Entry = LoadEntry.Both });
        var tally = await Tally.OfAsync(shop, Prefix, sent);
        var callers = await CallersAsync(shop);
        var servers = await ServersAsync(shop);
        var strangers = await StrangersAsync(shop);
        if (sabotage)
        {
            shop.Processes.Save(ShopConfiguration.MeshFile, shop.Configuration.Mesh);
            await PlaintextAsync(shop, accepted: false);
        }

        var proved = servers.Count(s => s.Proved == s.Demanded && s.Proved is not null);
        var holds = callers.All(c => c.Expected) && callers.Count == 4
            && proved == servers.Count
            && strangers.Plaintext == 0 && strangers.WithoutCertificate == 0;
        var summary = $"{callers.Count(c => c.Expected)} of {callers.Count} hops with the caller they should have; {proved} of {servers.Count} servers proved the identity demanded; of {shop.Members.Count} ports {strangers.Plaintext} took plaintext, {strangers.WithoutCertificate} took TLS without a certificate";
        return ClaimResult.Of(Name, holds, tally, summary, new Dictionary<string, object?>
        {
            ["hops"] = callers.Count,
            ["callers"] = callers.Select(c => $"{c.Role} from {(c.Client.Length == 0 ? "unknown" : c.Client)}: {c.Count}").ToArray(),
            ["servers"] = servers.Select(s => $"{s.Caller} to {s.Server}: {s.Proved ?? "unproved"}").ToArray(),
            ["serversAsDemanded"] = proved,
            ["plaintextTried"] = shop.Members.Count,
            ["plaintextAccepted"] = strangers.Plaintext,
            ["withoutCertificateTried"] = shop.Members.Count,
            ["withoutCertificateAccepted"] = strangers.WithoutCertificate,
        });
    }

    // Server's end: whom each application was told to be called by.
    private static async Task<IReadOnlyList<(string Role, string Client, int Count, bool Expected)>> CallersAsync(ShopMesh shop)
    {
        var calls = new Dictionary<(string Role, string Client), int>();
        foreach (var member in shop.Members)
        {
            foreach (var entry in await member.LedgerAsync(Prefix))
            {
                calls[(member.Role, entry.Client)] = calls.GetValueOrDefault((member.Role, entry.Client)) + entry.Count;
            }
        }

        string[] hops = [$"frontend<{Loadgen}", $"orders<{Loadgen}", "orders<frontend", "inventory<orders"];
        return [.. calls.Select(c => (c.Key.Role, c.Key.Client, c.Value, hops.Any(h => $"{c.Key.Role}<{c.Key.Client}" == h.Replace("<", "<" + IdentityPrefix, StringComparison.Ordinal))))];
    }

    // Caller's end: the identity each inbound port proves in a handshake is the one its callers demand of that address.
    private static async Task<IReadOnlyList<(string Caller, string Server, string? Proved, string? Demanded)>> ServersAsync(ShopMesh shop)
    {
        var servers = new List<(string, string, string?, string?)>();
        foreach (var (caller, role) in new[] { (shop.LoadGenerator, "frontend"), (shop.LoadGenerator, "orders"), (Of("frontend"), "orders"), (Of("orders-v1-a"), "inventory") })
        {
            var demanded = await SidecarClusters.IdentitiesAsync(shop.Direct, caller);
            foreach (var server in shop.Members.Where(m => m.Role == role))
            {
                var (proved, _) = await InboundProbe.StrangerTlsAsync(server.Sidecar.Inbound, role, "identity-probe", shop.Time);
                servers.Add((caller.Spec.Name, server.Name, proved, demanded.GetValueOrDefault(server.Sidecar.Inbound.ToString())));
            }
        }

        return servers;

        Processes.Mesh.SidecarProcess Of(string name) => shop.Members.Single(m => m.Name == name).Sidecar;
    }

    // How many of the inbound ports served someone they should not have.
    private static async Task<(int Plaintext, int WithoutCertificate)> StrangersAsync(ShopMesh shop)
    {
        var (plaintext, withoutCertificate) = (0, 0);
        foreach (var member in shop.Members)
        {
            var id = $"stranger-{member.Name}-";
            var status = await InboundProbe.PlaintextAsync(member.Sidecar.Inbound, member.Role, id + "plaintext", shop.Time);
            var (_, tlsStatus) = await InboundProbe.StrangerTlsAsync(member.Sidecar.Inbound, member.Role, id + "tls", shop.Time);
            var booked = await member.LedgerAsync(id);
            plaintext += status.Contains(" 2", StringComparison.Ordinal) || booked.Any(b => b.Id.EndsWith("plaintext", StringComparison.Ordinal)) ? 1 : 0;
            withoutCertificate += tlsStatus.Contains(" 2", StringComparison.Ordinal) || booked.Any(b => b.Id.EndsWith("tls", StringComparison.Ordinal)) ? 1 : 0;
        }

        return (plaintext, withoutCertificate);
    }

    // Returns once plaintext is accepted everywhere, or nowhere.
    private static async Task PlaintextAsync(ShopMesh shop, bool accepted)
    {
        for (var round = 0; round < 200; round++)
        {
            var answers = await Task.WhenAll(shop.Members.Select(m => InboundProbe.PlaintextAsync(m.Sidecar.Inbound, m.Role, "mode-probe", shop.Time)));
            if (answers.All(a => a.StartsWith("HTTP/1.1 2", StringComparison.Ordinal) == accepted))
            {
                return;
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), shop.Time);
        }

        throw new ProcessFailedException($"the mTLS mode saved is not in force after 10 s: plaintext is {(accepted ? "still refused" : "still accepted")} somewhere");
    }
}
