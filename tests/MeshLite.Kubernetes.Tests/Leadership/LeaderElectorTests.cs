using FsCheck;
using FsCheck.Fluent;
using MeshLite.TestKit;
using MeshLite.TestKit.Kubernetes;

namespace MeshLite.Kubernetes.Tests.Leadership;

/// <summary>On a clock driven by hand: everything that happens does so within <c>Advance</c>, on this thread.</summary>
public sealed class LeaderElectorTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly FakeApiServer _server;
    private readonly SynchronizationContext? _context = SynchronizationContext.Current;

    public LeaderElectorTests()
    {
        // Continuations run where they are due, not queued to the test's context.
        SynchronizationContext.SetSynchronizationContext(null);
        _server = FakeApiServer.InProcess(_time);
    }

    public void Dispose() => SynchronizationContext.SetSynchronizationContext(_context);

    /// <summary>Clocks that are wrong and run at different speeds, requests that are slow, lost, or done after their sender gave up, crashes and restarts: never two at once.</summary>
    [Fact]
    public void Run_AnyTroubleAndAnyClocks_NeverTwoLeadAtOnce() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var truth = new ManualTimeProvider();
        var server = FakeApiServer.InProcess(truth);
        var replicas = new List<Replica>();
        void Join()
        {
            var replica = new Replica(server, truth, random.Next(), TimeSpan.FromMinutes(random.Next(-60, 60)), 0.9 + (0.2 * random.NextDouble())) { Network = { Trouble = random.NextDouble() * 0.6 } };
            replicas.Add(replica);
            replica.Start();
        }

        for (var i = 0; i < 3; i++)
        {
            Join();
        }

        for (var i = 0; i < 12; i++)
        {
            truth.Advance(TimeSpan.FromSeconds(random.NextDouble() * 20));
            switch (random.Next(5))
            {
                case 0:
                    replicas[random.Next(replicas.Count)].Crash();
                    Join();
                    break;
                case 1:
                    replicas[random.Next(replicas.Count)].Stop();
                    Join();
                    break;
                case 2:
                    var replica = replicas[random.Next(replicas.Count)];
                    replica.Network.IsCut = !replica.Network.IsCut;
                    break;
            }
        }

        Join();
        replicas[^1].Network.Trouble = 0;
        truth.Advance(TimeSpan.FromMinutes(1));

        Overlaps(replicas, truth.GetUtcNow()).ShouldBeEmpty();
        replicas.Sum(r => r.Terms.Count).ShouldBeGreaterThan(0);
        replicas.Count(r => r.Elector.IsLeader && !r.Network.IsCut).ShouldBeLessThanOrEqualTo(1);
    }).QuickCheckThrowOnFailure();

    /// <summary>Whenever the leader dies, another leads within 15 s.</summary>
    [Fact]
    public void Run_LeaderCrashes_AnotherLeadsWithin15Seconds() => Prop.ForAll(Gen.Choose(0, int.MaxValue).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        var truth = new ManualTimeProvider();
        var server = FakeApiServer.InProcess(truth);
        var replicas = Enumerable.Range(0, 3).Select(_ => new Replica(server, truth, random.Next())).ToList();
        replicas.ForEach(r => r.Start());
        truth.Advance(TimeSpan.FromSeconds(20 + (10 * random.NextDouble())));
        var leader = replicas.Single(r => r.IsLeading);

        leader.Crash();
        truth.Advance(TimeSpan.FromSeconds(15));

        replicas.Where(r => r != leader).Count(r => r.IsLeading).ShouldBe(1);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void Run_Healthy_OneLeadsAndStays()
    {
        var replicas = StartReplicas(3);

        _time.Advance(TimeSpan.FromMinutes(10));

        var leader = replicas.Single(r => r.IsLeading);
        leader.Terms.Count.ShouldBe(1);
        leader.Elector.IsLeader.ShouldBeTrue();
        replicas.ShouldAllBe(r => r.Elector.Holder == leader.Elector.Identity);
        replicas.Where(r => r != leader).ShouldAllBe(r => r.Terms.Count == 0);
        ((int)_server.Find(ResourceTypes.Leases, Replica.Lease)!["spec"]!["leaseTransitions"]!).ShouldBe(0);
    }

    [Fact]
    public void Run_LeaderCutOff_StopsBeforeAnotherBegins()
    {
        var replicas = StartReplicas(2);
        _time.Advance(TimeSpan.FromSeconds(5));
        var leader = replicas.Single(r => r.IsLeading);
        var other = replicas.Single(r => r != leader);

        leader.Network.IsCut = true;
        _time.Advance(TimeSpan.FromSeconds(16));

        leader.IsLeading.ShouldBeFalse();
        leader.Elector.IsLeader.ShouldBeFalse();
        // The renewal that was accepted last is up to 2 s old when the cut comes.
        (other.Terms[0].From - leader.Terms[0].To!.Value).ShouldBeInRange(TimeSpan.FromSeconds(3.9), TimeSpan.FromSeconds(6.1));
    }

    [Fact]
    public void Run_LastAnswerSlow_TheDeadlineCountsFromTheQuestion()
    {
        var replica = StartReplicas(1)[0];
        _time.Advance(TimeSpan.FromSeconds(5));
        replica.Network.AnswerDelay = TimeSpan.FromSeconds(3.5);
        var before = RenewTime();
        while (RenewTime() == before)
        {
            _time.Advance(TimeSpan.FromMilliseconds(10));
        }

        _server.Faults.Answer(System.Net.HttpStatusCode.InternalServerError, times: int.MaxValue);
        _time.Advance(TimeSpan.FromSeconds(20));

        replica.Terms.ShouldHaveSingleItem().To.ShouldBe(RenewTime() + TimeSpan.FromSeconds(8));
    }

    [Fact]
    public async Task Run_CleanStop_TheLeaseIsReleased()
    {
        var replicas = StartReplicas(2);
        _time.Advance(TimeSpan.FromSeconds(5));
        var leader = replicas.Single(r => r.IsLeading);

        leader.Stop();
        await AdvanceUntilAsync(() => leader.HasStopped, TimeSpan.FromSeconds(2));
        var stopped = _time.GetUtcNow();
        await AdvanceUntilAsync(() => replicas.Single(r => r != leader).IsLeading, TimeSpan.FromSeconds(3));

        replicas.Single(r => r != leader).Terms[0].From.ShouldBeGreaterThan(leader.Terms[0].To!.Value);
        (_time.GetUtcNow() - stopped).ShouldBeLessThan(TimeSpan.FromSeconds(3));
    }

    [Fact]
    public void Run_WorkEndsByItself_TheLeaseIsReleasedAndTheWorkBeginsAgain()
    {
        var replica = StartReplicas(1)[0];
        _time.Advance(TimeSpan.FromSeconds(1));
        var work = replica.Work;
        replica.Work = new TaskCompletionSource();

        work.SetResult();
        _time.Advance(TimeSpan.FromSeconds(1));

        replica.IsLeading.ShouldBeFalse();
        _server.Find(ResourceTypes.Leases, Replica.Lease)!["spec"]!["holderIdentity"].ShouldBeNull();
        _time.Advance(TimeSpan.FromSeconds(3));
        replica.Terms.Count.ShouldBe(2);
        replica.IsLeading.ShouldBeTrue();
    }

    [Fact]
    public void Run_WorkFails_IsLoggedAndTheLeaseReleased()
    {
        var replica = StartReplicas(1)[0];
        _time.Advance(TimeSpan.FromSeconds(1));
        var work = replica.Work;
        replica.Work = new TaskCompletionSource();

        work.SetException(new InvalidOperationException("of the work"));
        _time.Advance(TimeSpan.FromSeconds(4));

        replica.Terms.Count.ShouldBe(2);
    }

    [Fact]
    public void Run_LeaseOfADeadHolder_IsTakenAfterItsDurationByOwnObservation()
    {
        // Renewed an hour ago, by a clock that may be wrong: nothing is concluded from that.
        _server.Put("""
            apiVersion: coordination.k8s.io/v1
            kind: Lease
            metadata: {name: leader, namespace: default}
            spec: {holderIdentity: dead, leaseDurationSeconds: 12, renewTime: "2025-12-31T23:00:00.000000Z"}
            """);
        var replica = StartReplicas(1)[0];

        _time.Advance(TimeSpan.FromSeconds(11.9));
        replica.IsLeading.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(0.5));
        replica.IsLeading.ShouldBeTrue();
    }

    [Fact]
    public void Run_HolderCountsOnMoreTime_IsGivenIt()
    {
        _server.Put("""
            apiVersion: coordination.k8s.io/v1
            kind: Lease
            metadata: {name: leader, namespace: default}
            spec: {holderIdentity: older, leaseDurationSeconds: 30}
            """);
        var replica = StartReplicas(1)[0];

        _time.Advance(TimeSpan.FromSeconds(29.5));
        replica.IsLeading.ShouldBeFalse();
        _time.Advance(TimeSpan.FromSeconds(1));
        replica.IsLeading.ShouldBeTrue();
    }

    [Fact]
    public void Run_LeaseDeleted_NoTwoLead()
    {
        var replicas = StartReplicas(2);
        _time.Advance(TimeSpan.FromSeconds(5));

        _server.Delete(ResourceTypes.Leases, Replica.Lease);
        _time.Advance(TimeSpan.FromSeconds(30));

        Overlaps(replicas, _time.GetUtcNow()).ShouldBeEmpty();
        replicas.Count(r => r.IsLeading).ShouldBe(1);
    }

    [Fact]
    public void Run_LeaseTakenByForce_LeaderStopsAtItsNextRenewal()
    {
        var replica = StartReplicas(1)[0];
        _time.Advance(TimeSpan.FromSeconds(5));

        _server.Put("""
            apiVersion: coordination.k8s.io/v1
            kind: Lease
            metadata: {name: leader, namespace: default}
            spec: {holderIdentity: somebody, leaseDurationSeconds: 12}
            """);
        _time.Advance(TimeSpan.FromSeconds(2.2));

        replica.IsLeading.ShouldBeFalse();
        replica.Logger.Lines.ShouldContain(l => l.Contains("held by somebody", StringComparison.Ordinal));
        _server.Find(ResourceTypes.Leases, Replica.Lease)!["spec"]!["holderIdentity"]!.ToString().ShouldBe("somebody");
    }

    [Fact]
    public void Run_ServerFailsForAWhile_LeaderStays()
    {
        var replica = StartReplicas(1)[0];
        _time.Advance(TimeSpan.FromSeconds(5));

        _server.Faults.Answer(System.Net.HttpStatusCode.InternalServerError, times: 2);
        _time.Advance(TimeSpan.FromSeconds(20));

        replica.Terms.ShouldHaveSingleItem().To.ShouldBeNull();
    }

    private DateTimeOffset RenewTime() => DateTimeOffset.Parse((string)_server.Find(ResourceTypes.Leases, Replica.Lease)!["spec"]!["renewTime"]!);

    /// <summary>Where other threads take part: a little time at once, and a moment for them.</summary>
    private async Task AdvanceUntilAsync(Func<bool> condition, TimeSpan limit)
    {
        var end = _time.GetUtcNow() + limit;
        await Eventually.TrueAsync(
            () =>
            {
                if (!condition() && _time.GetUtcNow() < end)
                {
                    _time.Advance(TimeSpan.FromMilliseconds(20));
                }

                return condition();
            },
            "what should happen on the clock driven by hand");
    }

    private List<Replica> StartReplicas(int count)
    {
        var replicas = Enumerable.Range(0, count).Select(i => new Replica(_server, _time, i)).ToList();
        replicas.ForEach(r => r.Start());
        return replicas;
    }

    private static IEnumerable<string> Overlaps(IEnumerable<Replica> replicas, DateTimeOffset now)
    {
        var terms = replicas.SelectMany((r, i) => r.Terms.Select(t => (Replica: i, t.From, To: t.To ?? now))).OrderBy(t => t.From).ToList();
        return terms.Zip(terms.Skip(1)).Where(pair => pair.Second.From < pair.First.To)
            .Select(pair => $"replica {pair.First.Replica} until {pair.First.To:mm:ss.fff}, replica {pair.Second.Replica} from {pair.Second.From:mm:ss.fff}");
    }
}
