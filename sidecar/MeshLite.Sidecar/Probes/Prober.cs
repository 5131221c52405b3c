using System.Net;
using System.Net.Sockets;
using System.Text;
using Google.Protobuf.WellKnownTypes;
using MeshLite.Protocol.Grpc;

namespace MeshLite.Sidecar.Probes;

/// <summary>
/// Asks the application as the kubelet would: at the pod's own address, each time over a new connection, HTTPS without looking at the certificate, redirects
/// followed within the host (https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/). One per program; thread-safe.
/// </summary>
internal sealed class Prober(Func<IPAddress> pod, TimeProvider time) : IDisposable
{
    /// <value>Redirects followed, as the kubelet's HTTP client does. 10.</value>
    private const int MaxRedirects = 10;

    private const int Serving = 1;

    // grpc.health.v1 (https://github.com/grpc/grpc/blob/master/doc/health-checking.md): a text and an enumeration as field 1, as these have on the wire.
    private static readonly GrpcMethod<StringValue, Int32Value> Check = new("grpc.health.v1.Health", "Check", StringValue.Parser, Int32Value.Parser);

    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        PooledConnectionLifetime = TimeSpan.Zero,
        RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8,
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    });

    /// <summary>The answer within the probe's time; cancelled where the caller leaves. <paramref name="userAgent"/>: what the caller calls itself.</summary>
    public async Task<ProbeAnswer> AskAsync(ApplicationProbe probe, string userAgent, CancellationToken cancellationToken)
    {
        using var patience = new CancellationTokenSource(probe.Timeout, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, cancellationToken);
        try
        {
            return probe switch
            {
                HttpProbe http => await HttpAsync(http, userAgent, either.Token),
                TcpProbe tcp => await TcpAsync(tcp, either.Token),
                GrpcProbe grpc => await GrpcAsync(grpc, either.Token),
                _ => throw new InvalidOperationException($"{probe.GetType().Name} is no probe."),
            };
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return ProbeAnswer.Bad($"port {probe.Port} of the application: no answer within {probe.Timeout.TotalSeconds:0} s");
        }
        catch (Exception e) when (e is HttpRequestException or SocketException or IOException or UriFormatException)
        {
            return ProbeAnswer.Bad($"port {probe.Port} of the application: {e.InnerException?.Message ?? e.Message}");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<ProbeAnswer> HttpAsync(HttpProbe probe, string userAgent, CancellationToken cancellationToken)
    {
        var uri = Target(new Uri($"{(probe.IsHttps ? "https" : "http")}://{At(probe.Port)}"), probe.Path);
        for (var redirects = 0; redirects <= MaxRedirects; redirects++)
        {
            using var request = Request(uri, probe, userAgent);
            using var response = await _http.SendAsync(request, cancellationToken);
            var status = (int)response.StatusCode;
            if (status is not (301 or 302 or 303 or 307 or 308) || response.Headers.Location is not { } location)
            {
                var says = $"the application answers {status}";
                return status is >= 200 and < 400 ? ProbeAnswer.Good(says) : new ProbeAnswer(status, says);
            }

            var next = new Uri(uri, location);
            if (next.Host != uri.Host || next.Scheme is not ("http" or "https"))
            {
                // Where that leads is not the application's health.
                return ProbeAnswer.Good($"the application answers {status}, to another host");
            }

            uri = next;
        }

        return ProbeAnswer.Bad($"the application redirects more than {MaxRedirects} times");
    }

    private async Task<ProbeAnswer> TcpAsync(TcpProbe probe, CancellationToken cancellationToken)
    {
        var address = At(probe.Port);
        using var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(address, cancellationToken);
        return ProbeAnswer.Good($"port {probe.Port} of the application is open");
    }

    private async Task<ProbeAnswer> GrpcAsync(GrpcProbe probe, CancellationToken cancellationToken)
    {
        try
        {
            var channel = new GrpcChannel(new Uri($"http://{At(probe.Port)}"), _http, new GrpcChannelOptions(), time);
            var status = await channel.UnaryAsync(Check, new StringValue { Value = probe.Service }, cancellationToken: cancellationToken);
            return status.Value == Serving ? ProbeAnswer.Good("the application is SERVING") : ProbeAnswer.Bad($"the application's health status is {status.Value}, not SERVING");
        }
        catch (GrpcException e)
        {
            return ProbeAnswer.Bad($"port {probe.Port} of the application: {e.Code}: {e.Message}");
        }
    }

    private static HttpRequestMessage Request(Uri uri, HttpProbe probe, string userAgent)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.ConnectionClose = true;
        foreach (var (name, value) in probe.Headers)
        {
            if (!request.Headers.TryAddWithoutValidation(name, value))
            {
                request.Content ??= new ByteArrayContent([]);
                request.Content.Headers.TryAddWithoutValidation(name, value);
            }
        }

        if (!request.Headers.Contains("User-Agent"))
        {
            request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        }

        if (!request.Headers.Contains("Accept"))
        {
            request.Headers.TryAddWithoutValidation("Accept", "*/*");
        }

        return request;
    }

    // As written in the pod: /a%2Fb stays /a%2Fb.
    private static Uri Target(Uri host, string path) =>
        new(host.GetLeftPart(UriPartial.Authority) + path, new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });

    private IPEndPoint At(int port) => new(pod(), port);
}
