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

    // A lost one would leave a stream waiting for its next inventory. Each is set just as the waiter, having seen the one before, is about to wait.
    [Fact]
    public async Task Set_AsTheWaiterIsAboutToWait_IsNotLost()
    {
        const int Times = 100_000;
        var (added, seen) = (0, 0);
        var stop = TestContext.Current.CancellationToken;
        var waiter = Task.Run(
            async () =>
            {
                while (Volatile.Read(ref seen) < Times)
                {
                    await _signal.WaitAsync();
                    Volatile.Write(ref seen, Volatile.Read(ref added));
                }
            },
            stop);
        var setter = Task.Run(
            () =>
            {
                for (var i = 1; i <= Times; i++)
                {
                    Volatile.Write(ref added, i);
                    _signal.Set(inline: i % 2 == 0);
                    SpinWait.SpinUntil(() => Volatile.Read(ref seen) >= i, TimeSpan.FromSeconds(10)).ShouldBeTrue($"{i} was lost");
                }
            },
            stop);

        await Task.WhenAll(waiter.WaitAsync(TimeSpan.FromSeconds(30), stop), setter);
    }
}
