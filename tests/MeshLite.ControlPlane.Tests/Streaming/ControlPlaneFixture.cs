using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Sources;
using MeshLite.Model;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;
using Microsoft.Extensions.Logging;

namespace MeshLite.ControlPlane.Tests.Streaming;

/// <summary>A whole control plane in this process, on real sockets and files; clients get certificates by token as sidecars do. Standalone, unless a subclass knows better.</summary>
internal class ControlPlaneFixture : IAsyncDisposable
{
    private readonly TestDirectory _config = new();
    private readonly TestDirectory _data = new();
    private readonly List<IDisposable> _clients = [];
    private ControlPlaneHost? _host;
    private TrustBundle _roots = TrustBundle.Empty;

    public ControlPlaneHost Host => _host!;

    /// <summary>Of the sidecars that join.</summary>
    public virtual string Namespace => "shop";

    public static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>Writes a configuration file as deployment tools do: elsewhere, then moved into place.</summary>
    public void Write(string name, string yaml)
    {
        File.WriteAllText(_config[name + ".tmp"], yaml);
        File.Move(_config[name + ".tmp"], _config[name], overwrite: true);
    }

    /// <summary>Where a configuration file is.</summary>
    public string PathOf(string name) => _config[name];

    public async Task StartAsync()
    {
        var any = new IPEndPoint(IPAddress.Loopback, 0);
        _host = await ControlPlaneHost.StartAsync(
            Configure(new ControlPlaneOptions { Grpc = any, Telemetry = any }), TimeProvider.System, logging => logging.ClearProviders(), Cancelled);
        _roots = await RootsAsync();
    }

    protected virtual ControlPlaneOptions Configure(ControlPlaneOptions options) => options with { ConfigDirectory = _config.Path, DataDirectory = _data.Path };

    protected virtual Task<string> TokenOfAsync(string ns, string serviceAccount)
    {
        using var key = JoinTokenKey.LoadOrCreate(_data.Path);
        return Task.FromResult(JoinToken.Create(key, ns, serviceAccount, TimeSpan.FromHours(1), TimeProvider.System));
    }

    protected virtual Task<TrustBundle> RootsAsync() => Task.FromResult(TrustBundle.FromPem(File.ReadAllText(_data["ca.pem"])));

    public async Task StopAsync()
    {
        Host.RequestStop();
        (await Host.WaitAsync()).ShouldBe(0);
        await Host.DisposeAsync();
        _host = null;
    }

    public async Task<X509Certificate2> CertifyAsync(string ns, string serviceAccount) => await CertifyAsync(await TokenOfAsync(ns, serviceAccount));

    /// <summary>With a token, a certificate (a renewal), or both.</summary>
    public async Task<X509Certificate2> CertifyAsync(string? token, X509Certificate2? held = null)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var csr = new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest();
        var response = await Connect(held).UnaryAsync(
            MeshMethods.IdentityCertify,
            new CertifyRequest { Csr = Google.Protobuf.ByteString.CopyFrom(csr) },
            new GrpcCallOptions { Metadata = token is null ? [] : new() { { "authorization", $"Bearer {token}" } } },
            Cancelled);
        using var certificate = X509CertificateLoader.LoadCertificate(response.CertificateChain[0].Span);
        return certificate.CopyWithPrivateKey(key);
    }

    public GrpcChannel Connect(X509Certificate2? certificate)
    {
        var roots = _roots;
        var handler = new SocketsHttpHandler
        {
            SslOptions = new SslClientAuthenticationOptions
            {
                ApplicationProtocols = [SslApplicationProtocol.Http2],
                ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
                RemoteCertificateValidationCallback = (_, server, _, _) =>
                    new PeerVerifier(roots, null, TimeProvider.System).Verify((X509Certificate2?)server, null, PeerRole.Server).Id is not null,
            },
        };
        var invoker = new HttpMessageInvoker(handler);
        _clients.Add(invoker);
        return new GrpcChannel(new Uri($"https://{Host.GrpcEndPoint}"), invoker, new GrpcChannelOptions(), TimeProvider.System);
    }

    /// <summary>A sidecar of <see cref="Namespace"/>; named after its service account, serving <paramref name="service"/> if given.</summary>
    public async Task<TestSidecar> JoinAsync(string serviceAccount, string service = "", int port = 0, string version = "", params string[] authorities)
    {
        var hello = new Hello { Workload = $"{serviceAccount}-1", Service = service, Ready = true, SidecarVersion = "test" };
        if (service.Length > 0)
        {
            (hello.AdvertiseAddress, hello.AdvertisePort, hello.AppPort) = ("127.0.0.1", (uint)port, 8080);
            hello.Labels["version"] = version;
        }

        hello.Authorities.AddRange(authorities);
        return await JoinAsync(serviceAccount, hello);
    }

    public async Task<TestSidecar> JoinAsync(string serviceAccount, Hello hello)
    {
        var sidecar = new TestSidecar(Connect(await CertifyAsync(Namespace, serviceAccount)));
        _clients.Add(sidecar);
        await sidecar.SendAsync(new SidecarMessage { Hello = hello });
        return sidecar;
    }

    public virtual async ValueTask DisposeAsync()
    {
        _clients.ForEach(c => c.Dispose());
        if (_host is not null)
        {
            await _host.DisposeAsync();
        }

        _config.Dispose();
        _data.Dispose();
    }
}
