using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>Whoever wants a response no more says so to the server, and leaves nothing behind.</summary>
public sealed class CancellationTests
{
    [Fact]
    public async Task Cancelled_BeforeItsHead_IsReset()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        var content = WrittenContent.Of(100_000, isDeclared: true);
        var response = peer.Post(content, cancellation.Token);
        await peer.ReadHeadAsync();
        await peer.ReadDataAsync(65_535);
        await cancellation.CancelAsync();

        (await ScriptedPeer.FailureAsync(response)).ShouldBeAssignableTo<OperationCanceledException>()!.CancellationToken.ShouldBe(cancellation.Token);
        ((Http2Error)(await peer.ReadAsync(Http2FrameType.RstStream)).Number).ShouldBe(Http2Error.Cancel);
        await ScriptedPeer.FailureAsync(content.Done);
        await peer.SendAsync(Frame.Window(1, 100_000), Frame.Window(0, 100_000), Frame.Ok(1), Frame.Data(1, true, "late"u8));
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Cancelled_BeforeItIsSent_IsNotSent()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = peer.Get(new CancellationToken(canceled: true));
        response.IsCanceled.ShouldBeTrue();
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Cancelled_AfterItsHead_IsNobodysBusiness()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        using var cancellation = new CancellationTokenSource();
        var response = peer.Get(cancellation.Token);
        await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Ok(1));
        var head = await response.WaitAsync(ScriptedPeer.Patience);
        await cancellation.CancelAsync();
        await peer.SendAsync(Frame.Data(1, true, "whole"u8));
        (await head.Content.ReadAsStringAsync()).ShouldBe("whole");
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Disposed_BeforeItsEnd_IsReset()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = await peer.GetBegunAsync(1);
        response.Dispose();
        ((Http2Error)(await peer.ReadAsync(Http2FrameType.RstStream)).Number).ShouldBe(Http2Error.Cancel);
        peer.Connection.Dispose();
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
    }

    [Fact]
    public async Task Disposed_AfterItsEnd_IsNobodysBusiness()
    {
        using var peer = await ScriptedPeer.ConnectAsync();
        var response = await peer.GetBegunAsync(1);
        await peer.SendAsync(Frame.Data(1, true, "unread"u8));
        await peer.SyncAsync();
        response.Dispose();
        (await peer.SyncAsync()).ShouldBeEmpty();
    }

    /// <summary>At any moment, between the call and the answer's end: each request ends, each only once, and the connection is empty afterwards.</summary>
    [Fact]
    public async Task Cancelled_AtAnyMoment_LeavesNothingBehind()
    {
        using var peer = await ScriptedPeer.ConnectAsync((Http2Setting.MaxConcurrentStreams, 8));
        var answering = AnswerAsync(peer);
        await InParallel.RunAsync(thread =>
        {
            var random = new Random(thread);
            for (var i = 0; i < 400; i++)
            {
                RoundAsync(peer, random).WaitAsync(ScriptedPeer.Patience).GetAwaiter().GetResult();
            }
        });

        peer.Connection.Dispose();
        await answering.WaitAsync(ScriptedPeer.Patience); // nothing runs any more, so the connection ends at once; its GOAWAY may be lost to what the peer still says
        peer.Unusable.ShouldBe(1);
    }

    private static async Task RoundAsync(ScriptedPeer peer, Random random)
    {
        using var cancellation = new CancellationTokenSource();
        var request = new HttpRequestMessage(HttpMethod.Post, "http://example.test/") { Content = random.Next(2) == 0 ? null : WrittenContent.Of(random.Next(200), random.Next(2) == 0) };
        peer.Connection.TrySend(request, out var response, cancellation.Token).ShouldBeTrue("four at once are not eight");
        var spins = random.Next(40) * random.Next(200);
        await Task.WhenAll(Task.Run(() => Thread.SpinWait(spins)).ContinueWith(_ => cancellation.Cancel(), TaskScheduler.Default), ReadAsync());

        async Task ReadAsync()
        {
            try
            {
                using var head = await response!;
                (await head.Content.ReadAsStringAsync(cancellation.Token)).ShouldBe("answer");
            }
            catch (OperationCanceledException)
            {
                cancellation.IsCancellationRequested.ShouldBeTrue();
            }
        }
    }

    // Answers each head as it comes, until the connection ends.
    private static async Task AnswerAsync(ScriptedPeer peer)
    {
        while (await peer.TryReadAsync() is { } frame)
        {
            if (frame.Type == Http2FrameType.Headers)
            {
                await TrySendAsync(Frame.Ok(frame.Stream), Frame.Data(frame.Stream, false, "ans"u8));
                await TrySendAsync(Frame.Data(frame.Stream, true, "wer"u8));
            }
            else if (frame.Type == Http2FrameType.Data && frame.Payload.Length > 0)
            {
                await TrySendAsync(Frame.Window(0, frame.Payload.Length));
            }
        }

        async Task TrySendAsync(params byte[][] frames)
        {
            try
            {
                await peer.SendAsync(frames);
            }
            catch (IOException)
            {
                // It closed: of what was cancelled it wants no answer.
            }
        }
    }
}
