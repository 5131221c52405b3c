using MeshLite.ControlPlane.Tests.Sources.Kubernetes;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Operator;

/// <summary>Two replicas in a cluster: whichever is asked answers for both.</summary>
public sealed class ReplicaReportTests(FakeClusterServer server) : IClassFixture<FakeClusterServer>
{
    private static readonly ReportRequest Question = new() { Sidecars = true, PlaintextCallers = true, Problems = true };

    [Fact]
    public async Task Report_TwoReplicas_HasTheSidecarsOfBothAndNamesCallers()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        await using var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        await a.PutPodAsync("legacy-7", injected: false);
        await a.PutPodAsync("front-8");
        await a.PutAsync("{apiVersion: v1, kind: Pod, metadata: {name: agent-9, namespace: NS}, spec: {hostNetwork: true, containers: [{name: app, image: none}]}, status: {phase: Running, podIP: 10.1.0.9, podIPs: [{ip: 10.1.0.9}]}}");
        using var one = await a.JoinAsync("one");
        await one.NextAsync();
        using var two = await b.JoinAsync("two");
        await two.NextAsync();
        var stats = new Stats();
        stats.PlaintextCallers.Add(new[] { "10.1.0.7", "10.1.0.8", "10.1.0.9", "10.1.0.10" }.Select(address => new PlaintextCaller { Address = address, Connections = 1 }));
        await two.SendAsync(new SidecarMessage { Stats = stats });

        await Eventually.TrueAsync(async () => (await ReportAsync(a)).Count(r => r.State is not null) == 2, "both replicas are heard");
        await Eventually.TrueAsync(async () => Sidecars(await ReportAsync(a)).Count(s => s.Reported) == 1, "the sidecar's word is there");
        foreach (var asked in (ClusterFixture[])[a, b])
        {
            var sidecars = Sidecars(await ReportAsync(asked));
            sidecars.Select(s => s.Workload).Order().ShouldBe(["one-1", "two-1"]);
            sidecars.Single(s => s.Workload == "two-1").Plaintext.Select(p => p.Caller).ShouldBe(
                [$"pod {a.Namespace}/legacy-7 (no sidecar)", $"pod {a.Namespace}/front-8", "a node, or one of 1 pods on its network", ""]);
        }
    }

    [Fact]
    public async Task Report_OtherReplicaGone_IsNamed()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        await Eventually.TrueAsync(async () => (await ReportAsync(a)).Count(r => r.State is not null) == 2, "both replicas are heard");
        var address = b.Host.GrpcEndPoint.ToString();

        await b.DisposeAsync();

        var unheard = (await ReportAsync(a)).Where(r => r.Unheard is not null).ShouldHaveSingleItem();
        unheard.Replica.ShouldBe(address);
        unheard.Unheard.Problem.ShouldNotBeEmpty();
        await a.DeleteReplicaAsync(1);
        await Eventually.TrueAsync(async () => (await ReportAsync(a)).All(r => r.Unheard is null), "who stands in no slice is not missed");
    }

    private static List<SidecarState> Sidecars(IEnumerable<ReplicaReport> reports) => [.. reports.SelectMany(r => r.Sidecars?.Sidecars_ ?? [])];

    private static async Task<List<ReplicaReport>> ReportAsync(ClusterFixture asked)
    {
        using var certificate = await asked.CertifyAsync("meshlite-system", "meshlite-operator");
        using var call = asked.Connect(certificate).ServerStreaming(MeshMethods.OperatorReport, Question, cancellationToken: ClusterFixture.Cancelled);
        List<ReplicaReport> reports = [];
        await foreach (var report in call.ReadAllAsync(ClusterFixture.Cancelled))
        {
            reports.Add(report);
        }

        return reports;
    }
}
