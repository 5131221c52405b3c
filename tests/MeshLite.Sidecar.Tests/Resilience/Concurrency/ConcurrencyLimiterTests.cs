using FsCheck;
using FsCheck.Fluent;
using MeshLite.Model;
using MeshLite.Sidecar.Resilience.Concurrency;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Resilience.Concurrency;

public sealed class ConcurrencyLimiterTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public void AcquireRelease_AnyHistory_DoesWhatAQueueOnPaperDoes() =>
        Prop.ForAll(Gen.Choose(0, 9).Two().ListOf().ToArbitrary(), Gen.Choose(0, 1000).ToArbitrary(), (steps, seed) =>
        {
            var paper = new Paper(new Random(seed));
            foreach (var (step, argument) in steps)
            {
                paper.Do(step, argument);
                paper.Check();
            }
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task AcquireRelease_FromManyCallersSomeOfWhomLeave_NeverExceedsNorStarvesNorLeaks()
    {
        const int Max = 3;
        var limiter = new ConcurrencyLimiter(new ConcurrencyConfig { MaxRequests = Max, MaxQueued = 64, QueueTimeout = TimeSpan.FromHours(1) }, _time);
        var inside = 0;
        var most = 0;
        var admitted = 0;
        var gone = 0;

        await Task.WhenAll(Enumerable.Range(0, 16).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            for (var i = 0; i < 2_000; i++)
            {
                using var leaves = new CancellationTokenSource();
                var place = limiter.AcquireAsync(leaves.Token);
                if (caller % 4 == 0 && random.Next(2) == 0)
                {
                    leaves.Cancel();
                }

                try
                {
                    (await place).ShouldBeTrue();
                }
                catch (OperationCanceledException)
                {
                    Interlocked.Increment(ref gone);
                    continue;
                }

                var now = Interlocked.Increment(ref inside);
                InterlockedMax(ref most, now);

                // Lets the others run first, so that they collide on however few processors. (Task.Yield would not: it comes first in its thread's own queue.)
                await Task.Factory.StartNew(static () => { }, CancellationToken.None, TaskCreationOptions.PreferFairness, TaskScheduler.Default);
                Interlocked.Decrement(ref inside);
                Interlocked.Increment(ref admitted);
                limiter.Release();
            }
        })));

        most.ShouldBe(Max);
        (admitted + gone).ShouldBe(32_000);
        gone.ShouldBeGreaterThan(0);
        limiter.InUse.ShouldBe(0);
        limiter.Queued.ShouldBe(0);
        _time.PendingTimers.ShouldBe(0);
    }

    [Fact]
    public void Release_SomeoneComesWhileThePlaceIsHandedOver_FindsItTaken()
    {
        ConcurrencyLimiter limiter = null!;
        ValueTask<bool> rival = default;
        var time = new InterruptedTime(() => rival = limiter.AcquireAsync(CancellationToken.None));
        limiter = new ConcurrencyLimiter(new ConcurrencyConfig { MaxRequests = 1, MaxQueued = 1 }, time);
        Completed(limiter.AcquireAsync(CancellationToken.None)).ShouldBe(true);
        var waiter = limiter.AcquireAsync(CancellationToken.None);

        limiter.Release();

        Completed(waiter).ShouldBe(true);
        Completed(rival).ShouldBeNull();
        limiter.InUse.ShouldBe(1);
        limiter.Queued.ShouldBe(1);
    }

    [Fact]
    public void AcquireAsync_RoomAndNobodyWaits_AllocatesNothing()
    {
        var limiter = new ConcurrencyLimiter(new ConcurrencyConfig(), _time);
        using var leaves = new CancellationTokenSource();

        Allocations.Of(() =>
        {
            var place = limiter.AcquireAsync(leaves.Token);
            place.IsCompletedSuccessfully.ShouldBeTrue();
            limiter.Release();
        }).ShouldBe(0);
    }

    [Fact]
    public void AcquireAsync_FullAndNoQueue_IsRefusedAtOnce()
    {
        var limiter = new ConcurrencyLimiter(new ConcurrencyConfig { MaxRequests = 1 }, _time);
        Completed(limiter.AcquireAsync(CancellationToken.None)).ShouldBe(true);

        Completed(limiter.AcquireAsync(CancellationToken.None)).ShouldBe(false);

        limiter.InUse.ShouldBe(1);
        _time.PendingTimers.ShouldBe(0);
    }

    private static bool? Completed(ValueTask<bool> task) => task.IsCompletedSuccessfully ? task.GetAwaiter().GetResult() : null;

    private static void InterlockedMax(ref int target, int value)
    {
        var seen = Volatile.Read(ref target);
        while (value > seen)
        {
            seen = Interlocked.CompareExchange(ref target, value, seen) is var was && was == seen ? value : was;
        }
    }

    /// <summary>A clock whose first timer, when disposed of, lets something else happen just then.</summary>
    private sealed class InterruptedTime(Action interruption) : TimeProvider
    {
        private Action? _interruption = interruption;

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) => new Timer(this);

        private sealed class Timer(InterruptedTime owner) : ITimer
        {
            public bool Change(TimeSpan dueTime, TimeSpan period) => true;

            public void Dispose() => Interlocked.Exchange(ref owner._interruption, null)?.Invoke();

            public ValueTask DisposeAsync()
            {
                Dispose();
                return ValueTask.CompletedTask;
            }
        }
    }

    /// <summary>The limiter, and what it should do, written down: a number and a list.</summary>
    private sealed class Paper
    {
        private readonly ManualTimeProvider _time = new();
        private readonly Random _random;
        private readonly ConcurrencyLimiter _limiter;
        private readonly List<Call> _waiting = [];
        private readonly List<Call> _all = [];
        private ConcurrencyConfig _config;
        private int _inUse;

        public Paper(Random random)
        {
            _random = random;
            _config = RandomConfig();
            _limiter = new ConcurrencyLimiter(_config, _time);
        }

        public void Do(int step, int argument)
        {
            switch (step)
            {
                case < 4:
                    Acquire();
                    break;
                case < 7 when _inUse > 0:
                    _limiter.Release();
                    _inUse--;
                    Admit();
                    break;
                case 7 when _waiting.Count > 0:
                    var leaver = _waiting[argument % _waiting.Count];
                    _waiting.Remove(leaver);
                    leaver.Expected = "cancelled";
                    leaver.Leaves.Cancel();
                    break;
                case 8:
                    _time.Advance(TimeSpan.FromMilliseconds(10 * argument));
                    foreach (var late in _waiting.Where(call => call.Until <= _time.GetUtcNow()))
                    {
                        late.Expected = "False";
                    }

                    _waiting.RemoveAll(call => call.Until <= _time.GetUtcNow());
                    break;
                case 9:
                    _config = RandomConfig();
                    _limiter.Update(_config);
                    Admit();
                    break;
            }
        }

        public void Check()
        {
            _limiter.InUse.ShouldBe(_inUse);
            _limiter.Queued.ShouldBe(_waiting.Count);
            _time.PendingTimers.ShouldBe(_waiting.Count);
            foreach (var call in _all)
            {
                call.Actual.ShouldBe(call.Expected);
            }
        }

        private void Acquire()
        {
            var call = new Call { Until = _time.GetUtcNow() + _config.QueueTimeout };
            _all.Add(call);
            if (_waiting.Count == 0 && _inUse < _config.MaxRequests)
            {
                _inUse++;
                call.Expected = "True";
            }
            else if (_waiting.Count < _config.MaxQueued && _config.QueueTimeout > TimeSpan.Zero)
            {
                _waiting.Add(call);
            }
            else
            {
                call.Expected = "False";
            }

            call.Task = _limiter.AcquireAsync(call.Leaves.Token).AsTask();
        }

        private void Admit()
        {
            while (_waiting.Count > 0 && _inUse < _config.MaxRequests)
            {
                _waiting[0].Expected = "True";
                _waiting.RemoveAt(0);
                _inUse++;
            }
        }

        private ConcurrencyConfig RandomConfig() => new()
        {
            MaxRequests = _random.Next(1, 4),
            MaxQueued = _random.Next(0, 5),
            QueueTimeout = TimeSpan.FromMilliseconds(20 * _random.Next(0, 4)),
        };
    }

    private sealed class Call
    {
        public CancellationTokenSource Leaves { get; } = new();

        public DateTimeOffset Until { get; init; }

        public Task<bool> Task { get; set; } = null!;

        public string Expected { get; set; } = "waits";

        public string Actual => Task.IsCanceled ? "cancelled" : Task.IsCompletedSuccessfully ? Task.GetAwaiter().GetResult().ToString() : "waits";
    }
}
