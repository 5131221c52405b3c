using System.Net;
using System.Net.Http.Headers;
using MeshLite.Bench.Load;
using MeshLite.Processes;

namespace MeshLite.Bench.Cases;

/// <summary>Whether a pair answers as the backend does: figures of one that doesn't mean nothing.</summary>
internal static class EntryCheck
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Asks until the answer is right; the endpoint may take a moment to be known to the client's sidecar.</summary>
    public static async Task RunAsync(string pair, LoadTarget target, LoadProtocol protocol, TimeProvider time)
    {
        using var handler = new SocketsHttpHandler { UseProxy = false };
        using var client = new HttpMessageInvoker(handler);
        var started = time.GetTimestamp();
        while (await FaultAsync(client, target, protocol) is { } fault)
        {
            if (time.GetElapsedTime(started) > Patience)
            {
                throw new ProcessFailedException($"{pair}: {target.Address.PathAndQuery} answers {fault}");
            }

            await Task.Delay(TimeSpan.FromMilliseconds(50), time);
        }
    }

    private static async Task<string?> FaultAsync(HttpMessageInvoker client, LoadTarget target, LoadProtocol protocol)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, target.Address) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Host = target.Host;
        if (protocol == LoadProtocol.Grpc)
        {
            (request.Method, request.Version) = (HttpMethod.Post, HttpVersion.Version20);
            request.Content = new ByteArrayContent(H2Load.Frame(target.BodyBytes)) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } };
            request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        }

        using var response = await client.SendAsync(request, CancellationToken.None);
        var body = await response.Content.ReadAsByteArrayAsync();
        if (response.StatusCode != HttpStatusCode.OK || body.Length != (protocol == LoadProtocol.Grpc ? 5 : 0) + target.BodyBytes)
        {
            return $"{(int)response.StatusCode} with {body.Length} bytes";
        }

        var status = response.TrailingHeaders.TryGetValues("grpc-status", out var values) ? values.Single() : "none";
        return protocol == LoadProtocol.Grpc && status != "0" ? $"grpc-status {status}" : null;
    }
}
