using System.Buffers;
using System.Net;
using MeshLite.Sidecar.Http2.Hpack;

namespace MeshLite.Sidecar.Http2;

/// <summary>
/// Puts the fields of a header block where they belong: a response's head (<see cref="Http2Stream.Response"/>, made once its status is known), an interim
/// response, or trailers. What breaks the rules (RFC 9113 §8.1.1, §8.2, §8.3) makes it <see cref="Malformed"/>; the block is read to its end all the same, since
/// the decoder's table depends on it. A value that lives as long as one block.
/// </summary>
internal struct ResponseHead(Http2Stream? stream) : IFieldSink
{
    /// <value>Names and values of a block, together; beyond, it is malformed. 68 KiB: a peer sidecar takes 64 KiB from its application and adds a little.</value>
    public const int MaxBytes = 68 * 1024;

    private static readonly SearchValues<char> NameLetters = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz");
    private static readonly SearchValues<char> NotInValues = SearchValues.Create("\r\n\0");

    private readonly HttpResponseMessage? _trailed = stream?.Response;
    private int _left = MaxBytes;
    private int _status;

    /// <summary>What is wrong with it; null: nothing.</summary>
    public string? Malformed { get; private set; }

    /// <summary>The status of a head; 0 of trailers.</summary>
    public readonly int Status => _status;

    /// <summary>A response that precedes the real one (RFC 9110 §15.2).</summary>
    public readonly bool IsInterim => _status is >= 100 and < 200;

    /// <inheritdoc/>
    public void OnField(string name, string value)
    {
        if (stream is null || Malformed is not null)
        {
            return;
        }

        _left -= name.Length + value.Length;
        if (_left < 0)
        {
            Malformed = $"header fields of over {MaxBytes / 1024} KiB";
        }
        else if (name.Length > 0 && name[0] == ':')
        {
            Pseudo(name, value);
        }
        else if (name.Length == 0 || name.AsSpan().ContainsAnyExcept(NameLetters))
        {
            Malformed = "a field name that is none";
        }
        else if (value.AsSpan().ContainsAny(NotInValues))
        {
            Malformed = $"a line break or NUL in '{name}'";
        }
        else if (name is "connection" or "transfer-encoding" or "upgrade" or "keep-alive" or "proxy-connection")
        {
            Malformed = $"the field '{name}', which HTTP/2 does not have";
        }
        else
        {
            Field(name, value);
        }
    }

    private void Pseudo(string name, string value)
    {
        if (_trailed is not null || name != ":status" || _status != 0)
        {
            Malformed = $"'{name}' where it may not be";
        }
        else if (value.Length != 3 || !int.TryParse(value, System.Globalization.NumberStyles.None, null, out _status) || _status is < 100 or 101)
        {
            Malformed = "a status that is none";
        }
        else if (!IsInterim)
        {
            stream!.Answer((HttpStatusCode)_status);
        }
    }

    private void Field(string name, string value)
    {
        if (_trailed is not null)
        {
            _trailed.TrailingHeaders.TryAddWithoutValidation(name, value);
        }
        else if (_status == 0)
        {
            Malformed = "fields before ':status'";
        }
        else if (!IsInterim && stream!.Response is { } response && !response.Headers.TryAddWithoutValidation(name, value))
        {
            response.Content.Headers.TryAddWithoutValidation(name, value);
        }
    }
}
