using System.Collections.Concurrent;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http2;

/// <summary>Which connection a request takes, and who makes one.</summary>
public sealed class Http2HandlerTests
{
    [Fact]
    public async Task Requests_AtOnce_ShareOneConnect()
    {
        using var scene = new Scene { Gate = new TaskCompletionSource() };
        var responses = Enumerable.Range(0, 50).Select(_ => scene.Get()).ToList();
        scene.Gate.SetResult();
        await scene.AnswerAllAsync(responses);
        scene.Peers.Count.ShouldBe(1);
        await scene.AnswerAllAsync([scene.Get()]);
        scene.Peers.Count.ShouldBe(1);
    }

    [Fact]
    public async Task FullConnection_GetsASecond()
    {
        using var scene = new Scene { MaxStreams = 2 };
        List<Task<HttpResponseMessage>> responses = [scene.Get(), scene.Get(), scene.Get()];
        var peers = await scene.PeersAsync(2);
        await peers[1].ReadHeadAsync();
        await peers[1].SendAsync(Frame.Ok(1, ends: true));
        responses.Remove(await Task.WhenAny(responses).WaitAsync(ScriptedPeer.Patience));
        await peers[0].SendAsync(Frame.Ok(1, ends: true));
        responses.Remove(await Task.WhenAny(responses).WaitAsync(ScriptedPeer.Patience));

        responses.Add(scene.Get());
        await peers[0].SendAsync(Frame.Ok(3, ends: true), Frame.Ok(5, ends: true));
        await Task.WhenAll(responses).WaitAsync(ScriptedPeer.Patience);
        scene.Peers.Count.ShouldBe(2);
    }

    /// <summary>More at once than five connections take: as many are made as they need.</summary>
    [Fact]
    public async Task ManyMoreThanAConnectionTakes_GetConnections()
    {
        using var scene = new Scene { MaxStreams = 1, Gate = new TaskCompletionSource() };
        var responses = Enumerable.Range(0, 12).Select(_ => scene.Get()).ToList();
        scene.Gate.SetResult();
        foreach (var peer in await scene.PeersAsync(12))
        {
            await peer.SendAsync(Frame.Ok(1, ends: true));
        }

        await Task.WhenAll(responses).WaitAsync(ScriptedPeer.Patience);
    }

    [Fact]
    public async Task FailedConnect_ReachesAllWhoWait_AndTheNextTriesAnew()
    {
        using var scene = new Scene { Gate = new TaskCompletionSource(), Failure = new ConnectException(tls: false, "refused") };
        var responses = Enumerable.Range(0, 5).Select(_ => scene.Get()).ToList();
        scene.Gate.SetResult();
        foreach (var response in responses)
        {
            (await ScriptedPeer.FailureAsync(response)).ShouldBeOfType<ConnectException>();
        }

        scene.Connects.ShouldBe(1);
        scene.Failure = null;
        await scene.AnswerAllAsync([scene.Get()]);
        scene.Connects.ShouldBe(2);
    }

    [Fact]
    public async Task Cancelled_WhileItConnects_LeavesTheOthersTheirConnection()
    {
        using var scene = new Scene { Gate = new TaskCompletionSource() };
        using var cancellation = new CancellationTokenSource();
        var cancelled = scene.Get(cancellation.Token);
        var other = scene.Get();
        await cancellation.CancelAsync();
        (await ScriptedPeer.FailureAsync(cancelled)).ShouldBeAssignableTo<OperationCanceledException>();
        scene.Gate.SetResult();
        await scene.AnswerAllAsync([other]);
    }

    [Fact]
    public async Task Dispose_LetsRequestsEnd_AndRefusesFurtherOnes()
    {
        var scene = new Scene();
        var running = scene.Get();
        var peer = (await scene.PeersAsync(1))[0];
        await peer.ReadHeadAsync();
        scene.Dispose();

        (await ScriptedPeer.IsUndeliveredAsync(scene.Get())).ShouldBeTrue();
        await peer.SendAsync(Frame.Ok(1, ends: true));
        (await running.WaitAsync(ScriptedPeer.Patience)).IsSuccessStatusCode.ShouldBeTrue();
        (await peer.EndAsync()).ShouldBe(Http2Error.NoError);
    }

    [Fact]
    public async Task Dispose_WhileItConnects_RefusesWhoWaits()
    {
        var scene = new Scene { Gate = new TaskCompletionSource() };
        var response = scene.Get();
        scene.Dispose();
        (await ScriptedPeer.FailureAsync(response)).ShouldBeOfType<UnsentException>();
    }

    /// <summary>The connect that nobody could stop any more: it came, and goes.</summary>
    [Fact]
    public async Task Dispose_AsItConnected_ClosesTheConnection()
    {
        var scene = new Scene { Gate = new TaskCompletionSource(), IsDeaf = true };
        var response = scene.Get();
        scene.Dispose();
        scene.Gate.SetResult();
        (await ScriptedPeer.FailureAsync(response)).ShouldBeOfType<UnsentException>();
        (await (await scene.PeersAsync(1))[0].EndAsync()).ShouldBe(Http2Error.NoError);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Server_ThatTakesNothing_EndsAfterFiveConnects(bool goesAway)
    {
        using var scene = new Scene { GoesAway = goesAway, MaxStreams = goesAway ? 100 : 0 };
        (await ScriptedPeer.IsUndeliveredAsync(scene.Get())).ShouldBeTrue();
        scene.Connects.ShouldBe(5);
    }

    [Fact]
    public async Task ConnectionThatEnded_IsReplaced()
    {
        using var scene = new Scene();
        await scene.AnswerAllAsync([scene.Get()]);
        var peer = (await scene.PeersAsync(1))[0];
        await peer.SendAsync(Frame.GoAway(1));
        await peer.EndAsync();
        peer.Unusable.ShouldBe(1);
        var next = scene.Get();
        await (await scene.PeersAsync(2))[1].SendAsync(Frame.Ok(1, ends: true));
        await next.WaitAsync(ScriptedPeer.Patience);
    }

    /// <summary>A handler whose connections have scripted peers.</summary>
    private sealed class Scene : IDisposable
    {
        private readonly Http2Handler _handler;
        private readonly HttpMessageInvoker _client;
        private readonly SemaphoreSlim _made = new(0);
        private readonly List<ScriptedPeer> _seen = [];

        public Scene()
        {
            _handler = new Http2Handler(ConnectAsync);
            _client = new HttpMessageInvoker(_handler);
        }

        public ConcurrentQueue<ScriptedPeer> Peers { get; } = new();

        public int Connects { get; private set; }

        public TaskCompletionSource? Gate { get; init; }

        public Exception? Failure { get; set; }

        public int MaxStreams { get; init; } = 100;

        public bool GoesAway { get; init; }

        public bool IsDeaf { get; init; }

        public Task<HttpResponseMessage> Get(CancellationToken cancellation = default) => _client.SendAsync(new HttpRequestMessage(HttpMethod.Get, "http://example.test/"), cancellation);

        public async Task<List<ScriptedPeer>> PeersAsync(int count)
        {
            while (_seen.Count < count)
            {
                (await _made.WaitAsync(ScriptedPeer.Patience)).ShouldBeTrue();
                _seen.Add(Peers.ElementAt(_seen.Count));
            }

            return _seen;
        }

        public async Task AnswerAllAsync(List<Task<HttpResponseMessage>> responses)
        {
            var peer = (await PeersAsync(1))[0];
            for (var i = 0; i < responses.Count; i++)
            {
                var (frame, _) = await peer.ReadHeadAsync();
                await peer.SendAsync(Frame.Ok(frame.Stream, ends: true));
            }

            await Task.WhenAll(responses).WaitAsync(ScriptedPeer.Patience);
        }

        public void Dispose() => _handler.Dispose();

        private async Task<Http2Connection> ConnectAsync(Action<Http2Connection> unusable, CancellationToken cancellation)
        {
            Connects++;
            if (Gate is not null)
            {
                await Gate.Task.WaitAsync(IsDeaf ? CancellationToken.None : cancellation);
            }

            if (Failure is not null)
            {
                throw Failure;
            }

            var peer = await ScriptedPeer.ConnectAsync(unusable, (Http2Setting.MaxConcurrentStreams, MaxStreams));
            if (GoesAway)
            {
                await peer.SendAsync(Frame.GoAway(0));
                await peer.EndAsync();
            }

            Peers.Enqueue(peer);
            _made.Release();
            return peer.Connection;
        }
    }
}
