using MeshLite.Sidecar.Lifecycle;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Lifecycle;

public sealed class YoungGenerationTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly FakeHeap _heap = new() { AllocatedBytes = 40_000_000, Collections = 3 };
    private readonly YoungGeneration _young;

    public YoungGenerationTests() => _young = new YoungGeneration(_heap, _time);

    public void Dispose() => _young.Dispose();

    [Fact]
    public void Calm_IsCollectedEachTimeItsBudgetIsSpent()
    {
        Allocate(YoungGeneration.CalmBudget - 1);
        _heap.Asked.ShouldBe(0);

        Allocate(1);
        _heap.Asked.ShouldBe(1);

        Allocate(YoungGeneration.CalmBudget - 1);
        _heap.Asked.ShouldBe(1);

        Allocate(1);
        _heap.Asked.ShouldBe(2);
    }

    [Fact]
    public void Idle_IsLeftAlone()
    {
        _time.Advance(TimeSpan.FromHours(1));

        _heap.Asked.ShouldBe(0);
    }

    [Fact]
    public void Busy_IsCollectedTwiceASecondAtMost()
    {
        for (var i = 0; i < 10; i++)
        {
            _heap.AllocatedBytes += 10 * YoungGeneration.CalmBudget;
            _time.Advance(TimeSpan.FromMilliseconds(100));
        }

        _heap.Asked.ShouldBe(2);
    }

    [Fact]
    public void CollectorWasThereItself_CountsFromThen()
    {
        _heap.AllocatedBytes += 2 * YoungGeneration.CalmBudget;
        _heap.Collections++;
        _time.Advance(YoungGeneration.Interval);
        _heap.Asked.ShouldBe(0);

        Allocate(YoungGeneration.CalmBudget);
        _heap.Asked.ShouldBe(1);
    }

    [Fact]
    public void ProcessHeap_IsTheProcesss()
    {
        var heap = new YoungGeneration.ProcessHeap();
        var (collections, allocated) = (heap.Collections, heap.AllocatedBytes);

        heap.Collect();

        heap.Collections.ShouldBeGreaterThan(collections);
        heap.AllocatedBytes.ShouldBeGreaterThanOrEqualTo(allocated);
    }

    private void Allocate(long bytes)
    {
        _heap.AllocatedBytes += bytes;
        _time.Advance(YoungGeneration.Interval);
    }

    private sealed class FakeHeap : YoungGeneration.IHeap
    {
        public int Asked { get; private set; }

        public int Collections { get; set; }

        public long AllocatedBytes { get; set; }

        public void Collect()
        {
            Asked++;
            Collections++;
        }
    }
}
