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
    private static readonly byte[] Body = [.. Enumerable.Repeat((byte)'x', 100)];

    public static async Task RunAsync(PairOptions options)
    {
        var tls = options.Role == PairRole.Backend ? null : new PairTls(options);
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddHttpForwarder();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(IPAddress.Loopback, 0, listen => Configure(listen, options.Role, tls));
        });

        await using var app = builder.Build();
        app.Run(options.Role == PairRole.Backend ? Answer : Forward(app, options, tls!));
        await app.StartAsync();
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Announce.Listening("http", new IPEndPoint(IPAddress.Loopback, new Uri(address).Port));
        Announce.Ready();
        await app.WaitForShutdownAsync();
    }

    private static void Configure(ListenOptions listen, PairRole role, PairTls? tls)
    {
        if (role != PairRole.Inbound)
        {
            listen.Protocols = HttpProtocols.Http1;
            return;
        }

        listen.Protocols = HttpProtocols.Http2;
        listen.UseHttps(https =>
        {
            https.SslProtocols = SslProtocols.Tls13;
            https.ServerCertificate = tls!.Certificate;
            https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
            https.ClientCertificateValidation = (certificate, _, _) => tls.IsTrusted(certificate);
        });
    }

    private static Task Answer(HttpContext context)
    {
        context.Response.ContentLength = Body.Length;
        return context.Response.Body.WriteAsync(Body, context.RequestAborted).AsTask();
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
        var request = new ForwarderRequestConfig
        {
            Version = options.Role == PairRole.Outbound ? HttpVersion.Version20 : HttpVersion.Version11,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
        return async context => await forwarder.SendAsync(context, options.Upstream, invoker, request, HttpTransformer.Empty);
    }
}
