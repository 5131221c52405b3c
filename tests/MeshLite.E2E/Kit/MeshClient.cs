using System.Net;
using MeshLite.Processes.Mesh;
using MeshLite.TestKit;

namespace MeshLite.E2E.Kit;

/// <summary>An application that calls others through its sidecar: plain HTTP to the outbound port, the service's name as Host.</summary>
public sealed class MeshClient : IAsyncDisposable
{
    private readonly HttpMessageInvoker _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false, UseCookies = false });

    internal MeshClient(SidecarProcess sidecar) => Sidecar = sidecar;

    /// <summary>The sidecar.</summary>
    public SidecarProcess Sidecar { get; }

    /// <summary>A request to a host of the mesh, which the caller may still change and passes to <see cref="SendAsync(HttpRequestMessage)"/>.</summary>
    public HttpRequestMessage Request(HttpMethod method, string host, string target = "/", params (string Name, string Value)[] headers)
    {
        var request = new HttpRequestMessage(method, $"http://{Sidecar.Outbound}{target}");
        request.Headers.Host = host;
        foreach (var (name, value) in headers)
        {
            request.Headers.TryAddWithoutValidation(name, value);
        }

        return request;
    }

    /// <summary>Sends it; fails after 30 s.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request)
    {
        using var timeout = new CancellationTokenSource(TimeSpan.FromSeconds(30), TimeProvider.System);
        return await _http.SendAsync(request, timeout.Token);
    }

    /// <summary>GET, its status and what the application said its name was.</summary>
    public async Task<Answer> GetAsync(string host, string target = "/", params (string Name, string Value)[] headers)
    {
        using var request = Request(HttpMethod.Get, host, target, headers);
        using var response = await SendAsync(request);
        return new Answer(
            response.StatusCode, Header(response, "x-app"), Header(response, "meshlite-error"), await response.Content.ReadAsStringAsync());
    }

    /// <summary>Returns once a GET is answered with 200: the service is known here and has an endpoint.</summary>
    public Task ReachesAsync(string host, string target = "/", params (string Name, string Value)[] headers) =>
        Eventually.TrueAsync(async () => (await GetAsync(host, target, headers)).Status == HttpStatusCode.OK, $"200 from {host}{target}");

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    private static string? Header(HttpResponseMessage response, string name) =>
        response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : null;
}

/// <summary>What came back.</summary>
/// <param name="Status">HTTP status.</param>
/// <param name="App">The application's name; null: it was not the application that answered.</param>
/// <param name="Error"><c>meshlite-error</c>; null: the mesh added nothing of its own.</param>
/// <param name="Body">As text.</param>
public sealed record Answer(HttpStatusCode Status, string? App, string? Error, string Body);
