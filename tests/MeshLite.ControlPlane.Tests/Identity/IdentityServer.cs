using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using MeshLite.ControlPlane.Identity;
using MeshLite.Protocol.Grpc;
using MeshLite.Protocol.Pki;
using MeshLite.Protocol.V1;
using MeshLite.TestKit;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MeshLite.ControlPlane.Tests.Identity;

/// <summary>The identity service on a real Kestrel at 127.0.0.1, on manual time, in a directory of its own.</summary>
internal sealed class IdentityServer : IAsyncDisposable
{
    private readonly WebApplication _app;

    private IdentityServer(WebApplication app, IdentityModule module, ManualTimeProvider time, TestDirectory directory)
    {
        _app = app;
        Module = module;
        Time = time;
        Directory = directory;
        Address = new Uri(app.Urls.Single());
    }

    public IdentityModule Module { get; }

    public ManualTimeProvider Time { get; }

    public TestDirectory Directory { get; }

    public Uri Address { get; }

    public static async Task<IdentityServer> StartAsync(params string[] names)
    {
        var directory = new TestDirectory();
        var time = new ManualTimeProvider();
        var module = IdentityModule.Create(
            new IdentityOptions { DataDirectory = directory.Path, ListenAddresses = [IPAddress.Loopback], SubjectNames = names }, time, NullLoggerFactory.Instance);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, module.ConfigureHttps));
        var app = builder.Build();
        var server = new GrpcServer(new GrpcServerOptions(), time, NullLogger<GrpcServer>.Instance);
        module.MapTo(server);
        app.Run(server.HandleAsync);
        await app.StartAsync();
        return new IdentityServer(app, module, time, directory);
    }

    public string Token(string ns = "shop", string serviceAccount = "orders", TimeSpan? lifetime = null)
    {
        using var key = JoinTokenKey.LoadOrCreate(Directory.Path);
        return JoinToken.Create(key, ns, serviceAccount, lifetime ?? TimeSpan.FromHours(1), Time);
    }

    /// <summary>Calls Certify with what is given; the server's certificate is checked against the CA file.</summary>
    public async Task<CertifyResponse> CertifyAsync(byte[] csr, string? token = null, X509Certificate2? certificate = null)
    {
        using var handler = new SocketsHttpHandler { SslOptions = ClientOptions(certificate) };
        using var invoker = new HttpMessageInvoker(handler);
        var channel = new GrpcChannel(Address, invoker, new GrpcChannelOptions(), TimeProvider.System);
        GrpcMetadata metadata = token is null ? [] : new() { { "authorization", $"Bearer {token}" } };
        return await channel.UnaryAsync(
            MeshMethods.IdentityCertify,
            new CertifyRequest { Csr = Google.Protobuf.ByteString.CopyFrom(csr) },
            new GrpcCallOptions { Metadata = metadata },
            TestContext.Current.CancellationToken);
    }

    public SslClientAuthenticationOptions ClientOptions(X509Certificate2? certificate) => new()
    {
        TargetHost = Address.Host,
        ApplicationProtocols = [SslApplicationProtocol.Http2],
        ClientCertificateContext = certificate is null ? null : SslStreamCertificateContext.Create(certificate, null, offline: true),
        RemoteCertificateValidationCallback = (_, server, _, _) =>
            new PeerVerifier(Module.TrustBundle, null, Time).Verify((X509Certificate2?)server, null, PeerRole.Server).Id is not null,
    };

    /// <summary>A workload's certificate with its key, got by a token.</summary>
    public async Task<X509Certificate2> JoinAsync(string ns = "shop", string serviceAccount = "orders")
    {
        var (key, csr) = MakeRequest();
        using (key)
        {
            var response = await CertifyAsync(csr, Token(ns, serviceAccount));
            return X509CertificateLoader.LoadCertificate(response.CertificateChain[0].Span).CopyWithPrivateKey(key);
        }
    }

    public static (ECDsa Key, byte[] Csr) MakeRequest()
    {
        var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return (key, new CertificateRequest("", key, HashAlgorithmName.SHA256).CreateSigningRequest());
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        Module.Dispose();
        Directory.Dispose();
    }
}
