using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.CircuitBreaker;

/// <summary>
/// Whatever happens, in whatever order and on however many threads: out ≤ min(⌊percent × endpoints / 100⌋, endpoints − 1), and
/// at most one probe at a time to each.
/// </summary>
public sealed class OutlierEjectorBoundTests
{
    private enum Act
    {
        Fail,
        Succeed,
        Probe,
        ProbeSucceeds,
        ProbeFails,
        ProbeSaysNothing,
        TimePasses,
        Add,
        Remove,
        Percentage,
    }

    private static readonly Gen<(Act Act, int Number)> Acts = Gen.Frequency(
        (12, Gen.Constant(Act.Fail)),
        (3, Gen.Constant(Act.Succeed)),
        (4, Gen.Constant(Act.Probe)),
        (2, Gen.Constant(Act.ProbeSucceeds)),
        (2, Gen.Constant(Act.ProbeFails)),
        (1, Gen.Constant(Act.ProbeSaysNothing)),
        (3, Gen.Constant(Act.TimePasses)),
        (1, Gen.Constant(Act.Add)),
        (1, Gen.Constant(Act.Remove)),
        (1, Gen.Constant(Act.Percentage))).Zip(Gen.Choose(0, 10_000));

    [Fact]
    public void Record_AnyHistory_KeepsTheBounds() => Prop.ForAll(
        (from percent in Gen.Choose(0, 100) from count in Gen.Choose(1, 8) from acts in Gen.ListOf(Acts, 400) select (percent, count, acts)).ToArbitrary(),
        drawn =>
        {
            var time = new ManualTimeProvider();
            var percent = drawn.percent;
            var config = new EndpointCircuitConfig { ConsecutiveFailures = 2, MaxEjectedPercent = percent };
            var ejector = new OutlierEjector(config, time, new Random(1));
            var endpoints = Enumerable.Range(0, drawn.count).Select(_ => new EndpointHealth(time)).ToList();
            var probed = new HashSet<EndpointHealth>();
            ejector.SetEndpoints(endpoints.Count);
            foreach (var (act, number) in drawn.acts)
            {
                var endpoint = endpoints.Count == 0 ? new EndpointHealth(time) : endpoints[number % endpoints.Count];
                switch (act)
                {
                    case Act.Fail or Act.Succeed:
                        ejector.Record(endpoint, act == Act.Fail ? AttemptOutcome.Failure : AttemptOutcome.Success, wasProbe: false);
                        break;
                    case Act.Probe:
                        var may = endpoint.IsOut && !probed.Contains(endpoint) && time.GetUtcNow() >= endpoint.ProbeFrom;
                        endpoint.TryProbe().ShouldBe(may);
                        _ = may && probed.Add(endpoint);
                        break;
                    case Act.ProbeSucceeds or Act.ProbeFails or Act.ProbeSaysNothing when probed.Remove(endpoint):
                        var outcome = act == Act.ProbeFails ? AttemptOutcome.Failure : act == Act.ProbeSucceeds ? AttemptOutcome.Success : AttemptOutcome.Neutral;
                        ejector.Record(endpoint, outcome, wasProbe: true);
                        break;
                    case Act.TimePasses:
                        time.Advance(TimeSpan.FromMilliseconds(number));
                        break;
                    case Act.Add when endpoints.Count < 8:
                        endpoints.Add(new EndpointHealth(time));
                        ejector.SetEndpoints(endpoints.Count);
                        break;
                    case Act.Remove when endpoints.Remove(endpoint):
                        ejector.SetEndpoints(endpoints.Count, endpoint);
                        break;
                    case Act.Percentage:
                        percent = number % 101;
                        ejector.Update(config with { MaxEjectedPercent = percent });
                        break;
                }

                var isOut = endpoints.Count(e => e.IsOut);
                ejector.OutCount.ShouldBe(isOut);
                isOut.ShouldBeLessThanOrEqualTo(MostOut(percent, endpoints.Count));
            }
        }).QuickCheckThrowOnFailure();

    [Theory]
    [InlineData(50, 10)]
    [InlineData(100, 3)]
    [InlineData(40, 7)]
    public async Task Record_FromManyThreads_KeepsTheBoundsAtEveryMoment(int percent, int count)
    {
        var time = new ManualTimeProvider();
        var config = new EndpointCircuitConfig { ConsecutiveFailures = 2, OpenFor = TimeSpan.FromMilliseconds(5), MaxEjectedPercent = percent };
        var ejector = new OutlierEjector(config, time, SharedRandom.Instance);
        var endpoints = Enumerable.Range(0, count).Select(_ => new EndpointHealth(time)).ToArray();
        var probes = new int[count];
        ejector.SetEndpoints(count);

        // Called at each change, one at a time: nothing that happens in between goes unseen.
        var isOut = 0;
        var mostOut = 0;
        var changes = 0;
        ejector.Changed += (_, from, to) =>
        {
            isOut += (from, to) switch { (EndpointHealthState.Closed, _) => 1, (_, EndpointHealthState.Closed) => -1, _ => 0 };
            mostOut = Math.Max(mostOut, isOut);
            changes++;
        };

        var mostProbes = new int[4];
        await InParallel.RunAsync(thread =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 30_000; i++)
            {
                var number = random.Next(count);
                var outcome = (AttemptOutcome)random.Next(3);
                if (endpoints[number].TryProbe())
                {
                    mostProbes[thread] = Math.Max(mostProbes[thread], Interlocked.Increment(ref probes[number]));
                    // It takes its time: whoever else comes meanwhile, or this thread again, is no second one.
                    for (var other = 0; other < 10; other++)
                    {
                        mostProbes[thread] += endpoints[number].TryProbe() ? 1 : 0;
                    }

                    Interlocked.Decrement(ref probes[number]);
                    ejector.Record(endpoints[number], outcome, wasProbe: true);
                }
                else
                {
                    ejector.Record(endpoints[number], outcome, wasProbe: false);
                }

                if (thread == 0)
                {
                    time.Advance(TimeSpan.FromMilliseconds(1));
                }
            }
        });

        mostOut.ShouldBe(MostOut(percent, count));
        isOut.ShouldBe(ejector.OutCount);
        endpoints.Count(e => e.IsOut).ShouldBe(isOut);
        mostProbes.Max().ShouldBe(1);
        changes.ShouldBeGreaterThan(100);
    }

    private static int MostOut(int percent, int endpoints) => Math.Max(0, Math.Min(percent * endpoints / 100, endpoints - 1));
}
