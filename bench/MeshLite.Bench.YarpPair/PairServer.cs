using System.Diagnostics;
using System.Net;
using System.Security.Authentication;
using MeshLite.Hosting;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Yarp.ReverseProxy.Forwarder;

namespace MeshLite.Bench.YarpPair;

/// <summary>One end: Kestrel, and YARP's direct forwarder behind it. Announces its port as the programs of the mesh do.</summary>
internal static class PairServer
{
    public static async Task RunAsync(PairOptions options)
    {
        var tls = options.Role is PairRole.Outbound or PairRole.Inbound ? new PairTls(options) : null;
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            foreach (var (_, protocols) in Listeners(options.Role))
            {
                kestrel.Listen(IPAddress.Loopback, 0, listen => Configure(listen, protocols, options.Role == PairRole.Inbound ? tls : null));
            }
        });

        await using var app = builder.Build();
        app.Run(options.Role switch
        {
            PairRole.Backend => BackendAnswers.HttpAsync,
            PairRole.Echo => BackendAnswers.EchoAsync,
            PairRole.Collector => BackendAnswers.CollectAsync,
            _ => Forward(app, options, tls!),
        });
        await app.StartAsync();
        var addresses = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        foreach (var ((name, _), address) in Listeners(options.Role).Zip(addresses))
        {
            Announce.Listening(name, new IPEndPoint(IPAddress.Loopback, new Uri(address).Port));
        }

        Announce.Ready();
        await app.WaitForShutdownAsync();
    }

    // Without TLS Kestrel takes one protocol a port.
    private static (string Name, HttpProtocols Protocols)[] Listeners(PairRole role) => role switch
    {
        PairRole.Outbound => [("http", HttpProtocols.Http1), ("grpc", HttpProtocols.Http2)],
        PairRole.Backend => [("http", HttpProtocols.Http1)],
        PairRole.Inbound => [("http", HttpProtocols.Http2)],
        _ => [("grpc", HttpProtocols.Http2)],
    };

    private static void Configure(ListenOptions listen, HttpProtocols protocols, PairTls? tls)
    {
        listen.Protocols = protocols;
        if (tls is null)
        {
            return;
        }

        listen.UseHttps(https =>
        {
            https.SslProtocols = SslProtocols.Tls13;
            https.ServerCertificate = tls.Certificate;
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (certificate, _, _) => tls.IsTrusted(certificate);
        });
    }

    private static RequestDelegate Forward(WebApplication app, PairOptions options, PairTls tls)
    {
        var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
        var handler = new SocketsHttpHandler
        {
            UseProxy = false,
            UseCookies = false,
            AllowAutoRedirect = false,
            AutomaticDecompression = DecompressionMethods.None,
            EnableMultipleHttp2Connections = true,
            ActivityHeadersPropagator = DistributedContextPropagator.CreateNoOutputPropagator(),
        };
        if (options.Role == PairRole.Outbound)
        {
            handler.SslOptions = tls.ClientOptions();
        }

        var invoker = new HttpMessageInvoker(handler);
        var httpOptions = new ForwarderRequestConfig
        {
            Version = options.Role == PairRole.Outbound ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        var grpcOptions = httpOptions with { Version = HttpVersion.Version20 };
        return async context =>
        {
            var isGrpc = context.Request.ContentType?.StartsWith("application/grpc", StringComparison.Ordinal) == true;
            await forwarder.SendAsync(context, isGrpc ? options.GrpcUpstream : options.Upstream, invoker, isGrpc ? grpcOptions : httpOptions, HttpTransformer.Empty);
        };
    }
}
