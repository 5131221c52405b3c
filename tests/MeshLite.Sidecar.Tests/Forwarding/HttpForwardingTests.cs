using System.Net;
using MeshLite.Model;
using MeshLite.Sidecar.Forwarding;
using MeshLite.Sidecar.Pipeline;
using MeshLite.Sidecar.Tests.Pipeline;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Http;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Sidecar.Tests.Forwarding;

public sealed class HttpForwardingTests : IDisposable
{
    private readonly ManualTimeProvider _time = new();
    private readonly RecordingForwarder _forwarder = new();
    private readonly LocalApplication _application;

    public HttpForwardingTests() =>
        _application = new LocalApplication(new IPEndPoint(IPAddress.Loopback, 1), null!, new AttemptSettings(_time, new Random(1)));

    public void Dispose() => _application.Dispose();

    /// <summary>The caller's sidecar knows the policy, which may allow more than 5 min, or any time at all.</summary>
    [Theory]
    [InlineData(true, "1", null)]
    [InlineData(true, "2", null)]
    [InlineData(false, "1", 300)]
    public async Task ToApplication_Idle_IsBoundedByWhoKnowsThePolicy(bool peer, string version, int? seconds)
    {
        var state = TestRequest.Begin(_time, headers: ("meshlite-protocol", version));
        state.Connection.Peer = peer ? SpiffeId.Parse("spiffe://cluster.local/ns/shop/sa/frontend") : null;

        await new HttpForwarding(_forwarder, null!, new InboundTransformer(), _application).ToApplicationAsync(state, CancellationToken.None);

        _forwarder.Config!.ActivityTimeout.ShouldBe(seconds is { } bound ? TimeSpan.FromSeconds(bound) : Timeout.InfiniteTimeSpan);
    }

    private sealed class RecordingForwarder : IHttpForwarder
    {
        public ForwarderRequestConfig? Config { get; private set; }

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer)
        {
            Config = requestConfig;
            return ValueTask.FromResult(ForwarderError.None);
        }

        public ValueTask<ForwarderError> SendAsync(
            HttpContext context, string destinationPrefix, HttpMessageInvoker httpClient, ForwarderRequestConfig requestConfig, HttpTransformer transformer, CancellationToken cancellationToken) =>
            SendAsync(context, destinationPrefix, httpClient, requestConfig, transformer);
    }
}
