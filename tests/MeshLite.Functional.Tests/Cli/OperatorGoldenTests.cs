using System.Runtime.CompilerServices;
using MeshLite.Cli.Check;
using MeshLite.Cli.Operator;
using MeshLite.Cli.Status;
using MeshLite.Protocol.V1;

namespace MeshLite.Functional.Tests.Cli;

/// <summary>What meshctl check and status say of a mesh in which much is wrong, and of one in which nothing is: <c>golden/*.txt</c>. <c>GOLDEN_UPDATE=1</c> rewrites them.</summary>
public sealed class OperatorGoldenTests
{
    private static readonly DateTimeOffset Now = new(2026, 6, 1, 12, 0, 0, TimeSpan.Zero);

    public static TheoryData<string> Cases => ["check-good", "check-bad", "check-bad.json", "status", "status.json", "plaintext", "plaintext.json", "plaintext-none", "status-none"];

    [Theory]
    [MemberData(nameof(Cases))]
    public void Write_Case_IsAsTheFileSays(string name)
    {
        var output = new StringWriter();
        switch (name)
        {
            case "check-good" or "check-bad" or "check-bad.json":
                CheckCommand.Write(output, [.. MeshChecks.Of(name == "check-good" ? Good() : Bad(), "localhost:15012", "0.2.0", Now)], name.EndsWith(".json", StringComparison.Ordinal));
                break;
            case "status":
                SidecarView.WriteText(output, Bad(), Now);
                break;
            case "status.json":
                SidecarView.WriteJson(output, Bad());
                break;
            case "status-none":
                SidecarView.WriteText(output, new MeshReport(), Now);
                break;
            case "plaintext.json":
                PlaintextView.WriteJson(output, Bad());
                break;
            default:
                PlaintextView.WriteText(output, name == "plaintext" ? Bad() : Good(), Now);
                break;
        }

        var path = Path.Combine(Folder(), name.Contains('.', StringComparison.Ordinal) ? name : $"{name}.txt");
        if (Environment.GetEnvironmentVariable("GOLDEN_UPDATE") == "1")
        {
            File.WriteAllText(path, output.ToString());
        }

        output.ToString().ShouldBe(File.ReadAllText(path));
    }

    private static MeshReport Good()
    {
        var report = new MeshReport();
        report.Add(Replica("a", "0.2.0", Ending(Expiring.Types.Kind.Issuer, "CN=root", -1000, 2650), Ending(Expiring.Types.Kind.Root, "CN=root", -1000, 2650), Ending(Expiring.Types.Kind.Server, "gRPC and webhooks", -0.5, 0.5)), Now);
        report.Add(new ReplicaReport { Sidecars = new Sidecars { Sidecars_ = { Sidecar("shop", "orders-1", "orders") } } }, Now);
        return report;
    }

    private static MeshReport Bad()
    {
        var report = new MeshReport();
        var state = Replica(
            "a", "0.2.0", Ending(Expiring.Types.Kind.Issuer, "CN=issuer", -80, 10), Ending(Expiring.Types.Kind.Root, "CN=old root", -3650, -1), Ending(Expiring.Types.Kind.Root, "CN=root", -1000, 2650));
        state.State.TokenKeyMadeAt = Seconds(-400);
        state.State.FurtherProblems = 7;
        state.State.Problems.Add(new ConfigProblem { Resource = "TrafficPolicy shop/p (p.yaml:3)", Condition = "Invalid", Message = "spec.nonsense: unknown field" });
        state.State.Problems.Add(new ConfigProblem { Resource = "TrafficRoute shop/r", Condition = "ResolvedRefs", Message = "spec.rules[0].backendRefs[0]: Service shop/stock does not exist; requests sent there fail" });
        report.Add(state, Now + TimeSpan.FromMinutes(2));
        report.Add(Replica("b", "0.1.9", Ending(Expiring.Types.Kind.Issuer, "CN=issuer", -80, 10)), Now);
        report.Add(new ReplicaReport { Replica = "10.0.0.3:15012", Unheard = new Unheard { Problem = "Connection refused" } }, Now);

        var late = Sidecar("shop", "orders-1", "orders", version: "0.1.0");
        (late.CertificateBeginsAt, late.CertificateEndsAt) = (Seconds(-0.9), Seconds(0.1));
        late.Plaintext.Add(Call("10.0.0.7", "pod shop/legacy-1 (no sidecar)", "shop", 40, 0, -0.001));
        late.Plaintext.Add(Call("10.0.0.8", "pod batch/jobs-9", "batch", 3, 3, -2));
        late.Plaintext.Add(Call("10.1.2.3", "", "", 2, 1, -5));
        var other = Sidecar("shop", "orders-2", "orders", version: "0.3.0");
        (other.ClockOffset, other.Mtls) = (-1_500_000, "Strict");
        other.Plaintext.Add(Call("10.0.0.7", "pod shop/legacy-1 (no sidecar)", "shop", 2, 0, -0.5));
        other.Plaintext.Add(Call("10.0.0.9", "a node, or one of 3 pods on its network", "", 5, 0, -0.01));
        var odd = Sidecar("bank", "vault-1", "");
        odd.Refused.Add("destination/orders: the delta\n\u001b[31mdoes\u0007 not fit");
        odd.Current = odd.Reported = false;
        var behind = Sidecar("bank", "vault-2", "vault", version: "");
        behind.Current = false;
        behind.Plaintext.Add(Call("10.0.0.8", "pod batch/jobs-9", "batch", 4, 0, -2));
        report.Add(new ReplicaReport { Sidecars = new Sidecars { Sidecars_ = { late, other } } }, Now);
        report.Add(new ReplicaReport { Sidecars = new Sidecars { Sidecars_ = { odd, behind } } }, Now);
        return report;
    }

    private static ReplicaReport Replica(string id, string version, params Expiring[] expiring) =>
        new() { Replica = id, State = new ReplicaState { Version = version, Clock = Now.ToUnixTimeMilliseconds(), Expiring = { expiring } } };

    private static Expiring Ending(Expiring.Types.Kind kind, string name, double beginsInDays, double endsInDays) => new() { Kind = kind, Name = name, BeginsAt = Seconds(beginsInDays), EndsAt = Seconds(endsInDays) };

    private static SidecarState Sidecar(string ns, string workload, string service, string version = "0.2.0") => new()
    {
        SpiffeId = $"spiffe://cluster.local/ns/{ns}/sa/{(service.Length > 0 ? service : "sa")}", Workload = workload, Service = service.Length > 0 ? $"{ns}/{service}" : "", Version = version, Mtls = "Permissive",
        CertificateBeginsAt = Seconds(-0.5), CertificateEndsAt = Seconds(0.5), Current = true, ConnectedAt = Seconds(-3), Reported = true, CountingSince = Seconds(-4),
    };

    private static PlaintextCall Call(string address, string caller, string ns, ulong connections, ulong refused, double lastInDays) =>
        new() { Address = address, Caller = caller, CallerNamespace = ns, Connections = connections, Refused = refused, Last = Seconds(lastInDays) };

    private static long Seconds(double inDays) => (Now + TimeSpan.FromDays(inDays)).ToUnixTimeSeconds();

    private static string Folder([CallerFilePath] string here = "") => Path.Combine(Path.GetDirectoryName(here)!, "golden");
}
