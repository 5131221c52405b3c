using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Text;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Http1;

/// <summary>Writes a request's head (RFC 9112 §3). Pure.</summary>
internal static class Http1RequestHead
{
    /// <summary>The body has no declared length: it is sent in chunks (RFC 9112 §7.1).</summary>
    public const long Chunked = -1;

    private static readonly SearchValues<char> NotInValues = SearchValues.Create("\r\n\0");

    /// <summary>Writes it, framing included. Gives the length of the body, or <see cref="Chunked"/>; 0 where there is none.</summary>
    /// <exception cref="FormatException">Part of it can't be written; the message names the field and not its value.</exception>
    public static long Write(HttpRequestMessage request, OutputBuffer to)
    {
        var headers = request.Headers;
        Word(to, request.Method.Method, "method");
        to.Append(" "u8);
        Word(to, request.RequestUri!.PathAndQuery, "target");
        to.Append(" HTTP/1.1\r\nHost: "u8);
        Text(to, headers.NonValidated.TryGetValues("Host", out var host) ? host.ToString() : request.RequestUri.Authority, "Host");
        to.Append("\r\n"u8);
        Fields(to, headers);
        long length = 0;
        if (request.Content is { } content)
        {
            length = content.Headers.ContentLength ?? Chunked;
            Fields(to, content.Headers);
            Framing(to, length);
        }
        else if (RequestHead.MeansABody(request.Method))
        {
            Framing(to, length); // RFC 9110 §8.6
        }

        to.Append("\r\n"u8);
        return length;
    }

    private static void Fields(OutputBuffer to, HttpHeaders headers)
    {
        foreach (var (name, values) in headers.NonValidated)
        {
            if (name[0] == ':' || IsWrittenElsewhere(name))
            {
                continue;
            }

            if (values.Count == 1)
            {
                Field(to, name, values.ToString());
            }
            else if (name.Equals("Cookie", StringComparison.OrdinalIgnoreCase))
            {
                Field(to, name, string.Join("; ", values)); // RFC 9113 §8.2.3
            }
            else
            {
                foreach (var value in values)
                {
                    Field(to, name, value);
                }
            }
        }
    }

    private static bool IsWrittenElsewhere(string name) => name.Length switch
    {
        4 => name.Equals("Host", StringComparison.OrdinalIgnoreCase),
        14 => name.Equals("Content-Length", StringComparison.OrdinalIgnoreCase),
        17 => name.Equals("Transfer-Encoding", StringComparison.OrdinalIgnoreCase),
        _ => false,
    };

    // Said once, and as it is counted: whatever else the caller's fields say of it could be read as another length.
    private static void Framing(OutputBuffer to, long length)
    {
        if (length == Chunked)
        {
            to.Append("Transfer-Encoding: chunked\r\n"u8);
            return;
        }

        to.Append("Content-Length: "u8);
        length.TryFormat(to.Reserve(20), out var digits, provider: CultureInfo.InvariantCulture);
        to.Advance(digits);
        to.Append("\r\n"u8);
    }

    private static void Field(OutputBuffer to, string name, string value)
    {
        to.Advance(Encoding.Latin1.GetBytes(name, to.Reserve(name.Length))); // a token: System.Net.Http has seen to that
        to.Append(": "u8);
        Text(to, value, name);
        to.Append("\r\n"u8);
    }

    // Readers end it at whatever white space they know of (RFC 9112 §3).
    private static void Word(OutputBuffer to, string word, string what) => Put(to, word, !word.AsSpan().ContainsAnyExceptInRange('!', '~'), what);

    private static void Text(OutputBuffer to, string text, string what) =>
        Put(to, text, !text.AsSpan().ContainsAny(NotInValues) && !text.AsSpan().ContainsAnyExceptInRange('\0', '\u00ff'), what);

    private static void Put(OutputBuffer to, string text, bool isWritable, string what)
    {
        if (!isWritable)
        {
            throw new FormatException($"'{what}' has a character that it can't carry.");
        }

        to.Advance(Encoding.Latin1.GetBytes(text, to.Reserve(text.Length)));
    }
}
