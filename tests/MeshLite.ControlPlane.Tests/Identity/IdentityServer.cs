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
    private readonly LogText _logs;

    private IdentityServer(WebApplication app, IdentityModule module, ManualTimeProvider time, TestDirectory directory, LogText logs)
    {
        _logs = logs;
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

    /// <summary>All that was logged, exceptions included.</summary>
    public string Logs => _logs.ToString();

    public static async Task<IdentityServer> StartAsync(params string[] names)
    {
        var directory = new TestDirectory();
        var time = new ManualTimeProvider();
        var logs = new LogText();
        var module = IdentityModule.Create(
            new IdentityOptions { DataDirectory = directory.Path, ListenAddresses = [IPAddress.Loopback], SubjectNames = names }, time, logs);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, module.ConfigureHttps));
        var app = builder.Build();
        var server = new GrpcServer(new GrpcServerOptions(), time, logs.CreateLogger<GrpcServer>());
        module.MapTo(server);
        app.Run(server.HandleAsync);
        await app.StartAsync();
        return new IdentityServer(app, module, time, directory, logs);
    }

    public string Token(string ns = "shop", string serviceAccount = "orders", TimeSpan? lifetime = null)
    {
        using var key = JoinTokenKey.LoadOrCreate(Directory.Path);
        return JoinToken.Create(key, ns, serviceAccount, lifetime ?? TimeSpan.FromHours(1), Time);
    }

    /// <summary>Calls Certify with what is given; the server's certificate is checked against the CA file.</summary>
    public async Task<CertifyResponse> CertifyAsync(byte[] csr, string? token = null, X509Certificate2? certificate = null, string scheme = "Bearer")
    {
        using var handler = new SocketsHttpHandler { SslOptions = ClientOptions(certificate) };
        using var invoker = new HttpMessageInvoker(handler);
        var channel = new GrpcChannel(Address, invoker, new GrpcChannelOptions(), TimeProvider.System);
        GrpcMetadata metadata = token is null ? [] : new() { { "authorization", $"{scheme} {token}" } };
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

/// <summary>Everything logged at any level, as one text. Thread-safe.</summary>
internal sealed class LogText : ILoggerFactory, ILogger
{
    private readonly System.Collections.Concurrent.ConcurrentQueue<string> _lines = new();

    public override string ToString() => string.Join('\n', _lines);

    public ILogger CreateLogger(string categoryName) => this;

    public void AddProvider(ILoggerProvider provider)
    {
    }

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        _lines.Enqueue($"{formatter(state, exception)} {exception}");

    public void Dispose()
    {
    }
}
