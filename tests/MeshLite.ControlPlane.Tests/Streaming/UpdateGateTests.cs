using FsCheck;
using FsCheck.Fluent;
using MeshLite.ControlPlane.Streaming;
using MeshLite.TestKit;

namespace MeshLite.ControlPlane.Tests.Streaming;

public sealed class UpdateGateTests
{
    private readonly ManualTimeProvider _time = new();

    [Fact]
    public async Task EnterAsync_BeyondTheLimit_WaitsForTheFirstToLeave()
    {
        var gate = new UpdateGate(_time, limit: 2);
        var first = await gate.EnterAsync(Cancellation);
        using var second = await gate.EnterAsync(Cancellation);
        var third = gate.EnterAsync(Cancellation);
        third.IsCompleted.ShouldBeFalse();

        first.Dispose();

        (await third.AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancellation)).ShouldNotBeNull();
    }

    [Fact]
    public async Task EnterAsync_TheHolderIsStuck_ItsTurnEndsAfterTheGraceAndCountsOnce()
    {
        var gate = new UpdateGate(_time, limit: 1);
        var stuck = await gate.EnterAsync(Cancellation);
        var next = gate.EnterAsync(Cancellation);
        var last = gate.EnterAsync(Cancellation);

        _time.Advance(UpdateGate.Grace);
        var turn = await next.AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
        stuck.Dispose();

        last.IsCompleted.ShouldBeFalse();
        turn.Dispose();
        await last.AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancellation);
    }

    [Fact]
    public async Task EnterAsync_CancelledInLine_LeavesItsPlaceToTheNext()
    {
        var gate = new UpdateGate(_time, limit: 1);
        var holder = await gate.EnterAsync(Cancellation);
        using var gone = new CancellationTokenSource();
        var cancelled = gate.EnterAsync(gone.Token);
        var next = gate.EnterAsync(Cancellation);

        await gone.CancelAsync();
        holder.Dispose();

        await Should.ThrowAsync<OperationCanceledException>(cancelled.AsTask());
        (await next.AsTask().WaitAsync(TimeSpan.FromSeconds(10), Cancellation)).Dispose();
        (await gate.EnterAsync(Cancellation)).ShouldNotBeNull();
    }

    /// <summary>Whatever comes, leaves or is stuck: never more than the limit at once, in the order of asking, and everybody gets a turn.</summary>
    [Fact]
    public void Turns_AnySequence_KeepLimitAndOrder() => Prop.ForAll(Gen.Choose(0, 9).ListOf().ToArbitrary(), steps =>
    {
        const int Limit = 3;
        var time = new ManualTimeProvider();
        var gate = new UpdateGate(time, Limit);
        var asked = new List<Task<UpdateGate.Turn>>();
        var leftAt = new Dictionary<int, long>();
        foreach (var step in steps)
        {
            if (step < 5)
            {
                asked.Add(gate.EnterAsync(Cancellation).AsTask());
            }
            else if (step == 9)
            {
                time.Advance(UpdateGate.Grace / 3);
            }
            else if (asked.FindIndex(t => t.IsCompleted && !leftAt.ContainsKey(asked.IndexOf(t))) is >= 0 and var holder)
            {
                leftAt[holder] = time.GetTimestamp();
                asked[holder].Result.Dispose();
            }
        }

        for (var i = 0; i < asked.Count; i++)
        {
            time.Advance(UpdateGate.Grace);
        }

        var turns = Task.WhenAll(asked).WaitAsync(TimeSpan.FromSeconds(10)).GetAwaiter().GetResult();
        turns.Select(t => t.BeganAt).ShouldBeInOrder();
        var ends = turns.Select((t, i) => Math.Min(leftAt.GetValueOrDefault(i, long.MaxValue), t.BeganAt + time.TimestampFrequency * UpdateGate.Grace.Ticks / TimeSpan.TicksPerSecond)).ToArray();
        for (var i = 0; i < turns.Length; i++)
        {
            // Turns begin in order, so those before it in line are all that can be under way with it.
            Enumerable.Range(0, i).Count(earlier => ends[earlier] > turns[i].BeganAt).ShouldBeLessThan(Limit);
        }
    }).QuickCheckThrowOnFailure();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;
}
