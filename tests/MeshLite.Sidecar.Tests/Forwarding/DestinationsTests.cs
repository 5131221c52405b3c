using System.Collections.Concurrent;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Http2;
using MeshLite.Sidecar.Tests.Http2;
using MeshLite.TestKit;

namespace MeshLite.Sidecar.Tests.Forwarding;

/// <summary>One client for many destinations: who is connected to, and who is remembered.</summary>
public sealed class DestinationsTests : IDisposable
{
    private readonly ConcurrentQueue<string> _connects = new();
    private readonly ConcurrentQueue<ScriptedPeer> _peers = new();
    private readonly Destinations<Http2Handler> _destinations;
    private readonly HttpMessageInvoker _client;

    public DestinationsTests()
    {
        _destinations = new Destinations<Http2Handler>((host, port, unused) => new Http2Handler((unusable, cancellation) => ConnectAsync(host, port, unusable, cancellation), unused));
        _client = new HttpMessageInvoker(_destinations);
    }

    public void Dispose()
    {
        _client.Dispose();
        foreach (var peer in _peers)
        {
            peer.Dispose();
        }
    }

    [Fact]
    public async Task Send_HostAndPort_TellDestinationsApart()
    {
        foreach (var authority in new[] { "a.test:81", "a.test:82", "b.test:81", "[fd77::3]:90" })
        {
            await GetAsync($"http://{authority}/");
        }

        _ = AnswerAsync(_peers.First());
        await GetAsync("http://a.test:81/");

        _connects.ShouldBe(["a.test 81", "a.test 82", "b.test 81", "fd77::3 90"]);
        _destinations.Count.ShouldBe(4);
    }

    [Fact]
    public async Task LastConnection_Gone_DestinationIsForgotten_AndConnectedToAnew()
    {
        await GetAsync("http://a.test:81/");
        await _peers.Single().SendAsync(Frame.GoAway(1));
        await Eventually.TrueAsync(() => _destinations.Count == 0, "the destination is forgotten");

        await GetAsync("http://a.test:81/");
        _connects.Count.ShouldBe(2);
        _destinations.Count.ShouldBe(1);
    }

    [Fact]
    public async Task Connection_ThatGoesAwayAtOnce_DestinationIsForgotten()
    {
        await Should.ThrowAsync<UnsentException>(GetAsync("http://leaver.test:81/"));

        _destinations.Count.ShouldBe(0);
    }

    [Fact]
    public async Task Connect_Fails_DestinationIsForgotten()
    {
        await Should.ThrowAsync<ConnectException>(GetAsync("http://gone.test:81/"));

        _destinations.Count.ShouldBe(0);
    }

    private async Task GetAsync(string url)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        using var response = await _client.SendAsync(request, CancellationToken.None).WaitAsync(ScriptedPeer.Patience);
    }

    private async Task<Http2Connection> ConnectAsync(string host, int port, Action<Http2Connection> unusable, CancellationToken cancellation)
    {
        _connects.Enqueue($"{host} {port}");
        if (host == "gone.test")
        {
            throw new ConnectException(tls: false, "refused");
        }

        var peer = await ScriptedPeer.ConnectAsync(unusable);
        _peers.Enqueue(peer);
        if (host == "leaver.test")
        {
            peer.Connection.Dispose();
            return peer.Connection;
        }

        _ = AnswerAsync(peer);
        return peer.Connection;
    }

    // One request.
    private static async Task AnswerAsync(ScriptedPeer peer)
    {
        var (frame, _) = await peer.ReadHeadAsync();
        await peer.SendAsync(Frame.Ok(frame.Stream, ends: true));
    }
}
