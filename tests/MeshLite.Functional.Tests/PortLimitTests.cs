using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using MeshLite.ControlPlane.Listeners;
using MeshLite.Functional.Tests.Kit;
using MeshLite.Functional.Tests.Proofs;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.TestKit;

namespace MeshLite.Functional.Tests;

/// <summary>The control plane's ports, with limits that a test can reach: what is beyond is refused and counted, and sidecars are served all the while.</summary>
public sealed class PortLimitTests : IAsyncLifetime
{
    private const int Share = 4;

    private static readonly PortLimits Tight = new() { MaxProven = 3, MaxUnproven = 20, MaxUnprovenOfOne = Share };

    private readonly ClusterPlane _plane = new() { Ports = new() { Grpc = Tight, Webhook = Tight } };

    public ValueTask InitializeAsync() => _plane.InitializeAsync();

    public ValueTask DisposeAsync() => _plane.DisposeAsync();

    /// <summary>Who says nothing can't keep those away who have a certificate: they were let in before, and stay.</summary>
    [Fact]
    public async Task SilentConnections_UseUpTheirShare_WhoHasACertificateStays()
    {
        using var certificate = await CertificateAsync("orders");
        using var proven = await TlsAsync(_plane.Host.GrpcEndPoint, certificate);
        await Eventually.TrueAsync(async () => await OpenAsync("grpc", "true") == 1, "it is no longer among those without");

        var silent = new List<Wire>();
        for (var i = 0; i < Share; i++)
        {
            silent.Add(await Wire.OpenAsync(_plane.Host.GrpcEndPoint));
        }

        await Eventually.TrueAsync(async () => await OpenAsync("grpc", "false") == Share, "all are open");
        var counted = await _plane.RefusedAsync("grpc", "too_many_connections");
        (await EndsAtOnceAsync(_plane.Host.GrpcEndPoint)).ShouldBeTrue();

        (await _plane.RefusedAsync("grpc", "too_many_connections")).ShouldBe(counted + 1);
        _plane.Logs.Lines.ShouldContain(line => line.StartsWith("ConnectionRefused: grpc: ", StringComparison.Ordinal) && line.Contains("have shown no certificate", StringComparison.Ordinal));
        await proven.WriteAsync("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x4\0\0\0\0\0"u8.ToArray(), TestContext.Current.CancellationToken);
        (await proven.ReadAsync(new byte[1], TestContext.Current.CancellationToken)).ShouldBe(1);
        silent.ForEach(wire => wire.Dispose());
        await Eventually.TrueAsync(async () => !await EndsAtOnceAsync(_plane.Host.GrpcEndPoint), "there is room again");
    }

    [Fact]
    public async Task ProvenConnections_BeyondTheirLimit_AreRefused()
    {
        using var certificate = await CertificateAsync("orders");
        var open = new List<SslStream>();
        for (var i = 0; i < Tight.MaxProven; i++)
        {
            open.Add(await TlsAsync(_plane.Host.GrpcEndPoint, certificate));
            var expected = i + 1;
            await Eventually.TrueAsync(async () => await OpenAsync("grpc", "true") == expected, "it is counted");
        }

        var tooMany = await TlsAsync(_plane.Host.GrpcEndPoint, certificate);

        (await EndsAsync(tooMany)).ShouldBeTrue();
        (await _plane.RefusedAsync("grpc", "too_many_connections")).ShouldBe(1);
        open.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task Webhook_ConnectionsBeyondTheLimit_AreRefused()
    {
        var open = new List<Wire>();
        for (var i = 0; i < Share; i++)
        {
            open.Add(await Wire.OpenAsync(_plane.Host.WebhookEndPoint));
        }

        await Eventually.TrueAsync(async () => await OpenAsync("webhook", "false") == Share, "all are open");

        (await EndsAtOnceAsync(_plane.Host.WebhookEndPoint)).ShouldBeTrue();
        (await _plane.RefusedAsync("webhook", "too_many_connections")).ShouldBe(1);
        open.ForEach(wire => wire.Dispose());
    }

    /// <summary>Bodies that do not come hold the places of one address, no more, and only as long as a body may take.</summary>
    [Fact]
    public async Task Webhook_BodiesThatDoNotCome_OthersWaitTheirTurn()
    {
        var counted = await AdmissionsAsync("error");
        using var http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true } });
        using var held = new CancellationTokenSource();
        var slow = Enumerable.Range(0, 16).Select(_ => http.SendAsync(Review(new NeverComes(held.Token)))).ToList();

        using var answer = await http.SendAsync(Review(new StringContent("{}", Encoding.UTF8, "application/json")));

        // After the five seconds of those before it.
        answer.StatusCode.ShouldBe(HttpStatusCode.BadRequest);
        foreach (var response in await Task.WhenAll(slow))
        {
            response.StatusCode.ShouldBe(HttpStatusCode.RequestTimeout);
            response.Dispose();
        }

        (await AdmissionsAsync("error")).ShouldBe(counted + 17);
        await held.CancelAsync();
    }

    [Fact]
    public async Task Certify_MessageTooLarge_IsRefusedBeforeItIsRead()
    {
        var error = await Should.ThrowAsync<GrpcException>(() => ProofMesh.CertifyAsync(_plane.Host, new byte[64 * 1024], "token", show: null));

        error.Code.ShouldBe(GrpcStatusCode.ResourceExhausted);
        error.Message.ShouldContain("over the limit of 4096");
        (await Scrape.OfAsync(_plane.Host.TelemetryEndPoint)).Sum("meshlite_grpc_calls_failed_total", ("method", "/meshlite.v1.Identity/Certify"), ("status", "ResourceExhausted")).ShouldBe(1);
    }

    private HttpRequestMessage Review(HttpContent content) => new(HttpMethod.Post, $"https://{_plane.Host.WebhookEndPoint}/validate")
    {
        Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact, Content = content,
    };

    private async Task<double> AdmissionsAsync(string result) => (await Scrape.OfAsync(_plane.Host.TelemetryEndPoint)).Sum("meshlite_admission_requests_total", ("webhook", "validate"), ("result", result));

    private async Task<double> OpenAsync(string listener, string tls) => (await Scrape.OfAsync(_plane.Host.TelemetryEndPoint)).Sum("meshlite_connections", ("listener", listener), ("tls", tls));

    private async Task<X509Certificate2> CertificateAsync(string account)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var response = await ProofMesh.CertifyAsync(
            _plane.Host, new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest(), _plane.Api.IssueToken("shop", account, JoinToken.Audience), show: null);
        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain[0].Span);
        return certificate.CopyWithPrivateKey(key);
    }

    private static async Task<SslStream> TlsAsync(IPEndPoint port, X509Certificate2 certificate)
    {
        var tls = new SslStream(new System.Net.Sockets.NetworkStream((await Wire.OpenAsync(port)).Socket, ownsSocket: true));
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            ClientCertificateContext = SslStreamCertificateContext.Create(certificate, null, offline: true),
            RemoteCertificateValidationCallback = (_, _, _, _) => true,
        });
        return tls;
    }

    private static async Task<bool> EndsAsync(SslStream stream)
    {
        try
        {
            return await stream.ReadAsync(new byte[1], TestContext.Current.CancellationToken) == 0;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private static async Task<bool> EndsAtOnceAsync(IPEndPoint port)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2), TimeProvider.System);
        try
        {
            using var wire = await Wire.OpenAsync(port); // which may see it end already
            return await wire.Socket.ReceiveAsync(new byte[1], patience.Token) == 0;
        }
        catch (System.Net.Sockets.SocketException)
        {
            return true;
        }
        catch (OperationCanceledException)
        {
            return false;
        }
    }

    /// <summary>A body of which the head says that it comes.</summary>
    private sealed class NeverComes : HttpContent
    {
        private readonly CancellationToken _held;

        public NeverComes(CancellationToken held)
        {
            _held = held;
            Headers.ContentType = new("application/json");
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync(_held);
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, _held).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
