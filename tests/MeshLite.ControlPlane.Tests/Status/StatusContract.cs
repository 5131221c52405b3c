using System.Text.Json;
using MeshLite.ControlPlane.Identity;
using MeshLite.ControlPlane.Identity.Rotation;
using MeshLite.ControlPlane.Tests.Sources.Kubernetes;
using MeshLite.ControlPlane.Tests.Streaming;
using MeshLite.Kubernetes;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Mapping;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Status;

/// <summary>Two replicas of the control plane with a sidecar each: what stands in the status of our objects, and who writes it.</summary>
public abstract class StatusContract(ClusterServer server)
{
    protected const string Policy = """
        {apiVersion: meshlite.dev/v1alpha1, kind: TrafficPolicy, metadata: {name: orders, namespace: NS}, spec: {targetRef: {kind: Service, name: orders}, concurrency: {maxRequests: 7}}}
        """;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Policy_SidecarsOfBothReplicasAcknowledge_ProgrammedCountsAll()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        await using var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        await a.PutServiceAsync("orders");
        using var one = await JoinAsync(a, "one");
        using var two = await JoinAsync(b, "two");

        await a.PutAsync(Policy);
        await one.UntilAsync(() => MaxRequests(one) == 7);
        await SaysAsync(a, "Programmed", "False Pending 1/2 sidecars");
        await two.UntilAsync(() => MaxRequests(two) == 7);

        await SaysAsync(a, "Programmed", "True Programmed 2/2 sidecars");
        (await ConditionAsync(a, "Accepted")).ShouldBe("True Accepted the TrafficPolicy holds");
        (await ConditionAsync(a, "ResolvedRefs")).ShouldBe("True ResolvedRefs everything it names exists");
    }

    [Fact]
    public async Task Policy_OneSidecarRefuses_ReasonAndEvent()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        await using var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        await a.PutServiceAsync("orders");
        using var one = await JoinAsync(a, "one");
        using var two = await JoinAsync(b, "two");

        await a.PutAsync(Policy);
        await one.UntilAsync(() => MaxRequests(one) == 7);
        var update = await UpdateAsync(two, () => MaxRequests(two) == 7);
        await two.AckAsync(update, [.. update.Resources.Select(r => new Rejection { Key = r.Key, Version = r.Version, Reason = "too odd for me" })]);

        await SaysAsync(a, "Programmed", "False Rejected 1/2 sidecars; 1 refused it: destination/orders: too odd for me");
        await Eventually.TrueAsync(
            async () => (await server.Client.ListAsync(ResourceTypes.Events, new Selection { Namespace = a.Namespace })).Items.Any(e => e is { Type: "Warning", Reason: "Rejected", Action: "Programmed", Regarding.Name: "orders" }),
            "an event says so", Patience);
    }

    [Fact]
    public async Task Policy_ServiceMissing_SaidUntilItComes()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        await a.PutAsync(Policy);
        await SaysAsync(a, "Accepted", $"False TargetNotFound spec.targetRef: Service {a.Namespace}/orders does not exist");

        await a.PutServiceAsync("orders");
        await SaysAsync(a, "Programmed", "True Programmed 0/0 sidecars");
        await Eventually.TrueAsync(
            async () => (await server.Client.ListAsync(ResourceTypes.Events, new Selection { Namespace = a.Namespace })).Items.Select(e => $"{e.Type} {e.Reason}").Order().SequenceEqual(["Normal Accepted", "Warning TargetNotFound"]),
            "one event when it began, one when it was over", Patience);
    }

    [Fact]
    public async Task Replica_DoesNotAnswer_SaidAndNeverProgrammedThenGone()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        await a.PutServiceAsync("orders");
        using var one = await JoinAsync(a, "one");
        await a.PutAsync(Policy);
        await one.UntilAsync(() => MaxRequests(one) == 7);
        await SaysAsync(a, "Programmed", "True Programmed 1/1 sidecars");

        await b.DisposeAsync();
        await a.PutAsync(Policy.Replace("maxRequests: 7", "maxRequests: 8", StringComparison.Ordinal));
        await one.UntilAsync(() => MaxRequests(one) == 8);
        await SaysAsync(a, "Programmed", "Unknown Pending 1/1 sidecars, 1 replica not heard");

        await a.DeleteReplicaAsync(1);
        await SaysAsync(a, "Programmed", "True Programmed 1/1 sidecars");
    }

    [Fact]
    public async Task Rotation_SidecarOfTheOtherReplicaIsBehind_IsNamedWhicheverReplicaIsAsked()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        await a.PutServiceAsync("orders");
        using var one = await JoinAsync(a, "one");
        using var two = await JoinAsync(b, "two");
        var key = CertificateAuthority.MakeKey();
        using var next = CertificateAuthority.FromPem(key, "key", CertificateAuthority.MakeRoot(key, "key", TimeProvider.System), "certificate", TimeProvider.System);
        await Eventually.TrueAsync(async () => await IsRecordedAsync(b), "the leader records the authority", Patience);

        await b.Host.Authority.ChangeAsync((_, record, now) => record.Rotate(next.ToPart(), now), ControlPlaneFixture.Cancelled);
        await one.UntilAsync(() => RootsOf(one) == 2);

        foreach (var replica in (ClusterFixture[])[a, b])
        {
            await ProgressAsync(replica, seen => seen is { Sidecars: 2, WithRoots: 1, WithIssuer: 2 } && seen.WithoutRoots.SequenceEqual([$"{a.Namespace}/two-1"]), "two is waited for");
        }

        await two.UntilAsync(() => RootsOf(two) == 2);
        await ProgressAsync(a, seen => seen is { Sidecars: 2, IsOverlapDone: true }, "everybody has it");
        await b.DisposeAsync();
        await ProgressAsync(a, seen => seen is { Sidecars: 1, Unheard.Length: 1, IsOverlapDone: false }, "a replica that does not answer is waited for");
    }

    [Fact]
    public async Task Leader_Stops_AnotherWrites()
    {
        var a = await ClusterFixture.BeginAsync(server);
        await Eventually.TrueAsync(async () => await HolderAsync(a) is { Length: > 0 }, "somebody leads", Patience);
        await using var b = await a.ReplicaAsync();
        await b.PutReplicasAsync(b);
        await b.PutServiceAsync("orders");
        var before = await HolderAsync(a);

        await a.DisposeAsync();
        await b.PutAsync(Policy);

        await SaysAsync(b, "Programmed", "True Programmed 0/0 sidecars");
        (await HolderAsync(b)).ShouldNotBe(before);
    }

    [Fact]
    public async Task Leader_Killed_AnotherWrites()
    {
        Assert.SkipUnless(server.WhyNot is null, server.WhyNot ?? "");
        await server.PutAsync("{apiVersion: v1, kind: Namespace, metadata: {name: meshlite-system-killed}}");
        await server.PermitAsync("meshlite-system-killed");
        await using var leader = new ControlPlaneProcess(server, "meshlite-system-killed");
        await Eventually.TrueAsync(async () => (await HolderAsync("meshlite-system-killed")).Length > 0, "the process leads", Patience);
        var before = await HolderAsync("meshlite-system-killed");
        await using var other = await ClusterFixture.BesideAsync(server, "killed");
        await other.PutServiceAsync("orders");
        await other.PutAsync(Policy);
        await SaysAsync(other, "Programmed", "True Programmed 0/0 sidecars");
        (await HolderAsync("meshlite-system-killed")).ShouldBe(before);

        await leader.KillAsync();
        var began = TimeProvider.System.GetTimestamp();
        await other.PutAsync(Policy.Replace("maxRequests: 7", "maxRequests: 8", StringComparison.Ordinal));

        await SaysAsync(other, "Programmed", "True Programmed 0/0 sidecars");
        TestContext.Current.TestOutputHelper!.WriteLine($"written by another {TimeProvider.System.GetElapsedTime(began).TotalSeconds:0.0} s after the kill");
        (await HolderAsync("meshlite-system-killed")).ShouldNotBe(before);
    }

    [Fact]
    public async Task Policies_AppliedOneAfterTheOther_EachIsProgrammed()
    {
        const int count = 20;
        await using var a = await ClusterFixture.BeginAsync(server);
        await using var b = await a.ReplicaAsync();
        await a.PutReplicasAsync(a, b);
        var names = Enumerable.Range(0, count).Select(i => $"orders-{i}").ToArray();
        foreach (var name in names)
        {
            await a.PutServiceAsync(name);
        }

        using var one = await a.JoinAsync("one", "", authorities: names);
        using var two = await b.JoinAsync("two", "", authorities: names);
        using var stop = new CancellationTokenSource();
        var sidecars = new[] { one, two }.Select(s => Task.Run(async () => await s.UntilAsync(() => stop.IsCancellationRequested), CancellationToken.None)).ToArray();
        var times = new List<double>();
        foreach (var name in names)
        {
            var began = TimeProvider.System.GetTimestamp();
            await a.PutAsync(Policy.Replace("name: orders", $"name: {name}", StringComparison.Ordinal));
            await SaysAsync(a, "Programmed", "True Programmed 2/2 sidecars", name);
            times.Add(TimeProvider.System.GetElapsedTime(began).TotalMilliseconds);
        }

        times.Sort();
        TestContext.Current.TestOutputHelper!.WriteLine($"from apply to Programmed: p50 {times[count / 2]:0} ms, max {times[^1]:0} ms");
        // A last update, after which they stop.
        await stop.CancelAsync();
        await a.PutAsync(Policy.Replace("name: orders", $"name: {names[0]}", StringComparison.Ordinal).Replace("maxRequests: 7", "maxRequests: 8", StringComparison.Ordinal));
        await Task.WhenAll(sidecars);
    }

    [Fact]
    public async Task Tallies_AskedByASidecar_Refused()
    {
        await using var a = await ClusterFixture.BeginAsync(server);
        using var certificate = await a.CertifyAsync(a.Namespace, "orders");

        foreach (var shown in new[] { certificate, null })
        {
            using var call = a.Connect(shown).ServerStreaming(MeshMethods.ReplicaTallies, new TalliesRequest { Replica = "me" });
            (await Should.ThrowAsync<GrpcException>(() => call.ReadAsync().AsTask())).Code.ShouldBe(GrpcStatusCode.PermissionDenied);
        }
    }

    private static async Task<TestSidecar> JoinAsync(ClusterFixture replica, string name)
    {
        var sidecar = await replica.JoinAsync(name, "", authorities: "orders");
        await sidecar.UntilAsync(() => sidecar.Destination("orders") is { Kind: Destination.Types.Kind.Service });
        return sidecar;
    }

    /// <summary>The update that makes it so, not acknowledged.</summary>
    private static async Task<Update> UpdateAsync(TestSidecar sidecar, Func<bool> condition)
    {
        while (true)
        {
            if (await sidecar.ReadAsync() is not { } update)
            {
                continue;
            }

            if (condition())
            {
                return update;
            }

            await sidecar.AckAsync(update);
        }
    }

    private static uint? MaxRequests(TestSidecar sidecar) => sidecar.Destination("orders")!.Backends[0].Policy?.Concurrency?.MaxRequests;

    private Task<string> HolderAsync(ClusterFixture cluster) => HolderAsync(cluster.SystemNamespace);

    private async Task<string> HolderAsync(string systemNamespace) =>
        (await server.Client.FindAsync(ResourceTypes.Leases, new ObjectKey(systemNamespace, "meshlite-control-plane")))?.Spec.HolderIdentity ?? "";

    private protected async Task SaysAsync(ClusterFixture cluster, string type, string expected, string name = "orders")
    {
        var last = "";
        try
        {
            await Eventually.TrueAsync(async () => (last = await ConditionAsync(cluster, type, name)) == expected, expected, Patience);
        }
        catch (TimeoutException)
        {
            last.ShouldBe(expected);
        }
    }

    /// <summary>As it is for the generation that is stored; empty: not there yet.</summary>
    private protected async Task<string> ConditionAsync(ClusterFixture cluster, string type, string name = "orders")
    {
        var item = await server.GetAsync("TrafficPolicy", cluster.Namespace, name);
        if (!item.Json.TryGetProperty("status", out var status) || status.GetProperty("observedGeneration").GetInt64() != item.Metadata.Generation)
        {
            return "";
        }

        var condition = status.GetProperty("conditions").EnumerateArray().Single(c => c.GetProperty("type").GetString() == type);
        condition.GetProperty("observedGeneration").GetInt64().ShouldBe(item.Metadata.Generation!.Value);
        return $"{Text(condition, "status")} {Text(condition, "reason")} {Text(condition, "message")}";
    }

    private static string Text(JsonElement json, string name) => json.GetProperty(name).GetString()!;

    private static int RootsOf(TestSidecar sidecar) => sidecar.Resources.GetValueOrDefault(ResourceKeys.Mesh)?.Mesh.TrustBundle.Count ?? 0;

    private static async Task<bool> IsRecordedAsync(ClusterFixture replica)
    {
        try
        {
            await replica.Host.Authority.StatusAsync(ControlPlaneFixture.Cancelled);
            return true;
        }
        catch (AuthorityStoreException)
        {
            return false;
        }
    }

    private static Task ProgressAsync(ClusterFixture replica, Func<AuthorityProgress, bool> condition, string what) =>
        Eventually.TrueAsync(async () => condition((await replica.Host.Authority.StatusAsync(ControlPlaneFixture.Cancelled)).Progress), what, Patience);
}

/// <summary>Against the fake.</summary>
public sealed class FakeStatusTests(FakeClusterServer server) : StatusContract(server), IClassFixture<FakeClusterServer>
{
    // A real one has a schema, which lets no such object in.
    [Fact]
    public async Task Policy_RefusedByItsReader_SaysWhatIsWrongAndComesRight()
    {
        await using var a = await ClusterFixture.BeginAsync(server, Policy);
        await a.PutServiceAsync("orders");
        await SaysAsync(a, "Programmed", "True Programmed 0/0 sidecars");

        await a.PutAsync(Policy.Replace("maxRequests: 7", "maxRequests: 8, tpyo: 1", StringComparison.Ordinal));
        await Eventually.TrueAsync(
            async () => (await ConditionAsync(a, "Accepted")).StartsWith("False Invalid spec.concurrency.tpyo: unknown field", StringComparison.Ordinal), "the reader's words", TimeSpan.FromSeconds(60));
        (await ConditionAsync(a, "Programmed")).ShouldBe("False Invalid not accepted; the last good version stays in force");

        // Applied, the field goes.
        await a.PutAsync(Policy);
        await SaysAsync(a, "Programmed", "True Programmed 0/0 sidecars");
    }
}

/// <summary>Against a real one, under the rights of the manifests.</summary>
public sealed class RealStatusTests(RealStatusServer server) : StatusContract(server), IClassFixture<RealStatusServer>;
