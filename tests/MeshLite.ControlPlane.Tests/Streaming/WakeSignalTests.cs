using MeshLite.ControlPlane.Streaming;

namespace MeshLite.ControlPlane.Tests.Streaming;

public sealed class WakeSignalTests
{
    private readonly WakeSignal _signal = new();

    [Fact]
    public async Task WaitAsync_SetSeveralTimesBefore_CompletesOnceAndAtOnce()
    {
        _signal.Set();
        _signal.Set(inline: true);

        _signal.WaitAsync().IsCompletedSuccessfully.ShouldBeTrue();
        var second = _signal.WaitAsync();
        second.IsCompleted.ShouldBeFalse();

        _signal.Set();
        await second.AsTask().WaitAsync(TimeSpan.FromSeconds(10), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void Set_Inline_TheWaiterGoesOnInThisCall()
    {
        var went = 0;
        var waiter = LoopAsync();

        _signal.Set(inline: true);
        _signal.Set(inline: true);

        went.ShouldBe(2);
        waiter.IsCompleted.ShouldBeTrue();

        async Task LoopAsync()
        {
            while (went < 2)
            {
                await _signal.WaitAsync();
                went++;
            }
        }
    }

    // A lost one would leave a stream waiting for its next inventory.
    [Fact]
    public async Task Set_ManyThreadsAtOnce_NoneIsLost()
    {
        const int Setters = 4;
        const int Each = 50_000;
        var (added, seen) = (0, 0);
        var waiter = Task.Run(
            async () =>
            {
                while ((seen = Volatile.Read(ref added)) < Setters * Each)
                {
                    await _signal.WaitAsync();
                }
            },
            TestContext.Current.CancellationToken);

        await Task.WhenAll(Enumerable.Range(0, Setters).Select(setter => Task.Run(() =>
        {
            for (var i = 0; i < Each; i++)
            {
                Interlocked.Increment(ref added);
                _signal.Set(inline: setter % 2 == 0 && i % 2 == 0);
            }
        })));

        await waiter.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        seen.ShouldBe(Setters * Each);
    }
}
