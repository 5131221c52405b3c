using System.Text;
using MeshLite.Sidecar.Http1;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Tests.Http1;

/// <summary>Heads as text: each letter a byte.</summary>
internal static class Heads
{
    /// <summary>Reads a head that is all there is.</summary>
    public static Http1ResponseHead Parse(string head, string method = "GET", FieldStrings? strings = null) =>
        Parse(head, new HttpRequestMessage(new HttpMethod(method), "http://example.test/"), strings);

    public static Http1ResponseHead Parse(string head, HttpRequestMessage request, FieldStrings? strings = null)
    {
        var bytes = Encoding.Latin1.GetBytes(head);
        var scanned = 0;
        Http1ResponseHead.EndOf(bytes, ref scanned).ShouldBe(bytes.Length, "the head's end");
        return Http1ResponseHead.Parse(bytes, request, strings ?? new FieldStrings());
    }

    /// <summary>What a malformed head fails with.</summary>
    public static HttpRequestException Failure(string head, string method = "GET") => Should.Throw<HttpRequestException>(() => _ = Parse(head, method).Status);

    /// <summary>The fields of a response, wherever they are kept: names in lower case, values as they came.</summary>
    public static List<(string Name, string Value)> FieldsOf(HttpResponseMessage response) => Listed(response.Headers.NonValidated.Concat(response.Content.Headers.NonValidated));

    /// <summary>The same of any headers.</summary>
    public static List<(string Name, string Value)> Listed(IEnumerable<KeyValuePair<string, System.Net.Http.Headers.HeaderStringValues>> headers) =>
        [.. headers.SelectMany(h => h.Value.Select(value => (h.Key.ToLowerInvariant(), value)))];

    /// <summary>What is written for a request.</summary>
    public static string Written(HttpRequestMessage request, out long length)
    {
        var output = new OutputBuffer();
        length = Http1RequestHead.Write(request, output);
        return Encoding.Latin1.GetString(output.Written.Span);
    }
}
