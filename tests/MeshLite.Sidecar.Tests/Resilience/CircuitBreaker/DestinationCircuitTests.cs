using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.CircuitBreaker;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.CircuitBreaker;

public sealed class DestinationCircuitTests
{
    private readonly ManualTimeProvider _time = new();
    private readonly List<string> _changes = [];
    private readonly DestinationCircuit _circuit;

    public DestinationCircuitTests()
    {
        _circuit = new DestinationCircuit(new DestinationCircuitConfig(), _time);
        _circuit.Changed += (from, to) => _changes.Add($"{from} {to}");
    }

    [Fact]
    public void TryEnter_TwentyFailuresInARow_FailsFastUntilOpenForIsOver()
    {
        Record(AttemptOutcome.Failure, 19);
        _circuit.TryEnter(out var isProbe, out var retryAfter).ShouldBeTrue();
        (isProbe, retryAfter).ShouldBe((false, TimeSpan.Zero));

        Record(AttemptOutcome.Failure);

        _circuit.State.ShouldBe(CircuitState.Open);
        _circuit.TryEnter(out isProbe, out retryAfter).ShouldBeFalse();
        (isProbe, retryAfter).ShouldBe((false, TimeSpan.FromSeconds(5)));
        _time.Advance(TimeSpan.FromSeconds(4.999));
        _circuit.TryEnter(out _, out retryAfter).ShouldBeFalse();
        retryAfter.ShouldBe(TimeSpan.FromMilliseconds(1));
    }

    [Fact]
    public void Record_FourFifthsOfFifty_Opens()
    {
        for (var i = 0; i < 10; i++)
        {
            Record(AttemptOutcome.Success);
            Record(AttemptOutcome.Failure, 4);
            _circuit.State.ShouldBe(i < 9 ? CircuitState.Closed : CircuitState.Open);
        }
    }

    [Fact]
    public void Record_FourFifthsSpreadOverMoreThanTheWindow_StaysClosed()
    {
        for (var i = 0; i < 100; i++)
        {
            Record(AttemptOutcome.Success);
            Record(AttemptOutcome.Failure, 4);
            _time.Advance(TimeSpan.FromSeconds(1.2));
        }

        _circuit.State.ShouldBe(CircuitState.Closed);
    }

    [Fact]
    public void Record_Neutral_NeverOpens()
    {
        Record(AttemptOutcome.Neutral, 1000);

        _circuit.State.ShouldBe(CircuitState.Closed);
    }

    [Fact]
    public void TryEnter_HalfOpen_LetsOneProbeThroughAtATime()
    {
        Open();
        Probe();
        _circuit.State.ShouldBe(CircuitState.HalfOpen);
        _circuit.TryEnter(out _, out var retryAfter).ShouldBeFalse();
        retryAfter.ShouldBe(DestinationCircuit.ProbeWait);

        _circuit.Record(AttemptOutcome.Success, isProbe: true);
        _circuit.State.ShouldBe(CircuitState.HalfOpen);
        Probe();
        _circuit.TryEnter(out _, out _).ShouldBeFalse();
        _circuit.Record(AttemptOutcome.Success, isProbe: true);

        _circuit.State.ShouldBe(CircuitState.Closed);
        _circuit.TryEnter(out var isProbe, out _).ShouldBeTrue();
        isProbe.ShouldBeFalse();
        _changes.ShouldBe(["Closed Open", "Open HalfOpen", "HalfOpen Closed"]);
        Record(AttemptOutcome.Failure, 19);
        _circuit.State.ShouldBe(CircuitState.Closed);
    }

    [Fact]
    public void Record_ProbeFails_OpensForAsLongAgain()
    {
        Open();
        Probe();
        _circuit.Record(AttemptOutcome.Success, isProbe: true);
        Probe();

        _circuit.Record(AttemptOutcome.Failure, isProbe: true);

        _circuit.State.ShouldBe(CircuitState.Open);
        _circuit.TryEnter(out _, out var retryAfter).ShouldBeFalse();
        retryAfter.ShouldBe(TimeSpan.FromSeconds(5));
        _time.Advance(TimeSpan.FromSeconds(5));
        Probe();
        _circuit.Record(AttemptOutcome.Success, isProbe: true);
        // The one before the failure is forgotten.
        _circuit.State.ShouldBe(CircuitState.HalfOpen);
    }

    [Fact]
    public void Record_NeutralProbe_OnlyGivesTheSlotBack()
    {
        Open();
        Probe();

        _circuit.Record(AttemptOutcome.Neutral, isProbe: true);

        _circuit.State.ShouldBe(CircuitState.HalfOpen);
        Probe();
    }

    [Fact]
    public void Record_SentBeforeItOpened_DoesNotCount()
    {
        Open();
        Record(AttemptOutcome.Success, 10);
        _circuit.State.ShouldBe(CircuitState.Open);
        Probe();
        Record(AttemptOutcome.Failure, 100);
        Record(AttemptOutcome.Success, 100);

        _circuit.State.ShouldBe(CircuitState.HalfOpen);
        _circuit.TryEnter(out _, out _).ShouldBeFalse();
    }

    [Fact]
    public void TryEnter_OpenForShorterThanTheUsualWait_SaysThat()
    {
        var circuit = new DestinationCircuit(new DestinationCircuitConfig { ConsecutiveFailures = 1, OpenFor = TimeSpan.FromMilliseconds(200) }, _time);
        circuit.Record(AttemptOutcome.Failure, isProbe: false);
        _time.Advance(TimeSpan.FromMilliseconds(200));
        circuit.TryEnter(out _, out _).ShouldBeTrue();

        circuit.TryEnter(out _, out var retryAfter).ShouldBeFalse();
        retryAfter.ShouldBe(TimeSpan.FromMilliseconds(200));
    }

    /// <summary>Against the textbook machine, kept by hand.</summary>
    [Fact]
    public void TryEnter_AnyHistory_IsTheTextbooksMachine() => Prop.ForAll(
        Gen.Choose(0, 7).Zip(Gen.Choose(0, 3000)).ListOf().ToArbitrary(),
        acts =>
        {
            var time = new ManualTimeProvider();
            var circuit = new DestinationCircuit(new DestinationCircuitConfig { ConsecutiveFailures = 3, FailureRatio = 0, SuccessesToClose = 2 }, time);
            var (state, inARow, successes, probed, now, openUntil) = (CircuitState.Closed, 0, 0, false, 0, 0);
            foreach (var (act, number) in acts)
            {
                var outcome = (AttemptOutcome)(act % 3);
                if (act == 7)
                {
                    time.Advance(TimeSpan.FromMilliseconds(number));
                    now += number;
                }
                else if (act == 6)
                {
                    var probe = state != CircuitState.Closed && now >= openUntil && !probed;
                    circuit.TryEnter(out var isProbe, out var retryAfter).ShouldBe(probe || state == CircuitState.Closed);
                    isProbe.ShouldBe(probe);
                    if (!probe)
                    {
                        var wait = state == CircuitState.Closed ? 0 : now < openUntil ? openUntil - now : 1000;
                        retryAfter.ShouldBe(TimeSpan.FromMilliseconds(wait));
                    }

                    probed |= probe;
                    state = probe ? CircuitState.HalfOpen : state;
                }
                else if (act >= 3 && probed)
                {
                    circuit.Record(outcome, isProbe: true);
                    probed = false;
                    successes += outcome == AttemptOutcome.Success ? 1 : 0;
                    if (outcome == AttemptOutcome.Failure)
                    {
                        (state, successes, openUntil) = (CircuitState.Open, 0, now + 5000);
                    }
                    else if (successes == 2)
                    {
                        (state, inARow) = (CircuitState.Closed, 0);
                    }
                }
                else
                {
                    circuit.Record(outcome, isProbe: false);
                    if (state == CircuitState.Closed && outcome != AttemptOutcome.Neutral)
                    {
                        inARow = outcome == AttemptOutcome.Failure ? inARow + 1 : 0;
                        if (inARow == 3)
                        {
                            (state, successes, openUntil) = (CircuitState.Open, 0, now + 5000);
                        }
                    }
                }

                circuit.State.ShouldBe(state);
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task TryEnter_FromManyThreads_NeverTwoProbes()
    {
        var circuit = new DestinationCircuit(new DestinationCircuitConfig { ConsecutiveFailures = 3, OpenFor = TimeSpan.FromMilliseconds(5) }, _time);
        var probes = 0;
        var most = new int[4];
        var total = new int[4];
        await InParallel.RunAsync(thread =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 50_000; i++)
            {
                if (circuit.TryEnter(out var isProbe, out _))
                {
                    if (isProbe)
                    {
                        most[thread] = Math.Max(most[thread], Interlocked.Increment(ref probes));
                        total[thread]++;
                        // It takes its time: whoever else comes meanwhile, or this thread again, is no second one.
                        for (var other = 0; other < 10; other++)
                        {
                            most[thread] += circuit.TryEnter(out _, out _) ? 1 : 0;
                        }

                        Interlocked.Decrement(ref probes);
                    }

                    circuit.Record((AttemptOutcome)random.Next(3), isProbe);
                }

                if (thread == 0)
                {
                    _time.Advance(TimeSpan.FromMilliseconds(1));
                }
            }
        });

        most.Max().ShouldBe(1);
        total.Sum().ShouldBeGreaterThan(100);
    }

    [Fact]
    public void TryEnter_ClosedOrOpen_AllocatesNothing()
    {
        Allocations.Of(Pass).ShouldBe(0);
        Open();
        _circuit.Record(AttemptOutcome.Failure, isProbe: false);
        Allocations.Of(Pass).ShouldBe(0);

        void Pass()
        {
            _circuit.TryEnter(out _, out _);
            _circuit.Record(AttemptOutcome.Success, isProbe: false);
        }
    }

    private void Record(AttemptOutcome outcome, int times = 1)
    {
        for (var i = 0; i < times; i++)
        {
            _circuit.Record(outcome, isProbe: false);
        }
    }

    /// <summary>And waits until it may be probed.</summary>
    private void Open()
    {
        Record(AttemptOutcome.Failure, 20);
        _time.Advance(TimeSpan.FromSeconds(5));
    }

    private void Probe()
    {
        _circuit.TryEnter(out var isProbe, out _).ShouldBeTrue();
        isProbe.ShouldBeTrue();
    }
}
