using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Lifecycle;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Lifecycle;

public sealed class WorkerThreadsTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly FakePool _pool = new();
    private readonly WorkerThreads _threads;

    public WorkerThreadsTests() => _threads = new WorkerThreads(_pool, _time);

    public void Dispose() => _threads.Dispose();

    [Fact]
    public void Calm_OneIsEnough()
    {
        Use(0.1);

        _pool.Threads.ShouldBe(1);
    }

    [Fact]
    public void NoRest_TwiceAsManyEachTime_UpToTheProcessors()
    {
        Use(0);

        Use(1);
        _pool.Threads.ShouldBe(2);

        Use(2);
        _pool.Threads.ShouldBe(4);

        Use(4);
        _pool.Threads.ShouldBe(8);

        Use(8);
        _pool.Threads.ShouldBe(8);
    }

    [Fact]
    public void RestAgain_AsManyAsAreNeededAtOnce()
    {
        Use(8);

        Use(1.3);

        _pool.Threads.ShouldBe(2);
    }

    [Theory]
    [InlineData(0.71)]
    [InlineData(0.9)]
    public void BetweenTheBounds_TheirNumberStays(double ofOne)
    {
        Use(0);
        Use(ofOne);
        _pool.Threads.ShouldBe(1);

        Use(1);
        Use(ofOne);
        _pool.Threads.ShouldBe(2);
    }

    [Fact]
    public void AddedByThePool_StaysWhileSomethingWaits()
    {
        Use(0);
        _pool.Threads = 2; // one blocked

        _pool.HasWaiting = true;
        Use(0);
        _pool.Threads.ShouldBe(2);

        _pool.HasWaiting = false;
        Use(0);
        _pool.Threads.ShouldBe(1);
    }

    /// <summary>Whatever is asked for, and however many there were: their number settles, there are enough, and not many more than that.</summary>
    [Fact]
    public void Next_SteadyDemand_Settles() => Prop.ForAll(
        Gen.Choose(1, 64).ToArbitrary(), Gen.Choose(0, 70_000).ToArbitrary(), Gen.Choose(1, 64).ToArbitrary(),
        (most, thousandths, begin) =>
        {
            var demand = thousandths / 1000.0;
            var threads = Math.Min(begin, most);
            for (var i = 0; i < 8; i++)
            {
                threads = Step(threads);
            }

            Step(threads).ShouldBe(threads);
            threads.ShouldBeInRange(1, most);
            (threads == most || demand <= 0.9 * threads).ShouldBeTrue($"{threads} are too few");
            (threads == 1 || threads < (demand / 0.7) + 1).ShouldBeTrue($"{threads} are too many");

            int Step(int now) => WorkerThreads.Next(now, Math.Min(demand, now), most);
        }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task ProcessPool_SetThreads_IsWhatThePoolIsTold()
    {
        var pool = new WorkerThreads.ProcessPool();
        ThreadPool.GetMinThreads(out var min, out _);
        ThreadPool.GetMaxThreads(out var max, out _);
        try
        {
            pool.SetThreads(min + 1);

            ThreadPool.GetMinThreads(out var now, out _);
            now.ShouldBe(min + 1);
            ThreadPool.GetMaxThreads(out var most, out _);
            most.ShouldBe(max, "where one blocks there may be more");
        }
        finally
        {
            pool.SetThreads(min);
        }

        await Task.Yield(); // it still works
        pool.CpuTime.ShouldBeGreaterThan(TimeSpan.Zero);
    }

    /// <summary>Lets half a second pass in which so many processors were used.</summary>
    private void Use(double processors)
    {
        _pool.CpuTime += processors * WorkerThreads.Interval;
        _time.Advance(WorkerThreads.Interval);
    }

    private sealed class FakePool : WorkerThreads.IPool
    {
        public int Most => 8;

        public TimeSpan CpuTime { get; set; }

        public bool HasWaiting { get; set; }

        public int Threads { get; set; }

        public void SetThreads(int threads) => Threads = threads;
    }
}
