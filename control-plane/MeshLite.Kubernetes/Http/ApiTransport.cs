using System.Net;
using System.Net.Http.Headers;
using MeshLite.Kubernetes.Connection;

namespace MeshLite.Kubernetes.Http;

/// <summary>
/// Sends requests and turns whatever goes wrong into one of three exceptions. Nothing is sent twice, but for a token that was refused and has been
/// replaced meanwhile: the server had done nothing. Thread-safe.
/// </summary>
internal sealed class ApiTransport : IDisposable
{
    private readonly ClusterConnection _connection;
    private readonly KubernetesClientOptions _options;
    private readonly TimeProvider _time;
    private readonly HttpMessageInvoker _http;
    private readonly Uri _base;

    public ApiTransport(ClusterConnection connection, KubernetesClientOptions options, TimeProvider time, HttpMessageHandler handler)
    {
        (_connection, _options, _time) = (connection, options, time);
        _http = new HttpMessageInvoker(handler, disposeHandler: true);
        var address = connection.Server.AbsoluteUri;
        _base = new Uri(address.EndsWith('/') ? address : address + "/");
    }

    /// <summary>The whole response of a request.</summary>
    public async Task<byte[]> SendAsync(ApiCall call, CancellationToken cancellation)
    {
        using var limit = new RequestLimit(_options.RequestTimeout, _time, cancellation);
        try
        {
            using var response = await SendOnceAsync(call, limit.Token);
            var body = await response.Content.ReadAsByteArrayAsync(limit.Token);
            return response.IsSuccessStatusCode ? body : throw StatusReader.ToException(call, response, body);
        }
        catch (Exception error) when (IsOfTheWire(error, cancellation))
        {
            throw Translate(call, error, limit);
        }
    }

    /// <summary>The response of a watch, as soon as its headers are there.</summary>
    public async Task<HttpResponseMessage> OpenAsync(ApiCall call, CancellationToken cancellation)
    {
        using var limit = new RequestLimit(_options.RequestTimeout, _time, cancellation);
        try
        {
            var response = await SendOnceAsync(call, limit.Token);
            if (response.IsSuccessStatusCode)
            {
                return response;
            }

            using (response)
            {
                throw StatusReader.ToException(call, response, await response.Content.ReadAsByteArrayAsync(limit.Token));
            }
        }
        catch (Exception error) when (IsOfTheWire(error, cancellation))
        {
            throw Translate(call, error, limit);
        }
    }

    /// <summary>Whether <paramref name="error"/> is for <see cref="Translate"/>: not the caller's own cancellation, not an answer.</summary>
    public static bool IsOfTheWire(Exception error, CancellationToken cancellation) =>
        error is HttpRequestException or IOException or OperationCanceledException && !(error is OperationCanceledException && cancellation.IsCancellationRequested);

    /// <summary>What the caller gets instead: what was attempted, and one of two types. Handlers' exceptions on cancellation vary with the place.</summary>
    public static Exception Translate(ApiCall call, Exception error, RequestLimit limit) =>
        limit.IsOver ? new TimeoutException($"cannot {call}: no answer within {limit.Length.TotalSeconds:0.#} s", error)
        : error is HttpRequestException http ? new HttpRequestException(http.HttpRequestError, $"cannot {call}: {Sentence(http)}", http)
        : new HttpRequestException($"cannot {call}: the connection broke: {error.Message}", error);

    public void Dispose() => _http.Dispose();

    private static string Sentence(HttpRequestException error) => error.InnerException is { } inner ? $"{error.Message} ({inner.Message})" : error.Message;

    private async Task<HttpResponseMessage> SendOnceAsync(ApiCall call, CancellationToken cancellation)
    {
        var token = _connection.Token.Current;
        var response = await _http.SendAsync(ToMessage(call, token), cancellation);
        if (response.StatusCode != HttpStatusCode.Unauthorized || !_connection.Token.Refresh(token))
        {
            return response;
        }

        response.Dispose();
        return await _http.SendAsync(ToMessage(call, _connection.Token.Current), cancellation);
    }

    private HttpRequestMessage ToMessage(ApiCall call, string? token)
    {
        var message = new HttpRequestMessage(call.Method, new Uri(_base, call.PathAndQuery))
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionOrLower,
        };
        message.Headers.TryAddWithoutValidation("Accept", "application/json");
        message.Headers.TryAddWithoutValidation("User-Agent", _options.UserAgent);
        if (_connection.ServerName is { } name)
        {
            // The handler takes the name for TLS from here, and from nowhere else.
            message.Headers.Host = name;
        }

        if (token is not null)
        {
            message.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        }

        if (call.ContentType is { } contentType)
        {
            message.Content = new ReadOnlyMemoryContent(call.Body);
            message.Content.Headers.TryAddWithoutValidation("Content-Type", contentType);
        }

        return message;
    }
}

/// <summary>A time limit beside a caller's own cancellation.</summary>
internal sealed class RequestLimit : IDisposable
{
    private readonly CancellationTokenSource _timer;
    private readonly CancellationTokenSource _linked;

    public RequestLimit(TimeSpan length, TimeProvider time, CancellationToken cancellation)
    {
        Length = length;
        _timer = new CancellationTokenSource(length, time);
        _linked = CancellationTokenSource.CreateLinkedTokenSource(_timer.Token, cancellation);
    }

    public TimeSpan Length { get; }

    public CancellationToken Token => _linked.Token;

    public bool IsOver => _timer.IsCancellationRequested;

    public void Dispose()
    {
        _linked.Dispose();
        _timer.Dispose();
    }
}
