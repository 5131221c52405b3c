namespace MeshLite.Sidecar.Routing;

/// <summary>Percent-encoding (RFC 3986 §2.1). Stateless, allocates nothing.</summary>
internal static class PercentEncoding
{
    /// <summary>
    /// Copies a path with its encodings normalised (§6.2.2.1, §6.2.2.2): unreserved characters decoded, the digits of
    /// what stays encoded in upper case. Returns the number of characters written, never more than read.
    /// </summary>
    public static int Normalize(ReadOnlySpan<char> path, Span<char> target, out PathAmbiguity ambiguity)
    {
        ambiguity = PathAmbiguity.None;
        var written = 0;
        for (var i = 0; i < path.Length; i++)
        {
            var c = path[i];
            if (c != '%')
            {
                ambiguity |= AmbiguityOf(c, encoded: false);
                target[written++] = c;
                continue;
            }

            if (!TryDecode(path[i..], out var value))
            {
                ambiguity |= PathAmbiguity.BadEncoding;
                target[written++] = c;
                continue;
            }

            if (IsUnreserved((char)value))
            {
                target[written++] = (char)value;
            }
            else
            {
                ambiguity |= AmbiguityOf((char)value, encoded: true);
                target[written++] = '%';
                target[written++] = char.ToUpperInvariant(path[i + 1]);
                target[written++] = char.ToUpperInvariant(path[i + 2]);
            }

            i += 2;
        }

        return written;
    }

    /// <summary>Reads <c>%XX</c> at the beginning of <paramref name="text"/>.</summary>
    public static bool TryDecode(ReadOnlySpan<char> text, out byte value)
    {
        value = 0;
        if (text.Length < 3 || text[0] != '%' || !char.IsAsciiHexDigit(text[1]) || !char.IsAsciiHexDigit(text[2]))
        {
            return false;
        }

        value = (byte)((Digit(text[1]) << 4) | Digit(text[2]));
        return true;
    }

    private static int Digit(char c) => c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

    private static bool IsUnreserved(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~';

    private static PathAmbiguity AmbiguityOf(char c, bool encoded) => c switch
    {
        '\0' => PathAmbiguity.Nul,
        '\\' => PathAmbiguity.Backslash,
        '/' when encoded => PathAmbiguity.EncodedSlash,
        // Encoded, these are proper and unambiguous.
        _ when encoded => PathAmbiguity.None,
        <= ' ' or '#' or >= '\x7f' => PathAmbiguity.IllegalCharacter,
        _ => PathAmbiguity.None,
    };
}
