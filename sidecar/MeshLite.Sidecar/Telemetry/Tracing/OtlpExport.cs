using System.Diagnostics;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using MeshLite.Model;
using MeshLite.Protocol.Client;
using MeshLite.Sidecar.Identity;
using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace MeshLite.Sidecar.Telemetry.Tracing;

/// <summary>
/// Spans by OTLP, gRPC or HTTP, through OpenTelemetry's exporter. Of its SDK only the exporter runs: queue, batches and
/// clock are <see cref="SpanQueue"/>'s, since the SDK's neither tell what they drop nor take a <see cref="TimeProvider"/>.
/// Over TLS the collector is verified by the authorities of this machine (<see cref="SystemRoots"/>): to trust another, <c>SSL_CERT_FILE</c>.
/// Headers for the collector (a token, say) come from <c>OTEL_EXPORTER_OTLP_HEADERS</c>, as OpenTelemetry has it.
/// </summary>
internal sealed class OtlpExport : ISpanExport
{
    /// <value>How long a collector may take. 5 s.</value>
    private const int TimeoutMilliseconds = 5000;

    private readonly CollectorFailure _failure = new();
    private readonly OtlpTraceExporter _exporter;
    private readonly TracerProvider _provider;

    /// <summary>Connects on first use.</summary>
    public OtlpExport(TracingConfig config, SpanResource resource)
    {
        _exporter = new OtlpTraceExporter(new OtlpExporterOptions
        {
            Endpoint = Endpoint(config),
            Protocol = config.Protocol == OtlpProtocol.Grpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf,
            TimeoutMilliseconds = TimeoutMilliseconds,
            HttpClientFactory = () => Client(_failure, config.Endpoint!.Scheme == Uri.UriSchemeHttps),
        });

        // The provider only tells the exporter the resource; no span goes through its processor.
        _provider = Sdk.CreateTracerProviderBuilder()
            .SetResourceBuilder(ResourceBuilder.CreateEmpty().AddAttributes(Attributes(resource)))
            .AddProcessor(new SimpleActivityExportProcessor(_exporter))
            .Build();
    }

    /// <inheritdoc/>
    public string? Export(Activity[] spans, int count)
    {
        _failure.Reason = "";
        if (_exporter.Export(new Batch<Activity>(spans, count)) == ExportResult.Success)
        {
            return null;
        }

        return _failure.Reason.Length > 0 ? _failure.Reason : "no answer";
    }

    /// <inheritdoc/>
    public void Dispose() => _provider.Dispose();

    /// <summary>OTLP/HTTP has a path of its own under the collector's (https://opentelemetry.io/docs/specs/otlp/#otlphttp-request).</summary>
    internal static Uri Endpoint(TracingConfig config)
    {
        const string Traces = "/v1/traces";
        var endpoint = config.Endpoint!;
        var path = endpoint.AbsolutePath.TrimEnd('/');
        return config.Protocol == OtlpProtocol.Grpc || path.EndsWith(Traces, StringComparison.Ordinal)
            ? endpoint
            : new UriBuilder(endpoint) { Path = path + Traces }.Uri;
    }

    private static IEnumerable<KeyValuePair<string, object>> Attributes(SpanResource resource) =>
        from attribute in new (string Name, string Value)[]
        {
            ("service.name", resource.Name), ("service.namespace", resource.Namespace),
            ("service.instance.id", resource.Instance), ("service.version", resource.Version),
        }
        where attribute.Value.Length > 0
        select KeyValuePair.Create(attribute.Name, (object)attribute.Value);

    // No proxy: http_proxy in a pod may well name this very sidecar. No activity headers: spans of spans help nobody.
    private static HttpClient Client(CollectorFailure failure, bool overTls)
    {
        var handler = new SocketsHttpHandler
        {
            ConnectCallback = static async (context, cancellationToken) =>
                new NetworkStream(await TcpDialer.ConnectAsync(context.DnsEndPoint.Host, context.DnsEndPoint.Port, cancellationToken), ownsSocket: true),
            ConnectTimeout = TimeSpan.FromMilliseconds(TimeoutMilliseconds),
            UseProxy = false,
            UseCookies = false,
            ActivityHeadersPropagator = null,
        };
        if (overTls)
        {
            var roots = SystemRoots.Read();
            failure.TrustsNobody = roots.Count == 0;
            handler.SslOptions.CertificateChainPolicy = TrustIn(roots);
        }

        failure.InnerHandler = handler;
        return new HttpClient(failure) { Timeout = TimeSpan.FromMilliseconds(TimeoutMilliseconds) };
    }

    private static X509ChainPolicy TrustIn(X509Certificate2Collection roots)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(roots);
        return policy;
    }

    /// <summary>Remembers why the last export failed: the exporter tells only that it did. One export at a time, so no locks.</summary>
    private sealed class CollectorFailure : DelegatingHandler
    {
        public string Reason { get; set; } = "";

        public bool TrustsNobody { get; set; }

        protected override HttpResponseMessage Send(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return Note(base.Send(request, cancellationToken));
            }
            catch (Exception e) when (Note(e))
            {
                throw;
            }
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            try
            {
                return Note(await base.SendAsync(request, cancellationToken));
            }
            catch (Exception e) when (Note(e))
            {
                throw;
            }
        }

        private HttpResponseMessage Note(HttpResponseMessage response)
        {
            Reason = response.Headers.TryGetValues("grpc-status", out var status) ? $"grpc-status {string.Join(',', status)}" : $"HTTP status {(int)response.StatusCode}";
            return response;
        }

        private bool Note(Exception e)
        {
            Reason = e switch
            {
                OperationCanceledException => "no answer in time",
                // The outer one says no more than that there is an inner one.
                { InnerException: AuthenticationException tls } => TrustsNobody
                    ? $"{tls.Message}; no authority could be read (SSL_CERT_FILE, SSL_CERT_DIR, or this system's own)"
                    : tls.Message,
                _ => e.Message,
            };
            return false;
        }
    }
}
