using System.Buffers;
using System.Globalization;
using System.Text;

namespace MeshLite.Functional.Tests.Kit;

/// <summary>
/// Reads the bytes an application got as RFC 9112 says, to the letter and nothing beyond: what passes here, every reader
/// reads the same. Throws <see cref="FormatException"/> else.
/// </summary>
internal static class StrictHttp
{
    private static readonly SearchValues<char> Token = SearchValues.Create("!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ");

    /// <summary>The requests, each as <c>METHOD target [body]</c>.</summary>
    public static List<string> Requests(byte[] bytes)
    {
        var requests = new List<string>();
        var rest = Encoding.Latin1.GetString(bytes);
        while (rest.Length > 0)
        {
            var end = rest.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            Check(end >= 0, "a head without end");
            var lines = rest[..end].Split("\r\n");
            rest = rest[(end + 4)..];
            var request = RequestLine(lines[0]);
            var fields = lines.Skip(1).Select(Field).ToList();
            Check(fields.Count(f => f.Name == "host") == 1, "not one Host");
            var body = Body(fields, ref rest);
            requests.Add(body.Length == 0 ? request : $"{request} {body}");
        }

        return requests;
    }

    private static string RequestLine(string line)
    {
        Check(line.Split(' ') is [var method, var target, "HTTP/1.1"] && IsToken(method) && target.Length > 0 && target.All(c => c is > ' ' and < '\x7f'), $"request line '{line}'");
        return line[..line.LastIndexOf(' ')];
    }

    private static (string Name, string Value) Field(string line)
    {
        var colon = line.IndexOf(':');
        Check(colon > 0 && IsToken(line[..colon]), $"field '{line}'");
        var value = line[(colon + 1)..].Trim(' ', '\t');
        Check(value.All(c => c is '\t' or (>= ' ' and not '\x7f')), $"value of '{line}'");
        return (line[..colon].ToLowerInvariant(), value);
    }

    private static string Body(List<(string Name, string Value)> fields, ref string rest)
    {
        var length = fields.Where(f => f.Name == "content-length").Select(f => f.Value).ToList();
        var coding = fields.Where(f => f.Name == "transfer-encoding").Select(f => f.Value).ToList();
        Check(length.Count + coding.Count <= 1, "more than one length");
        if (length is [var digits])
        {
            Check(digits.Length > 0 && digits.All(char.IsAsciiDigit), $"length '{digits}'");
            return Take(int.Parse(digits, CultureInfo.InvariantCulture), ref rest);
        }

        if (coding.Count == 0)
        {
            return "";
        }

        Check(coding[0] == "chunked", $"coding '{coding[0]}'");
        var body = new StringBuilder();
        while (true)
        {
            var line = rest.IndexOf("\r\n", StringComparison.Ordinal);
            Check(line > 0 && rest[..line].All(char.IsAsciiHexDigit), "a chunk's size");
            var size = int.Parse(rest[..line], NumberStyles.HexNumber, CultureInfo.InvariantCulture);
            rest = rest[(line + 2)..];
            body.Append(Take(size, ref rest));
            Check(Take(2, ref rest) == "\r\n", "a chunk's end, or a trailer");
            if (size == 0)
            {
                return body.ToString();
            }
        }
    }

    private static string Take(int count, ref string rest)
    {
        Check(rest.Length >= count, "a body that breaks off");
        var taken = rest[..count];
        rest = rest[count..];
        return taken;
    }

    private static bool IsToken(string text) => text.Length > 0 && !text.AsSpan().ContainsAnyExcept(Token);

    private static void Check(bool condition, string what)
    {
        if (!condition)
        {
            throw new FormatException(what);
        }
    }
}
