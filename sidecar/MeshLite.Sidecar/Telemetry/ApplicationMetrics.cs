using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using MeshLite.Metrics;

namespace MeshLite.Sidecar.Telemetry;

/// <summary>
/// Fetches the application's metrics when somebody scrapes ours, so that Prometheus needs no certificate (design.md §3, Identity). An application that fails
/// to answer costs its own part of the page only. One per program; thread-safe.
/// </summary>
internal sealed class ApplicationMetrics : IDisposable
{
    /// <summary>Prometheus says how long it waits.</summary>
    private const string TimeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds";

    /// <value>Bytes. 16 MiB: beyond, it is left out rather than held in memory.</value>
    private const int MaxPageBytes = 16 * 1024 * 1024;

    /// <value>Where the scraper does not say how long it waits: half of Prometheus's own default. 5 s.</value>
    private static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(5);

    /// <value>Of the scraper's patience, so that ours still arrives when the application does not answer. 0.8.</value>
    private const double ShareOfTimeout = 0.8;

    private readonly AppMetricsSource _source;
    private readonly Func<IPAddress> _pod;
    private readonly TimeProvider _time;
    private readonly CounterFamily _scrapes;
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        ActivityHeadersPropagator = null,
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
    });

    /// <summary>Registers its own counter.</summary>
    public ApplicationMetrics(AppMetricsSource source, Func<IPAddress> pod, MetricRegistry metrics, TimeProvider time)
    {
        _source = source;
        _pod = pod;
        _time = time;
        _scrapes = metrics.AddCounter("meshlite_application_scrapes_total", "Scrapes of the application's own metrics, by how they ended; all but ok leave them out.", "outcome");
    }

    /// <summary>The application's page in <paramref name="wanted"/>, or in plain text where it has nothing else; null: there is none to be had.</summary>
    public async Task<ApplicationPage?> FetchAsync(HttpRequest scrape, ExpositionFormat wanted)
    {
        var (page, outcome) = await TryFetchAsync(scrape, wanted);
        _scrapes.Series(outcome).Increment();
        return page;
    }

    /// <inheritdoc/>
    public void Dispose() => _http.Dispose();

    private async Task<(ApplicationPage? Page, string Outcome)> TryFetchAsync(HttpRequest scrape, ExpositionFormat wanted)
    {
        var aborted = scrape.HttpContext.RequestAborted;
        using var patience = new CancellationTokenSource(TimeoutOf(scrape), _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(patience.Token, aborted);
        try
        {
            var uri = new Uri($"{(_source.IsHttps ? "https" : "http")}://{new IPEndPoint(_pod(), _source.Port)}{_source.Path}");
            using var request = new HttpRequestMessage(HttpMethod.Get, uri) { Version = HttpVersion.Version11 };
            request.Headers.TryAddWithoutValidation("Accept", wanted == ExpositionFormat.OpenMetrics
                ? "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
                : "text/plain;version=0.0.4");
            request.Headers.TryAddWithoutValidation("User-Agent", scrape.Headers.UserAgent.ToString());
            using var response = await _http.SendAsync(request, either.Token);
            if (response.StatusCode != HttpStatusCode.OK)
            {
                return (null, "bad_status");
            }

            if (FormatOf(response.Content.Headers.ContentType) is not { } format || (format == ExpositionFormat.OpenMetrics && wanted != format))
            {
                return (null, "bad_format");
            }

            using var body = new MemoryStream();
            if (!await ReadAsync(await response.Content.ReadAsStreamAsync(either.Token), body, either.Token))
            {
                return (null, "too_large");
            }

            return ApplicationPage.Read(format, body.GetBuffer().AsSpan(0, (int)body.Length)) is { } page ? (page, "ok") : (null, "bad_format");
        }
        catch (OperationCanceledException) when (!aborted.IsCancellationRequested)
        {
            return (null, "timeout");
        }
        catch (Exception e) when (e is HttpRequestException or IOException or SocketException)
        {
            return (null, "unreachable");
        }
    }

    private static async Task<bool> ReadAsync(Stream from, MemoryStream to, CancellationToken cancellationToken)
    {
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, cancellationToken) is > 0 and var read)
        {
            if (to.Length + read > MaxPageBytes)
            {
                return false;
            }

            to.Write(buffer, 0, read);
        }

        return true;
    }

    private static TimeSpan TimeoutOf(HttpRequest scrape) =>
        double.TryParse(scrape.Headers[TimeoutHeader].ToString(), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds) && seconds is > 0 and < 3600
            ? TimeSpan.FromSeconds(seconds * ShareOfTimeout)
            : DefaultTimeout;

    // Older exporters say nothing, and mean plain text.
    private static ExpositionFormat? FormatOf(MediaTypeHeaderValue? type) => type?.MediaType switch
    {
        null or "text/plain" => ExpositionFormat.Text,
        "application/openmetrics-text" => ExpositionFormat.OpenMetrics,
        _ => null,
    };
}
