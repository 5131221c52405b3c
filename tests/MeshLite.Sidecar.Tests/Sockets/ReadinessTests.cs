using FsCheck;
using FsCheck.Fluent;
using MeshLite.Sidecar.Sockets;
using MeshLite.Sidecar.Tests.Http2.Hpack;

namespace MeshLite.Sidecar.Tests.Sockets;

public sealed class ReadinessTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    [Fact]
    public void Ready_AtFirst_IsTakenOnce()
    {
        var readiness = new Readiness(isReady: true);

        readiness.WaitAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
        readiness.TryTake().ShouldBeTrue();
        readiness.TryTake().ShouldBeFalse();
    }

    [Fact]
    public void Idle_AtFirst_NothingIsTaken()
    {
        var readiness = new Readiness(isReady: false);

        readiness.TryTake().ShouldBeFalse();
        readiness.WaitAsync(CancellationToken.None).IsCompleted.ShouldBeFalse();
    }

    /// <summary>A second waiter would have to ask again and again.</summary>
    [Fact]
    public void Wait_SomebodyWaitsAlready_IsRefused_AndTheFirstGoesOn()
    {
        var readiness = new Readiness(isReady: false);
        var first = readiness.WaitAsync(CancellationToken.None);

        Should.Throw<InvalidOperationException>(() => _ = readiness.WaitAsync(CancellationToken.None));
        readiness.Set();
        first.IsCompletedSuccessfully.ShouldBeTrue();
    }

    [Fact]
    public void Set_BeforeTheWait_EndsItAtOnce_AndIsLeftToBeTaken()
    {
        var readiness = new Readiness(isReady: false);
        readiness.Set();

        readiness.WaitAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
        readiness.WaitAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
        readiness.TryTake().ShouldBeTrue();
        readiness.WaitAsync(CancellationToken.None).IsCompleted.ShouldBeFalse();
    }

    [Fact]
    public async Task Set_AfterTheWaitBegan_EndsIt_AndIsLeftToBeTaken()
    {
        var readiness = new Readiness(isReady: false);
        for (var i = 0; i < 3; i++)
        {
            var waiting = readiness.WaitAsync(CancellationToken.None).AsTask();
            waiting.IsCompleted.ShouldBeFalse();
            readiness.Set();

            await waiting.WaitAsync(Patience);
            readiness.TryTake().ShouldBeTrue();
            readiness.TryTake().ShouldBeFalse();
        }
    }

    [Fact]
    public void Set_Twice_IsTakenOnce()
    {
        var readiness = new Readiness(isReady: false);
        readiness.Set();
        readiness.Set();

        readiness.TryTake().ShouldBeTrue();
        readiness.TryTake().ShouldBeFalse();
    }

    [Fact]
    public void Set_DuringTheAttempt_IsNotMissed()
    {
        var readiness = new Readiness(isReady: true);
        readiness.TryTake().ShouldBeTrue();
        readiness.Set(); // more comes, while the call that found nothing returns

        readiness.WaitAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
        readiness.TryTake().ShouldBeTrue();
    }

    [Fact]
    public async Task Close_EndsTheWait_AndAllIsReadyForEver()
    {
        var readiness = new Readiness(isReady: false);
        var waiting = readiness.WaitAsync(CancellationToken.None).AsTask();
        readiness.Close();
        await waiting.WaitAsync(Patience);

        IsReadyForEver(readiness);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Close_NobodyWaits_AllIsReadyForEver(bool isReady)
    {
        var readiness = new Readiness(isReady);
        readiness.Close();
        IsReadyForEver(readiness);

        readiness.Set();
        readiness.Close();
        IsReadyForEver(readiness);
    }

    [Fact]
    public async Task Wait_CancelledAlready_IsCancelledByThatToken()
    {
        var readiness = new Readiness(isReady: false);
        var cancelled = new CancellationToken(canceled: true);

        var failure = await Should.ThrowAsync<OperationCanceledException>(async () => await readiness.WaitAsync(cancelled));
        failure.CancellationToken.ShouldBe(cancelled);
        readiness.Set();
        readiness.WaitAsync(cancelled).IsCompletedSuccessfully.ShouldBeTrue("it is ready");
        readiness.TryTake().ShouldBeTrue();
    }

    [Fact]
    public async Task Wait_CancelledMeanwhile_IsCancelledByThatToken_AndTheNextIsNot()
    {
        var readiness = new Readiness(isReady: false);
        using var cancellation = new CancellationTokenSource();
        var first = readiness.WaitAsync(cancellation.Token).AsTask();
        first.IsCompleted.ShouldBeFalse();
        await cancellation.CancelAsync();
        (await Should.ThrowAsync<OperationCanceledException>(() => first.WaitAsync(Patience))).CancellationToken.ShouldBe(cancellation.Token);
        readiness.TryTake().ShouldBeFalse();

        using var other = new CancellationTokenSource();
        var next = readiness.WaitAsync(other.Token).AsTask();
        next.IsCompleted.ShouldBeFalse();
        readiness.Set();
        await next.WaitAsync(Patience);
        readiness.TryTake().ShouldBeTrue();
    }

    [Fact]
    public async Task Wait_TokenOfOneThatHasEnded_CancelsNothingAnyMore()
    {
        var readiness = new Readiness(isReady: false);
        using var old = new CancellationTokenSource();
        var first = readiness.WaitAsync(old.Token).AsTask();
        readiness.Set();
        await first.WaitAsync(Patience);
        readiness.TryTake().ShouldBeTrue();

        var next = readiness.WaitAsync(CancellationToken.None).AsTask();
        await old.CancelAsync();
        next.IsCompleted.ShouldBeFalse();
        readiness.Set();
        await next.WaitAsync(Patience);
    }

    /// <summary>At any moment: before the token is looked at, before there is a wait to end, after.</summary>
    [Fact]
    public async Task Wait_CancelledAsItBegins_IsCancelled()
    {
        const int Rounds = 4_000;
        var sources = Enumerable.Range(0, Rounds).Select(_ => new CancellationTokenSource()).ToArray();
        var round = -1;
        var cancelling = Run(() =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                SpinUntil(() => Volatile.Read(ref round) >= i);
                Thread.SpinWait(i % 20);
                sources[i].Cancel();
            }
        });
        await Run(() =>
        {
            var readiness = new Readiness(isReady: false);
            for (var i = 0; i < Rounds; i++)
            {
                Volatile.Write(ref round, i);
                Thread.SpinWait(i / 20 % 20);
                var waiting = readiness.WaitAsync(sources[i].Token).GetAwaiter();
                SpinUntil(() => waiting.IsCompleted);
                Should.Throw<OperationCanceledException>(waiting.GetResult).CancellationToken.ShouldBe(sources[i].Token);
                readiness.TryTake().ShouldBeFalse();
            }
        });
        await cancelling;
    }

    /// <summary>So that what came is served by the thread that was told of it.</summary>
    [Fact]
    public void Set_WhoWaitsGoesOn_BeforeItReturns()
    {
        var readiness = new Readiness(isReady: false);
        var (thread, _) = WhoGoesOn(readiness, CancellationToken.None);
        readiness.Set();

        thread().ShouldBe(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public void Set_AfterAWaitThatWasCancelled_WhoWaitsGoesOn_BeforeItReturns()
    {
        var readiness = new Readiness(isReady: false);
        using var cancellation = new CancellationTokenSource();
        var (_, cancelled) = WhoGoesOn(readiness, cancellation.Token);
        cancellation.Cancel();
        cancelled.Wait(Patience).ShouldBeTrue();

        var (thread, _) = WhoGoesOn(readiness, CancellationToken.None);
        readiness.Set();
        thread().ShouldBe(Environment.CurrentManagedThreadId);
    }

    /// <summary>Whoever closes may hold a lock: this thread does not return to the pool while it waits, so that it can be no other's.</summary>
    [Fact]
    public void Close_WhoWaitsGoesOn_OnAnotherThread()
    {
        var readiness = new Readiness(isReady: false);
        var (thread, goneOn) = WhoGoesOn(readiness, CancellationToken.None);
        readiness.Close();

        goneOn.Wait(Patience).ShouldBeTrue();
        thread().ShouldNotBe(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public void Close_AfterAWaitThatWasSet_WhoWaitsGoesOn_OnAnotherThread()
    {
        var readiness = new Readiness(isReady: false);
        WhoGoesOn(readiness, CancellationToken.None);
        readiness.Set();
        readiness.TryTake().ShouldBeTrue();

        var (thread, goneOn) = WhoGoesOn(readiness, CancellationToken.None);
        readiness.Close();
        goneOn.Wait(Patience).ShouldBeTrue();
        thread().ShouldNotBe(Environment.CurrentManagedThreadId);
    }

    [Fact]
    public void Cancel_WhoWaitsGoesOn_OnAnotherThread()
    {
        var readiness = new Readiness(isReady: false);
        using var cancellation = new CancellationTokenSource();
        var (thread, goneOn) = WhoGoesOn(readiness, cancellation.Token);
        cancellation.Cancel();

        goneOn.Wait(Patience).ShouldBeTrue();
        thread().ShouldNotBe(Environment.CurrentManagedThreadId);
    }

    /// <summary>In each round two threads do something and tell of it, while a third cancels waits: a word that is lost leaves the round without an end.</summary>
    [Fact]
    public void Set_FromSeveralThreads_WhileWaitsAreCancelled_NothingIsLost() => Prop.ForAll(RandomFields.Seeds, seed =>
    {
        const int Rounds = 300;
        const int Setters = 2;
        var readiness = new Readiness(isReady: seed % 2 == 0);
        var done = 0;
        var seen = 0;
        CancellationTokenSource? waiting = null;
        var cancelled = 0;

        var taking = Task.Run(TakeAsync);
        var setting = Enumerable.Range(0, Setters).Select(i => Run(() => Set(new Random(seed + i)))).ToArray();
        var cancelling = Run(Cancel);
        Task.WhenAll([taking, cancelling, .. setting]).WaitAsync(Patience).GetAwaiter().GetResult();

        seen.ShouldBe(Rounds * Setters);
        done.ShouldBe(Rounds * Setters);

        async Task TakeAsync()
        {
            var random = new Random(seed);
            while (Volatile.Read(ref seen) < Rounds * Setters)
            {
                if (readiness.TryTake())
                {
                    Volatile.Write(ref seen, Volatile.Read(ref done));
                    continue;
                }

                var source = random.Next(3) == 0 ? new CancellationTokenSource() : null;
                Volatile.Write(ref waiting, source);
                try
                {
                    await readiness.WaitAsync(source?.Token ?? CancellationToken.None).ConfigureAwait(false);
                }
                catch (OperationCanceledException e)
                {
                    e.CancellationToken.ShouldBe(source!.Token);
                    cancelled++;
                }
            }
        }

        void Set(Random random)
        {
            for (var round = 1; round <= Rounds; round++)
            {
                Thread.SpinWait(random.Next(200));
                Interlocked.Increment(ref done);
                readiness.Set();
                SpinUntil(() => Volatile.Read(ref seen) >= round * Setters);
            }
        }

        void Cancel()
        {
            var random = new Random(~seed);
            while (Volatile.Read(ref seen) < Rounds * Setters && !taking.IsCompleted)
            {
                Thread.SpinWait(random.Next(300));
                Interlocked.Exchange(ref waiting, null)?.Cancel();
                Thread.Yield();
            }
        }
    }).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(20));

    // So soon that threads collide, and no longer than there is patience.
    private static void SpinUntil(Func<bool> condition)
    {
        var started = TimeProvider.System.GetTimestamp();
        for (var spins = 0; !condition(); spins++)
        {
            if (spins > 50)
            {
                Thread.Yield();
                TimeProvider.System.GetElapsedTime(started).ShouldBeLessThan(Patience, "what was told is lost");
            }
        }
    }

    private static Task Run(Action body) => Task.Factory.StartNew(body, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private static void IsReadyForEver(Readiness readiness)
    {
        for (var i = 0; i < 3; i++)
        {
            readiness.WaitAsync(CancellationToken.None).IsCompletedSuccessfully.ShouldBeTrue();
            readiness.TryTake().ShouldBeTrue();
        }
    }

    /// <summary>Waits, and says which thread went on, once one has.</summary>
    private static (Func<int> Thread, ManualResetEventSlim GoneOn) WhoGoesOn(Readiness readiness, CancellationToken cancellationToken)
    {
        var thread = 0;
        var goneOn = new ManualResetEventSlim();
        var waiting = readiness.WaitAsync(cancellationToken).ConfigureAwait(false).GetAwaiter();
        waiting.IsCompleted.ShouldBeFalse();
        waiting.UnsafeOnCompleted(() =>
        {
            thread = Environment.CurrentManagedThreadId;
            _ = Record.Exception(waiting.GetResult);
            goneOn.Set();
        });
        return (() => thread, goneOn);
    }
}
