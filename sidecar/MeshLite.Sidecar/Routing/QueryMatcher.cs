using System.Buffers;
using System.Text;
using System.Text.RegularExpressions;
using MeshLite.Model;

namespace MeshLite.Sidecar.Routing;

/// <summary>
/// One query condition, ready to run on the raw query. Names and values are percent-decoded for the comparison; a plus
/// stays a plus, as in Envoy. Of a name sent several times the first counts (Gateway API HTTPQueryParamMatch); a missing
/// one never matches. Immutable.
/// </summary>
internal sealed class QueryMatcher
{
    private readonly byte[] _name;
    private readonly byte[] _value;
    private readonly Regex? _regex;

    private QueryMatcher(string name, string value, Regex? regex)
    {
        _name = Encoding.UTF8.GetBytes(name);
        _value = Encoding.UTF8.GetBytes(value);
        _regex = regex;
    }

    /// <summary>Null, with a line in <paramref name="problems"/>, where the condition cannot be run.</summary>
    public static QueryMatcher? Build(ValueMatchConfig config, string where, ICollection<string> problems)
    {
        Regex? regex = null;
        if (config.Type == ValueMatchType.RegularExpression && !UserRegex.TryCompile(config.Value, out regex, out var problem))
        {
            problems.Add($"{where}: query parameter '{config.Name}' {problem}");
            return null;
        }

        return new QueryMatcher(config.Name, config.Value, regex);
    }

    public bool Matches(ReadOnlySpan<char> query)
    {
        while (!query.IsEmpty)
        {
            var end = query.IndexOf('&');
            var pair = end < 0 ? query : query[..end];
            query = end < 0 ? default : query[(end + 1)..];

            var equals = pair.IndexOf('=');
            if (!pair.IsEmpty && DecodedEquals(equals < 0 ? pair : pair[..equals], _name))
            {
                var value = equals < 0 ? default : pair[(equals + 1)..];
                return _regex is null ? DecodedEquals(value, _value) : DecodedMatches(value, _regex);
            }
        }

        return false;
    }

    /// <summary>Compares without writing the decoded text anywhere.</summary>
    private static bool DecodedEquals(ReadOnlySpan<char> raw, ReadOnlySpan<byte> expected)
    {
        Span<byte> next = stackalloc byte[4];
        while (!raw.IsEmpty)
        {
            var length = DecodeNext(ref raw, next);
            if (!expected.StartsWith(next[..length]))
            {
                return false;
            }

            expected = expected[length..];
        }

        return expected.IsEmpty;
    }

    private static bool DecodedMatches(ReadOnlySpan<char> raw, Regex regex)
    {
        // A character becomes three bytes at most, and a byte one character at most.
        var size = raw.Length * 3;
        var rentedBytes = size <= 512 ? null : ArrayPool<byte>.Shared.Rent(size);
        var rentedChars = size <= 512 ? null : ArrayPool<char>.Shared.Rent(size);
        Span<byte> bytes = rentedBytes ?? stackalloc byte[512];
        Span<char> chars = rentedChars ?? stackalloc char[512];

        var written = 0;
        while (!raw.IsEmpty)
        {
            written += DecodeNext(ref raw, bytes[written..]);
        }

        var matches = regex.IsMatch(chars[..Encoding.UTF8.GetChars(bytes[..written], chars)]);
        if (rentedBytes is not null)
        {
            ArrayPool<byte>.Shared.Return(rentedBytes);
            ArrayPool<char>.Shared.Return(rentedChars!);
        }

        return matches;
    }

    /// <summary>Takes one character or one <c>%XX</c> off <paramref name="raw"/>; returns how many bytes it made.</summary>
    private static int DecodeNext(scoped ref ReadOnlySpan<char> raw, scoped Span<byte> target)
    {
        if (raw[0] == '%' && PercentEncoding.TryDecode(raw, out target[0]))
        {
            raw = raw[3..];
            return 1;
        }

        if (char.IsAscii(raw[0]))
        {
            target[0] = (byte)raw[0];
            raw = raw[1..];
            return 1;
        }

        Rune.DecodeFromUtf16(raw, out var rune, out var consumed);
        raw = raw[consumed..];
        return rune.EncodeToUtf8(target);
    }
}
