using System.Collections.Frozen;
using System.Net.Http.Headers;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Http2;

/// <summary>Writes the header block of a request (RFC 9113 §8.3.1). Pure.</summary>
internal static class RequestHead
{
    // RFC 9113 §8.2.2 forbids them, Host is :authority, and pseudo-header fields are written first.
    private static readonly FrozenSet<string> LeftOut = new[]
    {
        "Connection", "Keep-Alive", "Proxy-Connection", "Transfer-Encoding", "Upgrade", "Host", ":protocol",
    }.ToFrozenSet(StringComparer.OrdinalIgnoreCase);

    /// <summary>Writes it; <paramref name="contentLength"/>: what the request says of its body, -1 if nothing.</summary>
    /// <exception cref="FormatException">A field can't be written.</exception>
    public static void Write(HttpRequestMessage request, OutputBuffer to, out long contentLength)
    {
        var headers = request.Headers;
        Field(to, ":method", request.Method.Method);
        if (headers.Protocol is { } protocol)
        {
            Field(to, ":protocol", protocol); // RFC 8441 §4
        }

        Field(to, ":scheme", "http");
        Field(to, ":authority", headers.NonValidated.TryGetValues("Host", out var host) ? host.ToString() : request.RequestUri!.Authority);
        Field(to, ":path", request.RequestUri!.PathAndQuery);
        Fields(to, headers);
        contentLength = -1;
        if (request.Content is { } content)
        {
            contentLength = content.Headers.ContentLength ?? -1;
            Fields(to, content.Headers);
        }
        else if (MeansABody(request.Method) && headers.Protocol is null)
        {
            Field(to, "content-length", "0"); // RFC 9110 §8.6
        }
    }

    private static void Fields(OutputBuffer to, HttpHeaders headers)
    {
        foreach (var (name, values) in headers.NonValidated)
        {
            if (LeftOut.Contains(name))
            {
                continue;
            }

            if (values.Count == 1)
            {
                Field(to, name, values.ToString());
                continue;
            }

            foreach (var value in values)
            {
                Field(to, name, value);
            }
        }
    }

    private static void Field(OutputBuffer to, string name, string value) =>
        to.Advance(HpackEncoder.Write(to.Reserve(HpackEncoder.MaxLength(name, value)), name, value));

    internal static bool MeansABody(HttpMethod method) => method == HttpMethod.Post || method == HttpMethod.Put || method == HttpMethod.Patch;
}
