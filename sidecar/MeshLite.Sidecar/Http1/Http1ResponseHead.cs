using System.Buffers;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using MeshLite.Sidecar.Http2;

namespace MeshLite.Sidecar.Http1;

/// <summary>
/// Reads a response's head (RFC 9112 §4, §5) and what it says of the body and the connection. What two readers could read in two ways is malformed: framing said
/// twice, codings nobody asked for, control characters. A bare LF for a line's end is let pass (§2.2), and a folded line is unfolded (§5.2). Lives for one head.
/// </summary>
internal ref struct Http1ResponseHead
{
    /// <summary>The body ends with the chunk of size 0.</summary>
    public const long Chunked = -1;

    /// <summary>The body ends as the connection does.</summary>
    public const long UntilClose = -2;

    private const int ReasonAt = 13; // of "HTTP/1.1 200 OK"

    private static readonly SearchValues<byte> TokenCharacters =
        SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"u8);

    private static readonly SearchValues<byte> NotInReasons = SearchValues.Create("\r\0"u8); // nobody else reads what else there is

    // RFC 9110 §5.5: invalid, all but the tab.
    private static readonly SearchValues<byte> NotInValues = SearchValues.Create([.. Enumerable.Range(0, 32).Append(127).Where(c => c != '\t').Select(c => (byte)c)]);

    private ReadOnlySpan<byte> _rest;
    private bool _isHttp10;
    private long _length = UntilClose;
    private bool _chunked;
    private bool _close;
    private bool _keepAlive;

    private Http1ResponseHead(ReadOnlySpan<byte> head) => _rest = head;

    /// <summary>100 to 999.</summary>
    public int Status { get; private set; }

    /// <summary>The response, without its body; null: another follows (RFC 9110 §15.2).</summary>
    public HttpResponseMessage? Response { get; private set; }

    /// <summary>Of <see cref="Response"/>: its body, to be set.</summary>
    public ResponseContent Content { get; private set; } = null!;

    /// <summary>Bytes, <see cref="Chunked"/> or <see cref="UntilClose"/> (RFC 9112 §6.3).</summary>
    public long BodyLength { get; private set; }

    /// <summary>Whether the connection takes another request after this response (RFC 9112 §9.3).</summary>
    public readonly bool KeepsAlive => BodyLength != UntilClose && !_close && (!_isHttp10 || (_keepAlive && !_chunked)) && Status switch
    {
        101 => false,
        204 => !_chunked && _length <= 0, // else it has what it must not have (RFC 9110 §8.6), and perhaps a body too
        _ => true,
    };

    /// <summary>Where the head ends that <paramref name="bytes"/> begin with, its empty line included; 0: not there yet. <paramref name="scanned"/>: how far earlier calls came.</summary>
    public static int EndOf(ReadOnlySpan<byte> bytes, ref int scanned)
    {
        while (true)
        {
            var end = bytes[scanned..].IndexOf((byte)'\n');
            if (end < 0)
            {
                return 0;
            }

            var line = bytes.Slice(scanned, end);
            scanned += end + 1;
            if (line.IsEmpty || line is [(byte)'\r'])
            {
                return scanned;
            }
        }
    }

    /// <summary>Reads a whole head, with its empty line.</summary>
    /// <exception cref="HttpRequestException">It is malformed.</exception>
    public static Http1ResponseHead Parse(ReadOnlySpan<byte> head, HttpRequestMessage request, FieldStrings strings)
    {
        var parsed = new Http1ResponseHead(head);
        parsed.ReadStatus(request);
        parsed.ReadFields(strings);
        parsed.BodyLength = parsed.LengthOfBody(request.Method.Method);
        return parsed;
    }

    /// <summary>Reads the trailers of a chunked body (RFC 9112 §7.1.2), with their empty line. What frames a message has no meaning there and is left out (RFC 9110 §6.5.1).</summary>
    /// <exception cref="HttpRequestException">They are malformed.</exception>
    public static void ParseTrailers(ReadOnlySpan<byte> trailers, HttpHeaders to, FieldStrings strings)
    {
        var rest = new Http1ResponseHead(trailers);
        while (rest.TryReadField(out var name, out var value))
        {
            if (!IsFraming(name))
            {
                var field = strings.Get(int.MaxValue, name, value);
                to.TryAddWithoutValidation(field.Name, field.Value);
            }
        }
    }

    /// <summary>What is thrown where a server does not speak HTTP/1.1 as it should.</summary>
    public static HttpRequestException Malformed(string what) => new(HttpRequestError.InvalidResponse, $"the server's response is malformed: {what}");

    private void ReadStatus(HttpRequestMessage request)
    {
        var line = NextLine();
        if (line.Length < ReasonAt - 1 || !line.StartsWith("HTTP/1."u8) || !char.IsAsciiDigit((char)line[7]) || line[8] != ' ' || (line.Length >= ReasonAt && line[ReasonAt - 1] != ' ')
            || !int.TryParse(line[9..12], NumberStyles.None, CultureInfo.InvariantCulture, out var status) || status < 100)
        {
            throw Malformed("it does not begin with a status line of HTTP/1.1");
        }

        Status = status;
        _isHttp10 = line[7] == '0';
        if (status == (int)HttpStatusCode.SwitchingProtocols)
        {
            if (!request.Headers.NonValidated.Contains("Upgrade"))
            {
                throw Malformed("it switches protocols, which nobody asked for");
            }
        }
        else if (status < 200)
        {
            return;
        }

        Content = new ResponseContent();
        Response = new HttpResponseMessage((HttpStatusCode)status) { RequestMessage = request, Content = Content };
        var reason = line.Length > ReasonAt ? line[ReasonAt..] : [];
        if (reason.ContainsAny(NotInReasons))
        {
            throw Malformed("a control character in its status line");
        }

        if (!Ascii.Equals(reason, Response.ReasonPhrase))
        {
            Response.ReasonPhrase = Encoding.Latin1.GetString(reason);
        }
    }

    private void ReadFields(FieldStrings strings)
    {
        for (var place = 0; TryReadField(out var name, out var value); place++)
        {
            var field = strings.Get(Response is null ? int.MaxValue : place, name, value);
            if (IsFraming(name))
            {
                ReadFraming(name.Length, field.Value);
            }

            if (Response is { } response && !response.Headers.TryAddWithoutValidation(field.Name, field.Value))
            {
                Content.Headers.TryAddWithoutValidation(field.Name, field.Value);
            }
        }
    }

    private bool TryReadField(out ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        var line = NextLine();
        if (line.IsEmpty)
        {
            name = value = [];
            return false;
        }

        var colon = line.IndexOf((byte)':');
        name = colon < 0 ? [] : line[..colon].TrimEnd(" \t"u8); // what stands before the colon is to be taken away (§5.1)
        if (name.IsEmpty || name.ContainsAnyExcept(TokenCharacters))
        {
            throw Malformed("a header field whose name is none");
        }

        value = line[(colon + 1)..].Trim(" \t"u8);
        if (_rest is [(byte)' ' or (byte)'\t', ..])
        {
            value = Unfolded(value);
        }

        return !value.ContainsAny(NotInValues) ? true : throw Malformed($"a control character in '{Encoding.ASCII.GetString(name)}'");
    }

    private ReadOnlySpan<byte> Unfolded(scoped ReadOnlySpan<byte> first)
    {
        var value = new ArrayBufferWriter<byte>();
        value.Write(first);
        while (_rest is [(byte)' ' or (byte)'\t', ..])
        {
            value.Write(" "u8);
            value.Write(NextLine().Trim(" \t"u8));
        }

        return value.WrittenSpan.Trim(" \t"u8);
    }

    private static bool IsFraming(ReadOnlySpan<byte> name) => name.Length switch
    {
        10 => Ascii.EqualsIgnoreCase(name, "connection"u8),
        14 => Ascii.EqualsIgnoreCase(name, "content-length"u8),
        17 => Ascii.EqualsIgnoreCase(name, "transfer-encoding"u8),
        _ => false,
    };

    private void ReadFraming(int nameLength, string value)
    {
        switch (nameLength)
        {
            case 10:
                foreach (var option in value.AsSpan().Split(','))
                {
                    var token = value.AsSpan(option).Trim(" \t");
                    _close |= token.Equals("close", StringComparison.OrdinalIgnoreCase);
                    _keepAlive |= token.Equals("keep-alive", StringComparison.OrdinalIgnoreCase);
                }

                break;
            case 14:
                if (!long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var length) || _length != UntilClose)
                {
                    throw Malformed("a Content-Length that is none, or a second one");
                }

                _length = length;
                break;
            default:
                if (_chunked || !value.Equals("chunked", StringComparison.OrdinalIgnoreCase))
                {
                    throw Malformed("a Transfer-Encoding other than chunked");
                }

                _chunked = true;
                break;
        }
    }

    // A method is case-sensitive (RFC 9110 §9.1), which HttpMethod's comparison is not.
    private readonly long LengthOfBody(string method) =>
        _chunked && _length != UntilClose ? throw Malformed("both Content-Length and Transfer-Encoding")
        : Response is null && (_chunked || _length > 0) ? throw Malformed("an interim response with a body")
        : Status is < 200 or 204 or 304 || method == "HEAD" ? 0
        : _chunked ? Chunked
        : _length;

    private ReadOnlySpan<byte> NextLine()
    {
        var end = _rest.IndexOf((byte)'\n');
        var line = _rest[..end];
        _rest = _rest[(end + 1)..];
        return line is [.., (byte)'\r'] ? line[..^1] : line;
    }
}
