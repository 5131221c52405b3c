using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.CircuitBreaker;

public sealed class OutlierEjectorTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<string> _changes = [];
    private readonly EndpointHealth[] _endpoints;
    private readonly OutlierEjector _ejector;

    public OutlierEjectorTests()
    {
        _endpoints = [.. Enumerable.Range(0, 4).Select(_ => new EndpointHealth(_time))];
        // Without luck no jitter.
        _ejector = new OutlierEjector(new EndpointCircuitConfig(), _time, new Luck(0));
        _ejector.SetEndpoints(4);
        _ejector.Changed += (endpoint, from, to) => _changes.Add($"{Array.IndexOf(_endpoints, endpoint)} {from} {to}");
    }

    private EndpointHealth First => _endpoints[0];

    [Fact]
    public void Record_FiveFailuresInARow_Eject()
    {
        Fail(First, 4);
        Succeed(First);
        Fail(First, 4);
        First.IsOut.ShouldBeFalse();

        Fail(First);

        First.IsOut.ShouldBeTrue();
        First.State.ShouldBe(EndpointHealthState.Ejected);
        First.ProbeFrom.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(5));
        _ejector.OutCount.ShouldBe(1);
        _changes.ShouldBe(["0 Closed Ejected"]);
    }

    [Fact]
    public void Record_HalfOfTwentyWithinTheWindow_Eject()
    {
        for (var i = 0; i < 10; i++)
        {
            First.IsOut.ShouldBeFalse();
            Succeed(First);
            Fail(First);
        }

        First.IsOut.ShouldBeTrue();
    }

    [Fact]
    public void Record_FailuresOfManyEndpoints_AreCountedForEach()
    {
        foreach (var endpoint in _endpoints)
        {
            Fail(endpoint, 4);
        }

        _ejector.OutCount.ShouldBe(0);
    }

    [Fact]
    public void Record_Neutral_NeitherCountsNorBreaksARow()
    {
        for (var i = 0; i < 1000; i++)
        {
            _ejector.Record(First, AttemptOutcome.Neutral, wasProbe: false);
        }

        First.IsOut.ShouldBeFalse();
        Fail(First, 4);
        _ejector.Record(First, AttemptOutcome.Neutral, wasProbe: false);
        Fail(First);
        First.IsOut.ShouldBeTrue();
    }

    [Theory]
    [InlineData(50, 0, 0)]
    [InlineData(50, 1, 0)]
    [InlineData(50, 2, 1)]
    [InlineData(50, 3, 1)]
    [InlineData(50, 4, 2)]
    [InlineData(100, 1, 0)]
    [InlineData(100, 2, 1)]
    [InlineData(100, 4, 3)]
    [InlineData(10, 4, 0)]
    [InlineData(34, 3, 1)]
    [InlineData(33, 3, 0)]
    [InlineData(0, 4, 0)]
    public void Record_EveryEndpointFails_AtMostThePercentageAndNeverTheLastGoes(int percent, int total, int most)
    {
        _ejector.Update(new EndpointCircuitConfig { MaxEjectedPercent = percent });
        _ejector.SetEndpoints(total);

        foreach (var endpoint in _endpoints[..total])
        {
            Fail(endpoint, 20);
        }

        _ejector.OutCount.ShouldBe(most);
        _endpoints.Count(e => e.IsOut).ShouldBe(most);
    }

    [Fact]
    public void Record_RoomAgainForOneThatKeptFailing_GoesWithItsNextFailure()
    {
        Fail(_endpoints[0], 5);
        Fail(_endpoints[1], 5);
        Fail(_endpoints[2], 50);
        _endpoints[2].IsOut.ShouldBeFalse();

        Return(_endpoints[0]);
        Fail(_endpoints[2]);

        _endpoints[2].IsOut.ShouldBeTrue();
    }

    [Fact]
    public void TryProbe_EjectionNotOver_IsNone()
    {
        First.TryProbe().ShouldBeFalse();
        Fail(First, 5);
        _time.Advance(TimeSpan.FromSeconds(4.999));
        First.TryProbe().ShouldBeFalse();
        First.State.ShouldBe(EndpointHealthState.Ejected);

        _time.Advance(TimeSpan.FromSeconds(0.001));

        First.TryProbe().ShouldBeTrue();
        First.State.ShouldBe(EndpointHealthState.HalfOpen);
        First.IsOut.ShouldBeTrue();
    }

    [Fact]
    public void Record_ProbesGoWell_OneAtATimeAndBackAfterTwo()
    {
        Fail(First, 5);
        _time.Advance(TimeSpan.FromSeconds(5));
        First.TryProbe().ShouldBeTrue();
        First.TryProbe().ShouldBeFalse();

        Probed(First, AttemptOutcome.Success);
        First.IsOut.ShouldBeTrue();
        First.TryProbe().ShouldBeTrue();
        First.TryProbe().ShouldBeFalse();
        Probed(First, AttemptOutcome.Success);

        First.IsOut.ShouldBeFalse();
        First.ProbeFrom.ShouldBeNull();
        First.TryProbe().ShouldBeFalse();
        _ejector.OutCount.ShouldBe(0);
        _changes.ShouldBe(["0 Closed Ejected", "0 Ejected HalfOpen", "0 HalfOpen Closed"]);
        Fail(First, 4);
        First.IsOut.ShouldBeFalse();
    }

    [Fact]
    public void Record_ProbeFails_OutAgainForLonger()
    {
        Fail(First, 5);
        for (var n = 1; n <= 70; n++)
        {
            var openFor = Math.Min(n * 5, 250);
            _time.Advance(TimeSpan.FromSeconds(openFor - 0.001));
            First.TryProbe().ShouldBeFalse();
            _time.Advance(TimeSpan.FromSeconds(0.001));
            First.TryProbe().ShouldBeTrue();
            // One that went well in between does not help.
            Probed(First, AttemptOutcome.Success);
            First.TryProbe().ShouldBeTrue();
            Probed(First, AttemptOutcome.Failure);
            First.State.ShouldBe(EndpointHealthState.Ejected);
        }

        _ejector.OutCount.ShouldBe(1);
    }

    [Fact]
    public void Record_NeutralProbe_OnlyGivesTheSlotBack()
    {
        Fail(First, 5);
        _time.Advance(TimeSpan.FromSeconds(5));
        First.TryProbe().ShouldBeTrue();

        Probed(First, AttemptOutcome.Neutral);

        First.State.ShouldBe(EndpointHealthState.HalfOpen);
        First.TryProbe().ShouldBeTrue();
        Probed(First, AttemptOutcome.Success);
        First.TryProbe().ShouldBeTrue();
        Probed(First, AttemptOutcome.Neutral);
        First.TryProbe().ShouldBeTrue();
        Probed(First, AttemptOutcome.Success);
        First.IsOut.ShouldBeFalse();
    }

    [Fact]
    public void Record_SentBeforeTheEjection_DoesNotCountWhileItIsOut()
    {
        Fail(First, 5);
        Fail(First, 100);
        First.ProbeFrom.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(5));
        for (var i = 0; i < 10; i++)
        {
            Succeed(First);
        }

        First.State.ShouldBe(EndpointHealthState.Ejected);
        _time.Advance(TimeSpan.FromSeconds(5));
        First.TryProbe().ShouldBeTrue();
        Fail(First, 100);
        Succeed(First);
        First.State.ShouldBe(EndpointHealthState.HalfOpen);
        First.TryProbe().ShouldBeFalse();
        Probed(First, AttemptOutcome.Success);
        First.TryProbe().ShouldBeTrue();
        Probed(First, AttemptOutcome.Success);

        First.IsOut.ShouldBeFalse();
        Fail(First, 4);
        First.IsOut.ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, 10)]
    [InlineData(9, 10)]
    [InlineData(10, 5)]
    [InlineData(3600, 5)]
    public void Record_EjectedAgainAfterAWhile_IsForgivenOneForEachWindow(int backForSeconds, int openForSeconds)
    {
        Fail(First, 5);
        Return(First);
        _time.Advance(TimeSpan.FromSeconds(backForSeconds));

        Fail(First, 5);

        First.ProbeFrom.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(openForSeconds));
    }

    [Fact]
    public void Record_Jitter_MakesItUpToAFifthLonger()
    {
        var ejector = new OutlierEjector(new EndpointCircuitConfig(), _time, new Luck(1));
        ejector.SetEndpoints(2);
        for (var i = 0; i < 5; i++)
        {
            ejector.Record(First, AttemptOutcome.Failure, wasProbe: false);
        }

        First.ProbeFrom.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(6));
    }

    [Fact]
    public void Update_OtherThresholds_WhatIsKnownStays()
    {
        Fail(_endpoints[0], 5);
        Fail(_endpoints[1], 2);

        _ejector.Update(new EndpointCircuitConfig { ConsecutiveFailures = 3, SuccessesToClose = 1, OpenFor = TimeSpan.FromMinutes(1) });

        _endpoints[0].ProbeFrom.ShouldBe(_time.GetUtcNow() + TimeSpan.FromSeconds(5));
        Fail(_endpoints[1]);
        _endpoints[1].ProbeFrom.ShouldBe(_time.GetUtcNow() + TimeSpan.FromMinutes(1));
        _time.Advance(TimeSpan.FromSeconds(5));
        _endpoints[0].TryProbe().ShouldBeTrue();
        Probed(_endpoints[0], AttemptOutcome.Success);
        _endpoints[0].IsOut.ShouldBeFalse();
    }

    [Fact]
    public void Update_SmallerPercentage_BringsBackWhoseTimeIsOverSoonest()
    {
        Fail(_endpoints[1], 5);
        _time.Advance(TimeSpan.FromSeconds(1));
        Fail(_endpoints[0], 5);

        _ejector.Update(new EndpointCircuitConfig { MaxEjectedPercent = 25 });

        _endpoints[1].IsOut.ShouldBeFalse();
        _endpoints[0].IsOut.ShouldBeTrue();
        _ejector.OutCount.ShouldBe(1);
        _changes[^1].ShouldBe("1 Ejected Closed");
    }

    [Fact]
    public void SetEndpoints_HealthyOnesLeft_TheLastIsBackAtOnce()
    {
        Fail(_endpoints[0], 5);
        Fail(_endpoints[1], 5);

        _ejector.SetEndpoints(2, _endpoints[2], _endpoints[3]);

        _ejector.OutCount.ShouldBe(1);
        _endpoints[0].IsOut.ShouldBeFalse();
        _endpoints[1].IsOut.ShouldBeTrue();
    }

    [Fact]
    public void SetEndpoints_EjectedOneLeft_MakesRoomAndBringsNobodyBack()
    {
        Fail(_endpoints[0], 5);
        Fail(_endpoints[1], 5);

        _ejector.SetEndpoints(3, _endpoints[0]);

        _endpoints[1].IsOut.ShouldBeTrue();
        _ejector.OutCount.ShouldBe(1);
        _ejector.SetEndpoints(4);
        Fail(_endpoints[2], 5);
        _ejector.OutCount.ShouldBe(2);
    }

    [Fact]
    public void Forget_StillUnderWay_EjectsNobody()
    {
        Fail(_endpoints[0], 5);
        Fail(_endpoints[1], 4);
        _time.Advance(TimeSpan.FromSeconds(5));
        _endpoints[0].TryProbe().ShouldBeTrue();
        _changes.Clear();

        _ejector.Forget(_endpoints[0]);
        _ejector.Forget(_endpoints[1]);
        Probed(_endpoints[0], AttemptOutcome.Failure);
        Fail(_endpoints[0], 10);
        Fail(_endpoints[1], 10);

        _ejector.OutCount.ShouldBe(0);
        _endpoints[0].IsOut.ShouldBeFalse();
        _endpoints[1].IsOut.ShouldBeFalse();
        _changes.ShouldBeEmpty();
    }

    [Fact]
    public void Record_ProbeOfOneThatCameBackMeanwhile_CountsAsAnyOther()
    {
        Fail(First, 5);
        _time.Advance(TimeSpan.FromSeconds(5));
        First.TryProbe().ShouldBeTrue();
        _ejector.SetEndpoints(1);
        First.IsOut.ShouldBeFalse();
        _ejector.SetEndpoints(4);

        Fail(First, 4);
        Probed(First, AttemptOutcome.Failure);

        First.State.ShouldBe(EndpointHealthState.Ejected);
    }

    [Fact]
    public void Record_ProbeFromBeforeAnotherEjection_HoldsTheSlotAndIsNoProbe()
    {
        Fail(First, 5);
        _time.Advance(TimeSpan.FromSeconds(5));
        First.TryProbe().ShouldBeTrue();
        _ejector.SetEndpoints(1);
        _ejector.SetEndpoints(4);
        Fail(First, 5);
        _time.Advance(TimeSpan.FromMinutes(1));

        First.TryProbe().ShouldBeFalse();
        Probed(First, AttemptOutcome.Failure);

        First.State.ShouldBe(EndpointHealthState.Ejected);
        First.TryProbe().ShouldBeTrue();
    }

    [Fact]
    public void Record_OnTheAttemptPath_AllocatesNothing() => Allocations.Of(() =>
    {
        Succeed(First);
        Fail(First);
        _ejector.Record(First, AttemptOutcome.Neutral, wasProbe: false);
        Succeed(First);
    }).ShouldBe(0);

    private void Fail(EndpointHealth endpoint, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _ejector.Record(endpoint, AttemptOutcome.Failure, wasProbe: false);
        }
    }

    private void Succeed(EndpointHealth endpoint) => _ejector.Record(endpoint, AttemptOutcome.Success, wasProbe: false);

    private void Probed(EndpointHealth endpoint, AttemptOutcome outcome) => _ejector.Record(endpoint, outcome, wasProbe: true);

    private void Return(EndpointHealth endpoint)
    {
        _time.Advance(endpoint.ProbeFrom!.Value - _time.GetUtcNow());
        for (var i = 0; i < 2; i++)
        {
            endpoint.TryProbe().ShouldBeTrue();
            Probed(endpoint, AttemptOutcome.Success);
        }
    }
}
