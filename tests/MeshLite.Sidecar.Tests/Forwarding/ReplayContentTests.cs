using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class ReplayContentTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    [Fact]
    public async Task CopyTo_OneAttempt_GetsTheBodyAndCountsIt()
    {
        var state = State();
        using var content = new ReplayContent(new ScriptedContent("ab"u8.ToArray(), "cde"u8.ToArray()), state);
        var attempt = new AttemptStream();

        await SendAsync(content, attempt);

        attempt.Received.ShouldBe("abcde"u8.ToArray());
        state.RequestBytes.ShouldBe(5);
    }

    [Fact]
    public void CopyTo_AttemptsThatFailAnywhere_TheLastGetsExactlyTheBody() => Prop.ForAll(Scenarios().ToArbitrary(), async scenario =>
    {
        using var content = new ReplayContent(new ScriptedContent(scenario.Pieces), State());
        foreach (var offset in scenario.FailsAfter)
        {
            await Should.ThrowAsync<Exception>(SendAsync(content, new AttemptStream { FailsAfter = offset }));
            content.TryRelease().ShouldBeTrue();
        }

        var last = new AttemptStream();
        await SendAsync(content, last);
        last.Received.ShouldBe(scenario.Body);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public void CopyTo_AttemptsCancelledWhileTheyWrite_TheLastGetsExactlyTheBody() => Prop.ForAll(Scenarios().ToArbitrary(), async scenario =>
    {
        using var content = new ReplayContent(new ScriptedContent(scenario.Pieces), State());
        foreach (var offset in scenario.FailsAfter)
        {
            using var cancel = new CancellationTokenSource();
            var attempt = new AttemptStream { StallsAfter = offset };
            var sending = content.CopyToAsync(attempt, cancel.Token);
            await attempt.Stalled.WaitAsync(Patience);
            content.TryRelease().ShouldBeTrue();
            await cancel.CancelAsync();
            await Should.ThrowAsync<OperationCanceledException>(sending.WaitAsync(Patience));
        }

        var last = new AttemptStream();
        await SendAsync(content, last);
        last.Received.ShouldBe(scenario.Body);
    }).QuickCheckThrowOnFailure();

    [Fact]
    public async Task CopyTo_AttemptsCutOffAtAnyMoment_TheLastGetsExactlyTheBody()
    {
        var random = new Random(1);
        for (var run = 0; run < 200; run++)
        {
            var pieces = Enumerable.Range(0, 60).Select(i => Enumerable.Repeat((byte)(run + i), random.Next(1, 1000)).ToArray()).ToArray();
            using var content = new ReplayContent(new ScriptedContent(pieces), State());
            for (var attempt = 0; attempt < 2; attempt++)
            {
                using var cancel = new CancellationTokenSource();
                var sending = content.CopyToAsync(new AttemptStream(), cancel.Token);
                for (var spin = random.Next(200); spin > 0; spin--)
                {
                    await Task.Yield();
                }

                // Released by one thread while the pump writes on another, then cut off.
                content.TryRelease().ShouldBeTrue();
                await cancel.CancelAsync();
                await Task.WhenAny(sending.WaitAsync(Patience));
            }

            var last = new AttemptStream();
            await SendAsync(content, last);
            last.Received.ShouldBe(pieces.SelectMany(p => p).ToArray(), $"run {run}");
        }
    }

    [Theory]
    [InlineData(ReplayContent.MaxReplayBytes, true)]
    [InlineData(ReplayContent.MaxReplayBytes + 1, false)]
    public async Task TryRelease_AfterTheWholeBody_DependsOnItsLength(int length, bool again)
    {
        using var content = new ReplayContent(new ScriptedContent(new byte[length - 1], new byte[1]), State());
        await SendAsync(content, new AttemptStream());

        content.TryRelease().ShouldBe(again);

        var second = SendAsync(content, new AttemptStream());
        if (again)
        {
            await second;
        }
        else
        {
            await Should.ThrowAsync<Exception>(second);
        }
    }

    [Fact]
    public async Task TryRelease_Released_ReadsNothingBeforeTheNextAttempt()
    {
        var source = new ScriptedContent([.. Enumerable.Range(0, 100).Select(_ => new byte[10])]);
        using var content = new ReplayContent(source, State());
        await Should.ThrowAsync<Exception>(SendAsync(content, new AttemptStream { FailsAfter = 50 }));

        content.TryRelease().ShouldBeTrue();

        // Five pieces arrived, the sixth failed and is kept, a seventh may wait to be written.
        var taken = source.Taken;
        taken.ShouldBeInRange(6, 7);
        for (var i = 0; i < 1000; i++)
        {
            await Task.Yield();
        }

        source.Taken.ShouldBeLessThanOrEqualTo(7);
    }

    [Fact]
    public void Wrap_NoAttempt_ReadsNothing()
    {
        var source = new ScriptedContent([1]);
        using var content = ReplayContent.Wrap(source, State());

        content.Commit();

        source.Taken.ShouldBe(0);
    }

    [Fact]
    public async Task CopyTo_BodyBreaksOff_FailsThatAttemptAndEveryLater()
    {
        var source = new ScriptedContent([1, 2, 3]) { Failure = new IOException("the caller is gone") };
        using var content = new ReplayContent(source, State());
        await Should.ThrowAsync<Exception>(SendAsync(content, new AttemptStream()));
        content.BrokeOff.ShouldBeTrue();

        content.TryRelease().ShouldBeFalse();

        // Half a body must never look like a whole one.
        await Should.ThrowAsync<Exception>(SendAsync(content, new AttemptStream()));
    }

    [Fact]
    public async Task BrokeOff_AttemptFails_IsFalse()
    {
        using var content = new ReplayContent(new ScriptedContent([1, 2, 3]), State());
        await Should.ThrowAsync<Exception>(SendAsync(content, new AttemptStream { FailsAfter = 0 }));

        content.BrokeOff.ShouldBeFalse();
    }

    [Fact]
    public async Task Commit_AttemptStillTakesTheBody_ItGetsAllOfIt()
    {
        var pieces = Enumerable.Range(0, 100).Select(i => Enumerable.Repeat((byte)i, 1000).ToArray()).ToArray();
        using var content = new ReplayContent(new ScriptedContent(pieces), State());
        var attempt = new AttemptStream();
        var sending = SendAsync(content, attempt);

        content.Commit();

        await sending;
        attempt.Received.ShouldBe(pieces.SelectMany(p => p).ToArray());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commit_NobodyTakesTheBodyAnyMore_TheRestIsReadAndThrownAway(bool commitFirst)
    {
        var source = new ScriptedContent([.. Enumerable.Range(0, 100).Select(_ => new byte[10])]);
        using var content = new ReplayContent(source, State());
        if (commitFirst)
        {
            content.Commit();
        }

        await Should.ThrowAsync<Exception>(SendAsync(content, new AttemptStream { FailsAfter = 50 }));
        content.Commit();

        await source.Ended.WaitAsync(Patience);
        source.Taken.ShouldBe(100);
        await Eventually.TrueAsync(() => content.IsRead, "the whole body is read");
        content.BrokeOff.ShouldBeFalse();
        content.TryRelease().ShouldBeFalse("what was thrown away can't be sent again");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Commit_NobodyTakesTheBodyAnyMoreAndItStalls_StopsReadingAfterFiveSeconds(bool commitFirst)
    {
        var time = new ManualTimeProvider();
        var source = new ScriptedContent([1]) { Stalls = true };
        using var content = new ReplayContent(source, State(time));
        using var cancel = new CancellationTokenSource();
        var sending = content.CopyToAsync(new AttemptStream(), cancel.Token);
        await Eventually.TrueAsync(() => source.Taken == 1, "the body is being read");

        // The server has answered without reading all of it.
        if (commitFirst)
        {
            content.Commit();
            await cancel.CancelAsync();
        }
        else
        {
            await cancel.CancelAsync();
            content.Commit();
        }

        await Should.ThrowAsync<OperationCanceledException>(sending.WaitAsync(Patience));
        time.Advance(TimeSpan.FromSeconds(4.9));
        source.Ended.IsCompleted.ShouldBeFalse();
        time.Advance(TimeSpan.FromSeconds(0.2));
        await source.Ended.WaitAsync(Patience);
        content.IsRead.ShouldBeFalse();
    }

    [Theory]
    [InlineData(0, true)]
    [InlineData(100, true)]
    [InlineData(ReplayContent.MaxReplayBytes, true)]
    [InlineData(ReplayContent.MaxReplayBytes + 1, false)]
    public async Task Whole_BodyRead_IsThereUpToTheBound(int length, bool whole)
    {
        var body = new byte[length];
        new Random(length).NextBytes(body);
        using var content = new ReplayContent(new ScriptedContent(body), State());
        var later = content.WholeAsync();
        content.Whole.ShouldBeNull("nothing has been read");

        await SendAsync(content, new AttemptStream());

        (content.Whole is not null).ShouldBe(whole);
        var got = await later.WaitAsync(Patience);
        (got is not null).ShouldBe(whole);
        if (whole)
        {
            content.Whole!.Value.ToArray().ShouldBe(body);
            got!.Value.ToArray().ShouldBe(body);
        }
    }

    [Fact]
    public async Task Whole_BodyStillComing_IsNotThere()
    {
        var source = new ScriptedContent("some"u8.ToArray()) { Stalls = true };
        using var content = new ReplayContent(source, State());
        using var cancel = new CancellationTokenSource();
        var sending = content.CopyToAsync(new AttemptStream(), cancel.Token);
        await Eventually.TrueAsync(() => source.Taken == 1, "the first piece");

        content.Whole.ShouldBeNull();

        await cancel.CancelAsync();
        await Should.ThrowAsync<OperationCanceledException>(sending.WaitAsync(Patience));
    }

    [Fact]
    public async Task WholeAsync_NobodyEverAsked_IsNull()
    {
        using var content = new ReplayContent(new ScriptedContent("ab"u8.ToArray()), State());
        var whole = content.WholeAsync();

        content.Commit();

        (await whole.WaitAsync(Patience)).ShouldBeNull();
    }

    private static Task SendAsync(ReplayContent content, AttemptStream attempt) => content.CopyToAsync(attempt).WaitAsync(Patience);

    private static RequestState State(TimeProvider? time = null) => new(new AttemptSettings(time ?? new ManualTimeProvider(), new Random(1)));

    /// <summary>A body within the bound, in pieces, and where each attempt before the last ends: within the body, so that it does not succeed.</summary>
    private static Gen<Scenario> Scenarios() =>
        from seed in Gen.Choose(0, int.MaxValue - 1)
        select Scenario.From(new Random(seed));

    private sealed record Scenario(byte[][] Pieces, int[] FailsAfter)
    {
        public byte[] Body => [.. Pieces.SelectMany(p => p)];

        public static Scenario From(Random random)
        {
            var left = random.Next(1, ReplayContent.MaxReplayBytes + 1);
            var pieces = new List<byte[]>();
            while (left > 0)
            {
                var piece = new byte[Math.Min(left, random.Next(1, random.Next(2) == 0 ? 20_000 : 200))];
                random.NextBytes(piece);
                pieces.Add(piece);
                left -= piece.Length;
            }

            var length = pieces.Sum(p => p.Length);
            return new Scenario([.. pieces], [.. Enumerable.Range(0, random.Next(4)).Select(_ => random.Next(length))]);
        }
    }
}
